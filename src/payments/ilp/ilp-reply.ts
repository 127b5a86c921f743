/** ILP packets as bytes (ILP-0027): Prepares that come in, answers that go out. */
import { deserializeIlpPrepare, type IlpPrepare, serializeIlpFulfill, serializeIlpReject } from 'ilp-packet';

/** Undefined if the bytes are no ILP Prepare. */
export function parsePrepare(bytes: Buffer): IlpPrepare | undefined {
  try {
    const prepare = deserializeIlpPrepare(bytes);
    return Number.isNaN(prepare.expiresAt.getTime()) ? undefined : prepare;
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
