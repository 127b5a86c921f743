/** How secrets are stored and compared: as SHA-256 digests, in constant time (RFC 9635 §13.1, AS-81, AS-N13). */
import { hash, timingSafeEqual } from 'node:crypto';

/** SHA-256 in base64url: the stored form of a token, nonce or reference, which all have high entropy. */
export const digestSecret = (secret: string): string => hash('sha256', secret, 'base64url');

/** True if `secret` has this digest. The time taken reveals neither its value nor its length. */
export function matchesDigest(secret: string | undefined, digest: string | null | undefined): boolean {
  // An empty secret authenticates nothing, even where an empty one is expected.
  if (!secret || !digest) return false;
  const expected = Buffer.from(digest);
  const given = Buffer.from(digestSecret(secret));
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** True if two secrets, of any lengths, are equal. */
export const equalSecrets = (given: string | undefined, expected: string): boolean =>
  matchesDigest(given, digestSecret(expected));
