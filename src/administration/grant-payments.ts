/** What was paid and asked for under a grant: incoming and outgoing payments in one list (RFC 9635 §1.5). */
import { sql } from 'kysely';
import { toAmount, toInstant, toMillis } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import type { Asset } from '../open-payments/amount.ts';
import { listPage, type Page, type PageRequest, type Position } from './cursor-page.ts';

export interface GrantPayment {
  readonly type: 'incoming-payment' | 'outgoing-payment';
  readonly id: string;
  readonly client: string;
  readonly walletAddress: string;
  readonly createdAt: number;
  readonly state: 'pending' | 'completed' | 'failed';
  readonly asset: Asset;
  /** To be debited or received; undefined if nothing was said. */
  readonly amount: bigint | undefined;
  /** Sent or received so far. */
  readonly moved: bigint;
}

/** Newest first. Throws `invalid_request` for a cursor of nobody's. */
export const listGrantPayments = (
  db: Queryable,
  ase: string,
  grant: string,
  request: PageRequest,
): Promise<Page<GrantPayment>> =>
  listPage(
    request,
    ({ createdAt, id }) => ({ at: createdAt, id }),
    async (after, limit) => {
      const storable = grant.includes('\0') ? '' : grant;
      const [outgoing, incoming] = await Promise.all([
        readOutgoing(db, ase, storable, after, limit),
        readIncoming(db, ase, storable, after, limit),
      ]);
      const newestFirst = (a: GrantPayment, b: GrantPayment) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);
      return [...outgoing, ...incoming].toSorted(newestFirst).slice(0, limit);
    },
  );

const isAfter = (after: Position) =>
  sql<boolean>`(payment.created_at, payment.id) < (${toInstant(after.at)}::timestamptz, ${after.id})`;

async function readOutgoing(db: Queryable, ase: string, grant: string, after: Position | undefined, limit: number) {
  const rows = await db
    .selectFrom('outgoing_payment as payment')
    .innerJoin('quote', (join) =>
      join.onRef('quote.ase', '=', 'payment.ase').onRef('quote.id', '=', 'payment.quote_id'),
    )
    .innerJoin('wallet_address as wallet', (join) =>
      join.onRef('wallet.ase', '=', 'payment.ase').onRef('wallet.id', '=', 'payment.wallet_address_id'),
    )
    .select(['payment.id', 'payment.client_id', 'payment.created_at', 'payment.state', 'payment.sent_amount'])
    .select(['quote.debit_amount', 'quote.debit_asset_code', 'quote.debit_asset_scale', 'wallet.url'])
    .where('payment.ase', '=', ase)
    .where('payment.grant_id', '=', grant)
    .$if(after !== undefined, (query) => query.where(isAfter(after!)))
    .orderBy('payment.created_at', 'desc')
    .orderBy('payment.id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(
    (row): GrantPayment => ({
      type: 'outgoing-payment',
      id: row.id,
      client: row.client_id,
      walletAddress: row.url,
      createdAt: toMillis(row.created_at),
      state: row.state,
      asset: { code: row.debit_asset_code, scale: row.debit_asset_scale },
      amount: toAmount(row.debit_amount),
      moved: toAmount(row.sent_amount),
    }),
  );
}

async function readIncoming(db: Queryable, ase: string, grant: string, after: Position | undefined, limit: number) {
  const rows = await db
    .selectFrom('incoming_payment as payment')
    .innerJoin('wallet_address as wallet', (join) =>
      join.onRef('wallet.ase', '=', 'payment.ase').onRef('wallet.id', '=', 'payment.wallet_address_id'),
    )
    .select(['payment.id', 'payment.client_id', 'payment.created_at', 'payment.completed', 'wallet.url'])
    .select(['payment.asset_code', 'payment.asset_scale', 'payment.incoming_amount', 'payment.received_amount'])
    .where('payment.ase', '=', ase)
    .where('payment.grant_id', '=', grant)
    .$if(after !== undefined, (query) => query.where(isAfter(after!)))
    .orderBy('payment.created_at', 'desc')
    .orderBy('payment.id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(
    (row): GrantPayment => ({
      type: 'incoming-payment',
      id: row.id,
      client: row.client_id,
      walletAddress: row.url,
      createdAt: toMillis(row.created_at),
      state: row.completed ? 'completed' : 'pending',
      asset: { code: row.asset_code, scale: row.asset_scale },
      amount: row.incoming_amount === null ? undefined : toAmount(row.incoming_amount),
      moved: toAmount(row.received_amount),
    }),
  );
}
