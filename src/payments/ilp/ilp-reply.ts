/** ILP packets as bytes (ILP-0027): incoming Prepares and outgoing answers. */
import {
  deserializeIlpPrepare,
  type IlpPrepare,
  serializeIlpFulfill,
  serializeIlpPrepare,
  serializeIlpReject,
} from 'ilp-packet';

/**
 * Undefined unless the bytes are the canonical encoding of an ILP Prepare (ILP-0030). The parser alone is too lenient:
 * it accepts malformed timestamps, non-ASCII addresses and trailing bytes.
 */
export function parsePrepare(bytes: Buffer): IlpPrepare | undefined {
  try {
    const prepare = deserializeIlpPrepare(bytes);
    return serializeIlpPrepare(prepare).equals(bytes) ? prepare : undefined;
  } catch {
    return undefined;
  }
}

export const ilpFulfill = (fulfillment: Buffer, data: Buffer): Buffer => serializeIlpFulfill({ fulfillment, data });

/** `triggeredBy` is the ILP address of the ASE that rejects. */
export const ilpReject = (code: string, triggeredBy: string, message: string, data: Buffer = Buffer.alloc(0)): Buffer =>
  serializeIlpReject({ code, triggeredBy, message, data });

/** F08: the data holds the received amount and the maximum, each as UInt64 (ILP-0027 §Error Codes). */
export function amountTooLarge(triggeredBy: string, received: bigint, maximum: bigint): Buffer {
  const data = Buffer.alloc(16);
  data.writeBigUInt64BE(received, 0);
  data.writeBigUInt64BE(maximum, 8);
  return ilpReject('F08', triggeredBy, 'amount too large', data);
}
