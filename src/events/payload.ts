/** The payment in a webhook event: the members and states of Rafiki's webhook documents (EVT-02). */
import { toAmount, toAsset, toDebitAsset, toInstant, toMillis, toReceiveAsset } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import { type Asset, toWireAmount } from '../open-payments/amount.ts';

type Data = Record<string, unknown>;

/** The incoming payment as the transaction sees it. `now` is business time. */
export async function findIncomingPaymentData(db: Queryable, ase: string, id: string, now: number): Promise<Data> {
  const row = await db
    .selectFrom('incoming_payment')
    .selectAll()
    .where('ase', '=', ase)
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  const asset = toAsset(row);
  return {
    id,
    walletAddressId: row.wallet_address_id,
    client: row.client_id,
    completed: row.completed,
    ...(row.incoming_amount !== null && { incomingAmount: amountOf(row.incoming_amount, asset) }),
    receivedAmount: amountOf(row.received_amount, asset),
    ...(row.metadata !== null && { metadata: row.metadata }),
    createdAt: toInstant(toMillis(row.created_at)),
    updatedAt: toInstant(now),
    expiresAt: toInstant(toMillis(row.expires_at)),
  };
}

/** Rafiki's states. A new payment is FUNDING; here the ledger funds it without a request (EVT-05). */
const states = { pending: 'FUNDING', completed: 'COMPLETED', failed: 'FAILED' } as const;

export async function findOutgoingPaymentData(db: Queryable, ase: string, id: string, now: number): Promise<Data> {
  const row = await db
    .selectFrom('outgoing_payment as payment')
    .innerJoin('quote', (join) =>
      join.onRef('quote.ase', '=', 'payment.ase').onRef('quote.id', '=', 'payment.quote_id'),
    )
    .select(['payment.wallet_address_id', 'payment.client_id', 'payment.state', 'payment.failure', 'payment.attempts'])
    .select(['payment.sent_amount', 'payment.metadata', 'payment.created_at', 'quote.receiver', 'quote.expires_at'])
    .select(['quote.debit_amount', 'quote.debit_asset_code', 'quote.debit_asset_scale'])
    .select(['quote.receive_amount', 'quote.receive_asset_code', 'quote.receive_asset_scale'])
    .where('payment.ase', '=', ase)
    .where('payment.id', '=', id)
    .executeTakeFirstOrThrow();
  const debitAsset = toDebitAsset(row);
  const receiveAsset = toReceiveAsset(row);
  return {
    id,
    walletAddressId: row.wallet_address_id,
    client: row.client_id,
    state: states[row.state],
    receiver: row.receiver,
    debitAmount: amountOf(row.debit_amount, debitAsset),
    receiveAmount: amountOf(row.receive_amount, receiveAsset),
    sentAmount: amountOf(row.sent_amount, debitAsset),
    stateAttempts: row.attempts,
    // Events are stored before the debit is held and after the hold has ended.
    balance: '0',
    ...(row.failure !== null && { error: row.failure }),
    ...(row.metadata !== null && { metadata: row.metadata }),
    createdAt: toInstant(toMillis(row.created_at)),
    updatedAt: toInstant(now),
    expiresAt: toInstant(toMillis(row.expires_at)),
  };
}

const amountOf = (column: string, asset: Asset) => toWireAmount({ value: toAmount(column), asset });
