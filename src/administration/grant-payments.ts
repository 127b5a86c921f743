/** Payments created under a grant: incoming and outgoing ones in one list (RFC 9635 §1.5). */

import { sql } from 'kysely';
import { toAmount, toAsset, toLookupText, toMillis } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import type { Asset } from '../open-payments/amount.ts';
import { fromOutgoingPayments } from '../payments/outgoing/from-payments.ts';
import { creationOf, listPage, newestFirst, type Page, type PageRequest } from './cursor-page.ts';

export interface GrantPayment {
  readonly type: 'incoming-payment' | 'outgoing-payment';
  readonly id: string;
  readonly client: string;
  readonly walletAddress: string;
  readonly createdAt: number;
  readonly state: 'pending' | 'completed' | 'failed';
  readonly asset: Asset;
  /** Amount to be debited or received; undefined for an incoming payment of any amount. */
  readonly amount: bigint | undefined;
  /** Amount sent or received so far. */
  readonly moved: bigint;
}

const selectOutgoing = (db: Queryable, ase: string, grant: string) =>
  fromOutgoingPayments(db, ase)
    .select(['payment.id', 'payment.client_id', 'payment.created_at', 'wallet.url', 'payment.state'])
    .select(['quote.debit_asset_code as asset_code', 'quote.debit_asset_scale as asset_scale'])
    .select(['quote.debit_amount as amount', 'payment.sent_amount as moved'])
    .where('payment.grant_id', '=', grant);

const selectIncoming = (db: Queryable, ase: string, grant: string) =>
  db
    .selectFrom('incoming_payment as payment')
    .innerJoin('wallet_address as wallet', (join) =>
      join.onRef('wallet.ase', '=', 'payment.ase').onRef('wallet.id', '=', 'payment.wallet_address_id'),
    )
    .select(['payment.id', 'payment.client_id', 'payment.created_at', 'wallet.url'])
    .select(sql<'pending' | 'completed'>`case when payment.completed then 'completed' else 'pending' end`.as('state'))
    .select(['payment.asset_code', 'payment.asset_scale'])
    .select(['payment.incoming_amount as amount', 'payment.received_amount as moved'])
    .where('payment.ase', '=', ase)
    .where('payment.grant_id', '=', grant);

type PaymentRow = Awaited<
  ReturnType<ReturnType<typeof selectOutgoing | typeof selectIncoming>['executeTakeFirstOrThrow']>
>;

const toPayment =
  (type: GrantPayment['type']) =>
  (row: PaymentRow): GrantPayment => ({
    type,
    id: row.id,
    client: row.client_id,
    walletAddress: row.url,
    createdAt: toMillis(row.created_at),
    state: row.state,
    asset: toAsset(row),
    amount: row.amount === null ? undefined : toAmount(row.amount),
    moved: toAmount(row.moved),
  });

/** Newest first. Throws `invalid_request` for an unknown cursor. */
export const listGrantPayments = (
  db: Queryable,
  ase: string,
  grant: string,
  request: PageRequest,
): Promise<Page<GrantPayment>> =>
  listPage(request, creationOf, async (after, limit) => {
    const storable = toLookupText(grant);
    const page = newestFirst({ at: 'payment.created_at', id: 'payment.id' }, after, limit);
    const [outgoing, incoming] = await Promise.all([
      selectOutgoing(db, ase, storable).$call(page).execute(),
      selectIncoming(db, ase, storable).$call(page).execute(),
    ]);
    const payments = [...outgoing.map(toPayment('outgoing-payment')), ...incoming.map(toPayment('incoming-payment'))];
    return payments.toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)).slice(0, limit);
  });
