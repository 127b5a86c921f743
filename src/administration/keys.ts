/** Public keys that a wallet address publishes in its `jwks.json` (WA-29…35). */
import { toInstant, toJson } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { ClientKeyError, importClientJwk } from '../http/signatures/client-keys.ts';
import type { ClientJwk } from '../open-payments/client.ts';
import { adminProblem, checkText } from './problem.ts';

/** Members that only private and symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2). */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

export async function listKeys(db: Queryable, ase: string, walletAddressId: string): Promise<ClientJwk[]> {
  const rows = await db
    .selectFrom('wallet_address_key')
    .select('jwk')
    .where('ase', '=', ase)
    .where('wallet_address_id', '=', walletAddressId)
    .orderBy('created_at')
    .orderBy('kid')
    .execute();
  return rows.map(({ jwk }) => jwk);
}

/**
 * Publishes a key. Throws `invalid_request` if it is private or not an Ed25519 signature key, and `conflict` if the
 * wallet address has a key with this kid.
 */
export async function registerKey(
  tx: Transaction,
  ase: string,
  walletAddressId: string,
  jwk: object,
  now: number,
): Promise<ClientJwk> {
  const privateMember = privateMembers.find((member) => Object.hasOwn(jwk, member));
  if (privateMember !== undefined)
    throw adminProblem('invalid_request', `the key is private: it has the member ${privateMember}`);
  const { jwk: published } = await importClientJwk(jwk).catch((error: unknown) => {
    throw error instanceof ClientKeyError ? adminProblem('invalid_request', error.message) : error;
  });
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('wallet_address_key')
    .values({
      ase,
      wallet_address_id: walletAddressId,
      kid: checkText(published.kid, 'kid'),
      jwk: toJson(published),
      created_at: toInstant(now),
    })
    .onConflict((on) => on.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 0n) throw adminProblem('conflict', 'the wallet address has a key with this kid');
  return published;
}

/** Withdraws a key. Throws `not_found` for an unknown kid. */
export async function revokeKey(tx: Transaction, ase: string, walletAddressId: string, kid: string): Promise<void> {
  const { numDeletedRows } = await tx
    .deleteFrom('wallet_address_key')
    .where('ase', '=', ase)
    .where('wallet_address_id', '=', walletAddressId)
    .where('kid', '=', checkText(kid, 'kid'))
    .executeTakeFirstOrThrow();
  if (numDeletedRows === 0n) throw adminProblem('not_found', 'unknown key');
}
