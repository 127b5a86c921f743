/** The sending end of STREAM (ILP-0029 §3–6): makes one Prepare at a time and reads the answer to it. */
import { createHash } from 'node:crypto';
import { deserializeIlpReply, isFulfill, serializeIlpPrepare } from 'ilp-packet';
import { conditionFor, fulfillmentFor, type StreamMoney, sealStreamMoney } from './stream-packet.ts';

/** Amounts are in units of the receiver's asset; the receiver refuses a packet that brings less. */
export interface StreamPayment extends StreamMoney {
  readonly address: string;
  readonly sharedSecret: Buffer;
  /** Wall time. */
  readonly expiresAt: number;
}

/** Longest ILP address (ILP-0015). */
const MAX_ADDRESS_LENGTH = 1023;

/**
 * The receiver's address with a segment by which it tells the connections of different payments apart (ILP-0029 §4.1). It
 * is the same in all attempts of a payment, and says nothing else about it.
 */
export function connectionAddress(address: string, payment: string): string {
  const segment = createHash('sha256').update(payment).digest('base64url').slice(0, 16);
  const extended = `${address}.${segment}`;
  return extended.length <= MAX_ADDRESS_LENGTH ? extended : address;
}

/** A Prepare that the receiver can fulfil, serialised, with its condition. */
export async function createStreamPrepare(payment: StreamPayment): Promise<{ prepare: Buffer; condition: Buffer }> {
  const data = await sealStreamMoney(payment.sharedSecret, payment);
  const condition = conditionFor(fulfillmentFor(payment.sharedSecret, data));
  const prepare = serializeIlpPrepare({
    amount: `${payment.amount}`,
    executionCondition: condition,
    expiresAt: new Date(payment.expiresAt),
    destination: payment.address,
    data,
  });
  return { prepare, condition };
}

export type PacketAnswer =
  | { readonly kind: 'fulfilled' }
  | {
      readonly kind: 'rejected';
      readonly code: string;
      readonly triggeredBy: string;
      readonly message: string;
      readonly largestAmount?: bigint;
    }
  /** No answer, or none that proves anything: the packet is in doubt. */
  | { readonly kind: 'unknown' };

/** Reads the answer to the Prepare of this condition (base64url) and amount. */
export function readPacketAnswer(bytes: Buffer, condition: string, amount: bigint): PacketAnswer {
  try {
    const reply = deserializeIlpReply(bytes);
    if (isFulfill(reply)) {
      const proven = conditionFor(reply.fulfillment).toString('base64url') === condition;
      return { kind: proven ? 'fulfilled' : 'unknown' };
    }
    if (!/^[FTR][0-9]{2}$/.test(reply.code)) return { kind: 'unknown' };
    const { code, triggeredBy, message } = reply;
    return {
      kind: 'rejected',
      code,
      triggeredBy,
      message,
      ...(code === 'F08' && readLargestAmount(reply.data, amount)),
    };
  } catch {
    return { kind: 'unknown' };
  }
}

/** F08: both amounts are in units of the rejecting connector, so only their ratio counts. Without them, halve. */
function readLargestAmount(data: Buffer, amount: bigint): { largestAmount: bigint } {
  const [received, maximum] = data.length >= 16 ? [data.readBigUInt64BE(0), data.readBigUInt64BE(8)] : [0n, 0n];
  const largest = received > maximum ? (amount * maximum) / received : amount / 2n;
  return { largestAmount: largest };
}
