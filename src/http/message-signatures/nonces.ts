// Nonces seen in verified signatures: RFC 9421 §2.3, RFC 9635 §7.3.1, row SIG-15.
import { hash } from 'node:crypto';

export interface NonceMemoryOptions {
  /** How long a signature stays acceptable: greatest age plus clock skew, in milliseconds. */
  readonly windowMs: number;
  /** Most nonces kept; beyond that the oldest are forgotten early. */
  readonly maxNonces?: number;
}

/**
 * Remembers a nonce of a key (by its thumbprint: a keyid is not unique among clients) and says whether it was there
 * before. Memory of one process. `now` is wall time in milliseconds.
 */
export type NonceMemory = (thumbprint: string, nonce: string, now: number) => boolean;

export function createNonceMemory({ windowMs, maxNonces = 100_000 }: NonceMemoryOptions): NonceMemory {
  const forgetAt = new Map<string, number>();
  return (thumbprint, nonce, now) => {
    const entry = hash('sha256', `${thumbprint} ${nonce}`, 'base64'); // bounded, however long the nonce is
    if ((forgetAt.get(entry) ?? 0) > now) return true;
    forgetAt.delete(entry);
    for (const [oldest, at] of forgetAt) {
      if (at > now && forgetAt.size < maxNonces) break;
      forgetAt.delete(oldest);
    }
    forgetAt.set(entry, now + windowMs);
    return false;
  };
}
