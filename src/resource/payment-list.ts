/** Lists of the incoming or outgoing payments of a wallet address, of one client or of all (RS-10, RS-L-01). */
import { sql } from 'kysely';
import type { Queryable } from '../database/database.ts';
import { type ResourceCall, readerOf, scopeFor } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { type CursorScope, type PageInfo, parsePageRequest, type Slice, selectPage } from './pagination.ts';
import { findWalletAddress } from './wallet-address.ts';

export interface PaymentListOptions<Row, Item> {
  readonly collection: CursorScope['collection'];
  /** Wallet address in the spelling of the request. */
  readonly walletAddress: string;
  /** Runs one statement on the table `payment`. */
  readonly select: (db: Queryable, slice: Slice) => Promise<Row[]>;
  readonly toItem: (row: Row) => Item;
}

/** The reply to a request for a page. Throws `insufficient_access`, `unknown_wallet_address` and `invalid_request`. */
export async function listPayments<Row extends { id: string; created_at: string }, Item>(
  { ase, db }: Pick<ResourceDeps, 'ase' | 'db'>,
  call: ResourceCall,
  { collection, walletAddress, select, toItem }: PaymentListOptions<Row, Item>,
): Promise<{ status: 200; body: { pagination: PageInfo; result: Item[] } }> {
  const { ownClientId } = scopeFor(call, walletAddress);
  const wallet = await findWalletAddress(db.query, ase, walletAddress);
  const scope = { collection, walletAddressId: wallet.id, ownClientId };
  const listed = sql<boolean>`payment.wallet_address_id = ${wallet.id}`;
  const visible = ownClientId === undefined ? listed : sql<boolean>`${listed} and payment.client_id = ${ownClientId}`;
  const page = parsePageRequest(call.exchange.rawTarget, scope);
  const { rows, pagination } = await db.replica.read(readerOf(ase, call), (db) =>
    selectPage(page, (slice) => select(db, { ...slice, where: sql<boolean>`${visible} and ${slice.where}` })),
  );
  return { status: 200, body: { pagination, result: rows.map(toItem) } };
}
