/** How passphrases are stored and compared: by scrypt, which makes guessing dear (RFC 7914), with a salt for each. */
import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

const COST = { N: 2 ** 14, r: 8, p: 1 } as const;
const LENGTH = 32;

/** Text with the parameters, the salt and the derived key. */
export async function digestPassphrase(passphrase: string, salt: Buffer): Promise<string> {
  const key = await deriveKey(passphrase, salt, COST);
  return [COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/** True if the passphrase has this digest. Takes equally long, and is false, without a digest. */
export async function matchesPassphrase(passphrase: string, digest: string | null | undefined): Promise<boolean> {
  const [N, r, p, salt, key] = (digest ?? absent).split('$');
  const derived = await deriveKey(passphrase, Buffer.from(salt!, 'base64url'), {
    N: Number(N),
    r: Number(r),
    p: Number(p),
  });
  return timingSafeEqual(derived, Buffer.from(key!, 'base64url')) && digest !== null && digest !== undefined;
}

const absent = [COST.N, COST.r, COST.p, 'bm9ib2R5', Buffer.alloc(LENGTH).toString('base64url')].join('$');

const deriveKey = (passphrase: string, salt: Buffer, cost: ScryptOptions): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // The same characters, however a keyboard composes them.
    scrypt(passphrase.normalize('NFC'), salt, LENGTH, cost, (error, key) => (error ? reject(error) : resolve(key)));
  });
