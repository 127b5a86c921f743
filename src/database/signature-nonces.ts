/** Nonces of verified signatures, shared by all processes of the ASE while the signature would be fresh (RFC 9421 §7.2.2, SIG-15). */
import { hash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { toInstant } from './columns.ts';
import type { Database } from './database.ts';

/** Remembers a nonce and says whether it was there before. `windowMs`: greatest age of a signature plus skew. */
export function createNonceMemory(db: Database, ase: string, clock: Clock, windowMs: number) {
  return async (keyThumbprint: string, nonce: string): Promise<boolean> => {
    const now = clock.wallNow();
    await db.query
      .deleteFrom('signature_nonce')
      .where('ase', '=', ase)
      .where('expires_at', '<=', toInstant(now))
      .execute();
    const { numInsertedOrUpdatedRows } = await db.query
      .insertInto('signature_nonce')
      // Digested: bounded, however long the nonce is.
      .values({
        ase,
        key_thumbprint: keyThumbprint,
        nonce: hash('sha256', nonce, 'base64url'),
        expires_at: toInstant(now + windowMs),
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow();
    return numInsertedOrUpdatedRows === 0n;
  };
}
