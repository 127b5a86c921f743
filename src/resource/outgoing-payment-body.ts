/** Outgoing payments as clients see them. */
import type { components } from '../../generated/resource-server/types.ts';
import { toAmount, toInstant, toMillis } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import type { Writable } from '../http/operation.ts';
import { type Amount, toWireAmount } from '../open-payments/amount.ts';
import { fromOutgoingPayments } from '../payments/outgoing/from-payments.ts';
import { debitAmountOf, type QuoteDeps, quoteUrl, receiveAmountOf } from './quote.ts';

export type OutgoingPaymentBody = Writable<components['schemas']['outgoing-payment']>;
export type OutgoingPaymentWithSpentAmounts = Writable<components['schemas']['outgoing-payment-with-spent-amounts']>;

/** The columns that a client sees of `outgoing_payment as payment` and its quote. */
export const paymentColumns = [
  ...(['payment.id', 'payment.quote_id', 'payment.client_id', 'payment.state', 'payment.sent_amount'] as const),
  ...(['payment.metadata', 'payment.created_at', 'quote.receiver'] as const),
  ...(['quote.debit_amount', 'quote.debit_asset_code', 'quote.debit_asset_scale'] as const),
  ...(['quote.receive_amount', 'quote.receive_asset_code', 'quote.receive_asset_scale'] as const),
] as const;

export const selectOutgoingPayments = (db: Queryable, ase: string) =>
  fromOutgoingPayments(db, ase)
    .select(paymentColumns)
    .select(['wallet.url as wallet_url', 'wallet.active as wallet_active']);

/** The columns of a payment and of its quote that a client sees. */
type OutgoingPaymentRow = Omit<
  Awaited<ReturnType<ReturnType<typeof selectOutgoingPayments>['executeTakeFirstOrThrow']>>,
  'client_id' | 'wallet_active'
>;

/**
 * `sentAmount` is the amount that left the account, before and after a failure. A part is rounded up, so it may reach the
 * debit early; a payment that has not ended shows less, because clients take equality for the end (RS-OP-16, OPI-070).
 */
export function toBody(deps: Pick<QuoteDeps, 'resourceServer'>, row: OutgoingPaymentRow): OutgoingPaymentBody {
  const debit = debitAmountOf(row);
  const sent = toAmount(row.sent_amount);
  const sentAmount = row.state === 'pending' && sent === debit.value ? sent - 1n : sent;
  return {
    id: `${deps.resourceServer}/outgoing-payments/${row.id}`,
    walletAddress: row.wallet_url,
    quoteId: quoteUrl(deps, row.quote_id),
    failed: row.state === 'failed',
    receiver: row.receiver,
    receiveAmount: toWireAmount(receiveAmountOf(row)),
    debitAmount: toWireAmount(debit),
    sentAmount: toWireAmount({ value: sentAmount, asset: debit.asset }),
    ...(row.metadata !== null && { metadata: row.metadata }),
    createdAt: toInstant(toMillis(row.created_at)),
  };
}

export const withSpentAmounts = (
  body: OutgoingPaymentBody,
  { spentDebit, spentReceive }: { readonly spentDebit: Amount | null; readonly spentReceive: Amount | null },
): OutgoingPaymentWithSpentAmounts => ({
  ...body,
  ...(spentDebit && { grantSpentDebitAmount: toWireAmount(spentDebit) }),
  ...(spentReceive && { grantSpentReceiveAmount: toWireAmount(spentReceive) }),
});
