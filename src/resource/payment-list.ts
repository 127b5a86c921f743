/** Lists of the incoming or outgoing payments of a wallet address, of one client or of all (RS-10, RS-L-01). */
import { type SelectQueryBuilder, sql } from 'kysely';
import { toInstant, toMillis } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import { type Statement, statement } from '../database/statement.ts';
import { type ResourceCall, readerOf, scopeFor } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { type Comparison, type CursorScope, type PageInfo, parsePageRequest, selectPage } from './pagination.ts';
import { findWalletAddress } from './wallet-address.ts';

interface ListedPayments {
  readonly ase: string;
  readonly walletAddressId: string;
  /** Undefined for the payments of all clients. */
  readonly clientId: string | undefined;
  readonly createdAt: string | undefined;
  readonly id: string | undefined;
  readonly limit: number;
}

type ListStatements<Row> = Readonly<Record<Comparison, Statement<ListedPayments, Row>>>;

/** `selectPayments` selects from the table `payment`. It joins no wallet address, which is the same for all rows. */
export function createListStatements<Row>(
  // biome-ignore lint/suspicious/noExplicitAny: the tables that are joined do not matter
  selectPayments: (db: Queryable, ase: string) => SelectQueryBuilder<any, any, Row>,
): ListStatements<Row> {
  const select = (comparison: Comparison) =>
    statement((db, { ase, walletAddressId, clientId, createdAt, id, limit }: ListedPayments) => {
      const listed = sql<boolean>`payment.wallet_address_id = ${walletAddressId}`;
      const visible = clientId === undefined ? listed : sql<boolean>`${listed} and payment.client_id = ${clientId}`;
      const payments = selectPayments(db, ase).where(visible);
      const [operator, order] = [sql.raw(comparison), sql.raw(comparison.startsWith('<') ? 'desc' : 'asc')];
      const place = sql<boolean>`(payment.created_at, payment.id) ${operator} (${createdAt}::timestamptz, ${id})`;
      return (createdAt === undefined ? payments : payments.where(place))
        .orderBy(sql`payment.created_at ${order}, payment.id ${order}`)
        .limit(limit);
    });
  return { '<': select('<'), '<=': select('<='), '>': select('>'), '>=': select('>=') };
}

export interface PaymentListOptions<Row, Item> {
  readonly collection: CursorScope['collection'];
  /** Wallet address in the spelling of the request. */
  readonly walletAddress: string;
  readonly statements: ListStatements<Row>;
  readonly toItem: (row: Row & { readonly wallet_url: string }) => Item;
}

/** The reply to a request for a page. Throws `insufficient_access`, `unknown_wallet_address` and `invalid_request`. */
export async function listPayments<Row extends { id: string; created_at: string }, Item>(
  { ase, db }: Pick<ResourceDeps, 'ase' | 'db'>,
  call: ResourceCall,
  { collection, walletAddress, statements, toItem }: PaymentListOptions<Row, Item>,
): Promise<{ status: 200; body: { pagination: PageInfo; result: Item[] } }> {
  const { ownClientId } = scopeFor(call, walletAddress);
  const wallet = await findWalletAddress(db.query, ase, walletAddress);
  const scope = { collection, walletAddressId: wallet.id, ownClientId };
  const listed = { ase, walletAddressId: wallet.id, clientId: ownClientId };
  const page = parsePageRequest(call.exchange.rawTarget, scope);
  const { rows, pagination } = await db.replica.read(readerOf(ase, call), (db) =>
    selectPage(page, ({ comparison, position, limit }) => {
      const createdAt = position && toInstant(toMillis(position.createdAt));
      return statements[comparison].all(db, { ...listed, createdAt, id: position?.id, limit });
    }),
  );
  return { status: 200, body: { pagination, result: rows.map((row) => toItem({ ...row, wallet_url: wallet.url })) } };
}
