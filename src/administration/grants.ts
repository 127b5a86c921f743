/** Listing, reading and revoking the grants of an ASE (RFC 9635 §1.5). */
import { sql } from 'kysely';
import { type GrantState, transitionGrant } from '../auth/grant.ts';
import { lockGrant, updateGrant } from '../auth/grant-rows.ts';
import { toLookupText, toMillis } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import type { Access } from '../open-payments/access.ts';
import { creationOf, listPage, newestFirst, type Page, type PageRequest } from './cursor-page.ts';
import { adminProblem } from './problem.ts';

export interface GrantDescription {
  readonly id: string;
  readonly state: GrantState;
  /** The client's wallet address, or the thumbprint of its key. */
  readonly client: string;
  readonly clientName: string | undefined;
  readonly access: readonly Access[];
  readonly createdAt: number;
}

const selectGrants = (db: Queryable, ase: string) =>
  db
    .selectFrom('gnap_grant')
    .select(['id', 'state', 'finalization', 'client_id', 'client_name', 'access', 'created_at'])
    .where('ase', '=', ase);

type GrantRow = Awaited<ReturnType<ReturnType<typeof selectGrants>['executeTakeFirstOrThrow']>>;

const toDescription = (row: GrantRow): GrantDescription => ({
  id: row.id,
  state: row.state === 'finalized' ? row.finalization! : row.state,
  client: row.client_id,
  clientName: row.client_name ?? undefined,
  access: row.access,
  createdAt: toMillis(row.created_at),
});

/** Newest first. Throws `invalid_request` for an unknown cursor. */
export const listGrants = (db: Queryable, ase: string, request: PageRequest): Promise<Page<GrantDescription>> =>
  listPage(request, creationOf, async (after, limit) => {
    const page = newestFirst({ at: 'created_at', id: 'id' }, after, limit);
    return (await selectGrants(db, ase).$call(page).execute()).map(toDescription);
  });

export interface TokenDescription {
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
}

/** A grant with its 100 newest tokens. Throws `not_found`. */
export async function getGrant(
  db: Queryable,
  ase: string,
  id: string,
): Promise<GrantDescription & { readonly tokens: readonly TokenDescription[] }> {
  const row = await selectGrants(db, ase).where('id', '=', toLookupText(id)).executeTakeFirst();
  if (!row) throw adminProblem('not_found', 'unknown grant');
  const tokens = await db
    .selectFrom('access_token')
    .select(['created_at', 'expires_at', 'revoked_at'])
    .where('ase', '=', ase)
    .where('grant_id', '=', id)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(100)
    .execute();
  return {
    ...toDescription(row),
    tokens: tokens.map(({ created_at, expires_at, revoked_at }) => ({
      createdAt: toMillis(created_at),
      expiresAt: toMillis(expires_at),
      revokedAt: revoked_at === null ? undefined : toMillis(revoked_at),
    })),
  };
}

/** Revokes a grant and its tokens. Idempotent. Throws `not_found`. */
export async function revokeGrant(tx: Transaction, ase: string, id: string): Promise<void> {
  const grant = await lockGrant(tx, ase, id);
  if (!grant) throw adminProblem('not_found', 'unknown grant');
  if (grant.state === 'revoked') return;
  const isStored = await updateGrant(tx, ase, { read: grant, grant: transitionGrant(grant, 'revoke') });
  if (!isStored) throw new Error('a grant that is locked has changed');
}

/** Revokes the grants, and their tokens, whose access or subject names this wallet address. */
export async function revokeGrantsNaming(tx: Transaction, ase: string, walletAddress: string): Promise<void> {
  const rows = await tx
    .selectFrom('gnap_grant')
    .select('id')
    .where('ase', '=', ase)
    .where((is) =>
      is.or([
        sql<boolean>`access @> ${JSON.stringify([{ identifier: walletAddress }])}::jsonb`,
        sql<boolean>`subject @> ${JSON.stringify({ sub_ids: [{ id: walletAddress }] })}::jsonb`,
      ]),
    )
    .orderBy('id')
    .execute();
  for (const { id } of rows) await revokeGrant(tx, ase, id);
}
