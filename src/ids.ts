/** Identifiers and random bytes. Only this file reads randomness; with a seed the sequence is repeatable. */
import { createHmac, randomUUID, randomBytes as systemRandomBytes } from 'node:crypto';
import { wallNow } from './clock.ts';

export interface Ids {
  /** `length` unpredictable bytes (repeatable if the world is seeded). */
  readonly bytes: (length: number) => Buffer;
  /** A version 4 UUID: 122 random bits. */
  readonly uuid: () => string;
  /**
   * The id of a row of a table that grows: `timeOrderedUuid`, with 74 random bits. With a seed it is random, because a
   * repeatable value cannot hold the time. Where to know the id is enough to read or do something, it is `uuid`.
   */
  readonly rowId: () => string;
  /**
   * An opaque ASCII value with 256 random bits, for tokens and nonces (RFC 9635 §13.1). It begins with a letter or
   * digit, so that a command line does not take it for an option.
   */
  readonly token: () => string;
}

/**
 * A version 7 UUID (RFC 9562 §5.7): 48 bits of wall time in milliseconds, then 74 random bits. So PostgreSQL writes the
 * index entries of new rows side by side, at the end of the trees of their ASE, however large these are.
 */
export function timeOrderedUuid(): string {
  const time = wallNow().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice('xxxxxxxx-xxxx-4'.length)}`;
}

/** With a seed: HMAC-SHA256(seed, label and counter). The label keeps the ASEs' sequences apart. */
export function createIds(seed: string | undefined, label: string): Ids {
  let counter = 0;
  const block = (): Buffer => createHmac('sha256', seed!).update(`${label}\n${counter++}`).digest();
  const bytes = (length: number): Buffer => {
    if (seed === undefined) return systemRandomBytes(length);
    const blocks = Array.from({ length: Math.ceil(length / 32) }, block);
    return Buffer.concat(blocks).subarray(0, length);
  };
  const seededUuid = (): string => {
    const value = bytes(16);
    value[6] = (value[6]! & 0x0f) | 0x40;
    value[8] = (value[8]! & 0x3f) | 0x80;
    const hex = value.toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  };
  return {
    bytes,
    uuid: seed === undefined ? randomUUID : seededUuid,
    rowId: seed === undefined ? timeOrderedUuid : seededUuid,
    token() {
      for (;;) {
        const value = bytes(32).toString('base64url');
        if (!/^[-_]/.test(value)) return value;
      }
    },
  };
}
