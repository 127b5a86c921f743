/** Grants of an ASE, as an administrator sees and revokes them (RFC 9635 §1.5). */
import { sql } from 'kysely';
import type { Access } from '../auth/access.ts';
import { type GrantState, lockGrant, moveGrant } from '../auth/grant.ts';
import { toInstant, toMillis } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { invalid, notFound } from './problem.ts';

export interface GrantDescription {
  readonly id: string;
  readonly state: GrantState;
  /** Wallet address of the client, or the thumbprint of its key. */
  readonly client: string;
  readonly clientName: string | undefined;
  readonly access: readonly Access[];
  readonly createdAt: number;
}

/** Newest first; `cursor` is the `endCursor` of the page before. Throws `invalid_request` for any other text. */
export async function listGrants(
  db: Queryable,
  ase: string,
  { cursor, first = 20 }: { readonly cursor?: string | undefined; readonly first?: number | undefined },
): Promise<{ grants: GrantDescription[]; endCursor: string | undefined; hasNextPage: boolean }> {
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const rows = await db
    .selectFrom('gnap_grant')
    .select(['id', 'state', 'finalization', 'client_id', 'client_name', 'access', 'created_at'])
    .where('ase', '=', ase)
    .$if(after !== undefined, (query) =>
      query.where(sql<boolean>`(created_at, id) < (${toInstant(after!.createdAt)}::timestamptz, ${after!.id})`),
    )
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(first + 1)
    .execute();
  const grants = rows.slice(0, first).map((row) => ({
    id: row.id,
    state: row.state === 'finalized' ? row.finalization! : row.state,
    client: row.client_id,
    clientName: row.client_name ?? undefined,
    access: row.access,
    createdAt: toMillis(row.created_at),
  }));
  const last = grants.at(-1);
  return { grants, endCursor: last && writeCursor(last), hasNextPage: rows.length > first };
}

/** Revokes a grant and with it its tokens; harmless if repeated. Throws `not_found`. */
export async function revokeGrant(tx: Transaction, ase: string, id: string): Promise<void> {
  const grant = await lockGrant(tx, ase, id);
  if (!grant) throw notFound('no such grant');
  if (grant.state !== 'revoked') await moveGrant(tx, ase, grant, 'revoke');
}

const writeCursor = ({ createdAt, id }: { readonly createdAt: number; readonly id: string }): string =>
  Buffer.from(`${createdAt} ${id}`).toString('base64url');

function readCursor(cursor: string): { createdAt: number; id: string } {
  const [, createdAt, id] =
    /^(\d{1,14}) ([0-9A-Za-z-]+)$/.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  if (createdAt === undefined || id === undefined) throw invalid('unknown cursor');
  return { createdAt: Number(createdAt), id };
}
