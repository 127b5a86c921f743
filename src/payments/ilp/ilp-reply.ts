/** ILP packets as bytes (ILP-0027): Prepares that come in, answers that go out. */
import {
  deserializeIlpPrepare,
  type IlpPrepare,
  serializeIlpFulfill,
  serializeIlpPrepare,
  serializeIlpReject,
} from 'ilp-packet';

/**
 * Undefined if the bytes are no ILP Prepare in the one way to write it (ILP-0030): the parser takes `2030 101…` for a
 * time, the eighth bit of an address for nothing, and what follows the packet for no matter.
 */
export function parsePrepare(bytes: Buffer): IlpPrepare | undefined {
  try {
    const prepare = deserializeIlpPrepare(bytes);
    return serializeIlpPrepare(prepare).equals(bytes) ? prepare : undefined;
  } catch {
    return undefined;
  }
}

export const fulfill = (fulfillment: Buffer, data: Buffer): Buffer => serializeIlpFulfill({ fulfillment, data });

/** `triggeredBy` is the address of the ASE that refuses. */
export const reject = (code: string, triggeredBy: string, message: string, data: Buffer = Buffer.alloc(0)): Buffer =>
  serializeIlpReject({ code, triggeredBy, message, data });

/** F08: the data hold the amount that came and the largest that would do, each a UInt64 (ILP-0027 §Error Codes). */
export function amountTooLarge(triggeredBy: string, received: bigint, maximum: bigint): Buffer {
  const data = Buffer.alloc(16);
  data.writeBigUInt64BE(received, 0);
  data.writeBigUInt64BE(maximum, 8);
  return reject('F08', triggeredBy, 'amount too large', data);
}
