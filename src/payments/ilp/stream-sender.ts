/** The sending end of STREAM (ILP-0029 §3–6): makes one Prepare at a time and reads the answer to it. */
import { deserializeIlpReply, isFulfill, serializeIlpPrepare } from 'ilp-packet';
import { conditionFor, fulfillmentFor, sealStreamMoney } from './stream-packet.ts';

export interface StreamPayment {
  readonly address: string;
  readonly sharedSecret: Buffer;
  readonly sequence: number;
  /** In units of the receiver's asset; the receiver refuses a packet that brings less. */
  readonly amount: bigint;
  /** Wall time. */
  readonly expiresAt: number;
}

/** A Prepare that the receiver can fulfil, serialised, with its condition. */
export async function createStreamPrepare(payment: StreamPayment): Promise<{ prepare: Buffer; condition: Buffer }> {
  const data = await sealStreamMoney(payment.sharedSecret, payment.sequence, payment.amount);
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
  | { readonly kind: 'rejected'; readonly code: string; readonly triggeredBy: string; readonly largestAmount?: bigint }
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
    const { code, triggeredBy } = reply;
    return { kind: 'rejected', code, triggeredBy, ...(code === 'F08' && readLargestAmount(reply.data, amount)) };
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
