/** How secrets are stored and compared: as SHA-256 digests, in constant time (RFC 9635 §13.1, AS-81, AS-N13). */
import { createHash, timingSafeEqual } from 'node:crypto';

/** SHA-256 in base64url: what stands in the database for a token, a nonce or a reference of high entropy. */
export const digestSecret = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Whether `secret` has this digest. Neither its value nor its length shows in the time taken. */
export function matchesDigest(secret: string | undefined, digest: string | null | undefined): boolean {
  if (secret === undefined || digest === null || digest === undefined) return false;
  const expected = Buffer.from(digest);
  const given = Buffer.from(digestSecret(secret));
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Whether two secrets are the same, whatever their lengths. */
export const equalSecrets = (given: string | undefined, expected: string): boolean =>
  matchesDigest(given, digestSecret(expected));
