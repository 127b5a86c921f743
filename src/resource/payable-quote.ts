/** The quote of a new payment: one that is stored, or one made for the payment's receiver and debit amount (RS-OP-05…10). */
import { sql } from 'kysely';
import type { components } from '../../generated/resource-server/types.ts';
import { toDebitAsset } from '../database/columns.ts';
import { statement } from '../database/statement.ts';
import { Problem } from '../errors.ts';
import { sameAsset } from '../open-payments/amount.ts';
import { resourceProblem } from './problem.ts';
import { prepareQuote, type QuoteDeps, type QuoteRow, receiveAmountOf } from './quote.ts';
import { getPayableReceiver, type LocalReceiverRow, type PayableReceiver } from './receiver.ts';
import { isResourceId, resourceIdIn } from './resource-url.ts';
import { findWalletAddress, type HostedWalletAddress, selectWalletAddress, toLookupUrl } from './wallet-address.ts';

interface PaymentWithQuote {
  readonly walletAddress: string;
  readonly quoteId: string;
}

interface PaymentWithoutQuote {
  readonly walletAddress: string;
  readonly incomingPayment: string;
  readonly debitAmount: components['schemas']['amount'];
}

export interface PayableQuote {
  readonly wallet: HostedWalletAddress;
  readonly quote: QuoteRow;
  readonly receiver: PayableReceiver;
  /** True if the quote has yet to be stored. */
  readonly isNew: boolean;
}

const isReceiverProblem = (error: unknown): error is Problem =>
  error instanceof Problem && (error.code === 'invalid_receiver' || error.code === 'receiver_unreachable');

/** True if the quote is for the wallet address, and for the account that it still belongs to. */
const isQuoteFor = (quote: QuoteRow, row: Pick<QuoteToPayRow, 'wallet_id' | 'wallet_account_id'>): boolean =>
  quote.wallet_address_id === row.wallet_id && quote.account_id === row.wallet_account_id;

interface QuoteToPay {
  readonly ase: string;
  readonly url: string;
  readonly quoteId: string;
  /** The URLs of incoming payments of this ASE without their ids. */
  readonly ownReceivers: string;
}

/**
 * An active wallet address with a quote, if it is there, the payment that has used it, and its receiver, if that
 * belongs to this ASE and its URL is written as this ASE writes it.
 */
const selectQuoteToPay = statement((db, { ase, url, quoteId, ownReceivers }: QuoteToPay) =>
  selectWalletAddress(db, ase, url)
    .leftJoin('quote', (join) => join.onRef('quote.ase', '=', 'wallet.ase').on('quote.id', '=', quoteId))
    .leftJoin('outgoing_payment as paid', (join) =>
      join.onRef('paid.ase', '=', 'quote.ase').onRef('paid.quote_id', '=', 'quote.id'),
    )
    .leftJoin('incoming_payment as payee', (join) =>
      join
        .onRef('payee.ase', '=', 'quote.ase')
        .on('payee.id', '=', sql<string>`substr(quote.receiver, length(${ownReceivers}::text) + 1)`)
        .on(sql<boolean>`starts_with(quote.receiver, ${ownReceivers})`),
    )
    .selectAll('quote')
    .select('paid.id as paid_id')
    .select(['payee.id as payee_id', 'payee.asset_code as payee_asset_code', 'payee.asset_scale as payee_asset_scale'])
    .select(['payee.incoming_amount as payee_incoming_amount', 'payee.received_amount as payee_received_amount'])
    .select(['payee.completed as payee_completed', 'payee.expires_at as payee_expires_at']),
);

type QuoteToPayRow = Awaited<ReturnType<typeof selectQuoteToPay.all>>[number];

/** The receiver as it was read together with its quote. */
const payeeOf = (row: QuoteToPayRow): LocalReceiverRow | undefined =>
  row.payee_id === null
    ? undefined
    : ({
        id: row.payee_id,
        asset_code: row.payee_asset_code,
        asset_scale: row.payee_asset_scale,
        incoming_amount: row.payee_incoming_amount,
        received_amount: row.payee_received_amount,
        completed: row.payee_completed,
        expires_at: row.payee_expires_at,
      } as LocalReceiverRow);

/**
 * The stored quote with this URL. Checks that it belongs to the wallet address and that its receiver can still take the
 * quoted amount (RS-OP-05, RS-Q-23). Its expiry is checked at the payment's creation time, and its single use again by
 * `insertPayment`. Throws `unknown_wallet_address`, `unknown_quote` and `invalid_quote`.
 */
async function findPayableQuote(
  deps: QuoteDeps,
  { walletAddress, quoteId: url }: PaymentWithQuote,
): Promise<PayableQuote> {
  const quoteId = resourceIdIn(deps.resourceServer, 'quotes', url);
  const row = await selectQuoteToPay.first(deps.db.query, {
    ase: deps.ase,
    url: toLookupUrl(walletAddress),
    quoteId: isResourceId(quoteId ?? '') ? quoteId! : '',
    ownReceivers: `${deps.resourceServer}/incoming-payments/`,
  });
  if (!row) throw resourceProblem('unknown_wallet_address');
  if (quoteId === undefined) throw resourceProblem('invalid_quote');
  if (row.id === null) throw resourceProblem('unknown_quote');
  const quote = row as QuoteRow;
  // A quote is for the account that its wallet address belonged to, so it ends when that moves.
  if (!isQuoteFor(quote, row) || row.paid_id !== null) throw resourceProblem('invalid_quote');
  // The asset of an account never changes.
  const wallet = { id: row.wallet_id, url: row.wallet_url, asset: toDebitAsset(quote), accountId: quote.account_id };

  const receiver = await getPayableReceiver(deps, quote.receiver, payeeOf(row)).catch((error: unknown) => {
    throw isReceiverProblem(error) ? resourceProblem('invalid_quote', { detail: error.code, cause: error }) : error;
  });
  const receive = receiveAmountOf(quote);
  const fits = receiver.remaining === undefined || receive.value <= receiver.remaining;
  if (!fits || !sameAsset(receive.asset, receiver.asset)) throw resourceProblem('invalid_quote');
  return { wallet, quote, receiver, isNew: false };
}

/** A new quote for a payment that names a receiver and a debit amount instead of a quote (RS-OP-10). */
async function preparePayableQuote(
  deps: QuoteDeps,
  clientId: string,
  body: PaymentWithoutQuote,
): Promise<PayableQuote> {
  const wallet = await findWalletAddress(deps.db.query, deps.ase, body.walletAddress);
  const request = { receiver: body.incomingPayment, debitAmount: body.debitAmount };
  return { wallet, ...(await prepareQuote(deps, wallet, clientId, request)), isNew: true };
}

/** The quote that a new payment pays. */
export const getPayableQuote = (deps: QuoteDeps, clientId: string, body: PaymentWithQuote | PaymentWithoutQuote) =>
  'quoteId' in body ? findPayableQuote(deps, body) : preparePayableQuote(deps, clientId, body);
