/** The record of what an operator did to an ASE over the control API: what, when, with which values; no secrets. */
import { sql } from 'kysely';
import { toInstant, toJson, toMillis } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { createIds } from '../ids.ts';
import { listPage, type Page, type PageRequest } from './cursor-page.ts';

export interface AuditLogEntry {
  readonly id: string;
  /** Wall time. */
  readonly at: number;
  /** An operationId. */
  readonly operation: string;
  /** Of the answer: a repeated deposit, for one, answers 200. */
  readonly status: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

// Not those of the ASE, so that a record does not change what a seeded world makes next.
const { uuid: newId } = createIds(undefined, 'action');

/** Members of a request that may be shown; whatever is not named here is left out. */
const shown = new Set([
  ...['id', 'account', 'amount', 'assetCode', 'assetScale', 'walletAddress', 'publicName', 'active', 'kid'],
  ...['peer', 'name', 'prefix', 'endpoint', 'maxPacketAmount', 'balanceLimit', 'basisPoints', 'fixed', 'prices'],
  ...['grant', 'event', 'transfer', 'reason', 'payment', 'condition', 'fate', 'fulfillment', 'url'],
]);

/** Writes down what is done in this transaction. `request` is what was asked for, secrets and all. */
export async function appendAuditLog(
  tx: Transaction,
  ase: string,
  { operation, status, request, at }: Pick<AuditLogEntry, 'operation' | 'status' | 'at'> & { readonly request: object },
): Promise<void> {
  const told = Object.entries(request).filter(([name, value]) => shown.has(name) && value !== undefined);
  const detail = Object.fromEntries(told.map(([name, value]) => [name, name === 'url' ? showUrl(value) : value]));
  await tx
    .insertInto('administrative_action')
    .values({ ase, id: newId(), at: toInstant(at), operation, status, detail: toJson(detail) })
    .execute();
}

/** Those of services may hold a key in the query. */
const showUrl = (url: unknown): unknown => (typeof url === 'string' ? url.replace(/[?#].*$/s, '') : url);

/** Newest first. Throws `invalid_request` for a cursor of nobody's. */
export const listAuditLog = (db: Queryable, ase: string, request: PageRequest): Promise<Page<AuditLogEntry>> =>
  listPage(
    request,
    ({ at, id }) => ({ at, id }),
    async (after, limit) => {
      const rows = await db
        .selectFrom('administrative_action')
        .selectAll()
        .where('ase', '=', ase)
        .$if(after !== undefined, (query) =>
          query.where(sql<boolean>`(at, id) < (${toInstant(after!.at)}::timestamptz, ${after!.id})`),
        )
        .orderBy('at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(({ id, at, operation, status, detail }) => ({ id, at: toMillis(at), operation, status, detail }));
    },
  );
