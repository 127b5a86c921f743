/** Audit log of changes over the control API: time, operation and request members, without secrets. */
import { toInstant, toJson, toMillis } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { createIds } from '../ids.ts';
import { listPage, newestFirst, type Page, type PageRequest } from './cursor-page.ts';

export interface AuditLogEntry {
  readonly id: string;
  /** Wall time. */
  readonly at: number;
  /** An operationId. */
  readonly operation: string;
  /** Status of the response. A repeated deposit, for example, gets 200 instead of 201. */
  readonly status: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

// Separate from the ids of the ASE, so that the log does not change the ids that a seeded world generates.
const { uuid: newId } = createIds(undefined, 'action');

/** Members of a request that are logged. Any other may hold a secret. */
const loggedMembers = new Set([
  ...['id', 'account', 'amount', 'assetCode', 'assetScale', 'walletAddress', 'publicName', 'active', 'kid'],
  ...[
    'peer',
    'name',
    'prefix',
    'endpoint',
    'maxPacketAmount',
    'balanceLimit',
    'answersRepeats',
    'routes',
    'basisPoints',
    'fixed',
    'prices',
  ],
  ...['grant', 'event', 'transfer', 'reason', 'payment', 'condition', 'fate', 'fulfillment', 'url'],
]);

/** Service URLs may hold a key in the query. */
const stripQuery = (url: unknown): unknown => (typeof url === 'string' ? url.replace(/[?#].*$/s, '') : url);

/** Logs a change in the transaction that makes it. `request` may hold secrets, which are left out. */
export async function appendAuditLog(
  tx: Transaction,
  ase: string,
  { operation, status, request, at }: Pick<AuditLogEntry, 'operation' | 'status' | 'at'> & { readonly request: object },
): Promise<void> {
  const logged = Object.entries(request).filter(([name, value]) => loggedMembers.has(name) && value !== undefined);
  const detail = Object.fromEntries(logged.map(([name, value]) => [name, name === 'url' ? stripQuery(value) : value]));
  await tx
    .insertInto('administrative_action')
    .values({ ase, id: newId(), at: toInstant(at), operation, status, detail: toJson(detail) })
    .execute();
}

/** Newest first. Throws `invalid_request` for an unknown cursor. */
export const listAuditLog = (db: Queryable, ase: string, request: PageRequest): Promise<Page<AuditLogEntry>> =>
  listPage(
    request,
    ({ at, id }) => ({ at, id }),
    async (after, limit) => {
      const rows = await db
        .selectFrom('administrative_action')
        .selectAll()
        .where('ase', '=', ase)
        .$call(newestFirst({ at: 'at', id: 'id' }, after, limit))
        .execute();
      return rows.map(({ id, at, operation, status, detail }) => ({ id, at: toMillis(at), operation, status, detail }));
    },
  );
