/** Grants of an ASE, as an administrator sees and revokes them (RFC 9635 §1.5). */
import { sql } from 'kysely';
import { type GrantState, lockGrant, transitionGrant } from '../auth/grant.ts';
import { toInstant, toMillis } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import type { Access } from '../open-payments/access.ts';
import { listPage, type Page, type PageRequest } from './cursor-page.ts';
import { notFound } from './problem.ts';

export interface GrantDescription {
  readonly id: string;
  readonly state: GrantState;
  /** Wallet address of the client, or the thumbprint of its key. */
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

const positionOf = ({ createdAt, id }: { readonly createdAt: number; readonly id: string }) => ({ at: createdAt, id });

/** Newest first. Throws `invalid_request` for a cursor of nobody's. */
export const listGrants = (db: Queryable, ase: string, request: PageRequest): Promise<Page<GrantDescription>> =>
  listPage(request, positionOf, async (after, limit) => {
    const rows = await selectGrants(db, ase)
      .$if(after !== undefined, (query) =>
        query.where(sql<boolean>`(created_at, id) < (${toInstant(after!.at)}::timestamptz, ${after!.id})`),
      )
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(toDescription);
  });

export interface TokenDescription {
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
}

/** A grant with its hundred newest tokens. Throws `not_found`. */
export async function readGrant(
  db: Queryable,
  ase: string,
  id: string,
): Promise<GrantDescription & { readonly tokens: readonly TokenDescription[] }> {
  const row = await selectGrants(db, ase)
    .where('id', '=', id.includes('\0') ? '' : id)
    .executeTakeFirst();
  if (!row) throw notFound('no such grant');
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

/** Revokes a grant and with it its tokens; harmless if repeated. Throws `not_found`. */
export async function revokeGrant(tx: Transaction, ase: string, id: string): Promise<void> {
  const grant = await lockGrant(tx, ase, id);
  if (!grant) throw notFound('no such grant');
  if (grant.state !== 'revoked') await transitionGrant(tx, ase, grant, 'revoke');
}
