/** Quotes: the payer's ASE commits to a rate, a fee and amounts for a limited time (RS-Q-01…24). */
import type { QuoteApiHandlers } from '../../generated/resource-server/routes.ts';
import type { components } from '../../generated/resource-server/types.ts';
import { toAmount, toDebitAsset, toInstant, toMillis, toReceiveAsset } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { Writable } from '../http/operation.ts';
import type { Amount, Asset, WireAmount } from '../open-payments/amount.ts';
import { checkRange, sameAsset, toWireAmount } from '../open-payments/amount.ts';
import { MAX_PACKETS_QUOTED, maxPacketIn, packetsFor } from '../payments/ilp/link.ts';
import { quoteFixedReceive, quoteFixedSend } from '../payments/quote-amounts.ts';
import { checkVisible, type ResourceCall, scopeFor, tokenCaller } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { createOnce } from './idempotency.ts';
import { resourceProblem } from './problem.ts';
import { getPayableReceiver, type PayableReceiver } from './receiver.ts';
import { parseRequestAmount } from './request-amount.ts';
import { findResource } from './resource-url.ts';
import { findWalletAddress, type HostedWalletAddress } from './wallet-address.ts';

/** Default lifetime: long enough to obtain consent and create the payment (RS-Q-16). */
const QUOTE_LIFESPAN_MS = 15 * 60 * 1000;

export type QuoteDeps = Pick<
  ResourceDeps,
  | 'ase'
  | 'db'
  | 'clock'
  | 'ids'
  | 'switches'
  | 'resourceServer'
  | 'readReceiver'
  | 'nextHop'
  | 'rate'
  | 'fee'
  | 'quoteLifespanMs'
>;

/** A row of the table `quote`, without the key of the ASE. */
export interface QuoteRow {
  readonly id: string;
  readonly wallet_address_id: string;
  readonly account_id: string;
  readonly client_id: string;
  readonly receiver: string;
  readonly debit_amount: string;
  readonly debit_asset_code: string;
  readonly debit_asset_scale: number;
  readonly fee: string;
  readonly receive_amount: string;
  readonly receive_asset_code: string;
  readonly receive_asset_scale: number;
  readonly created_at: string;
  readonly expires_at: string;
}

export const quoteUrl = ({ resourceServer }: Pick<ResourceDeps, 'resourceServer'>, id: string): string =>
  `${resourceServer}/quotes/${id}`;

type AmountColumns = Pick<
  QuoteRow,
  | 'debit_amount'
  | 'debit_asset_code'
  | 'debit_asset_scale'
  | 'receive_amount'
  | 'receive_asset_code'
  | 'receive_asset_scale'
>;

export const debitAmountOf = (row: AmountColumns): Amount => ({
  value: toAmount(row.debit_amount),
  asset: toDebitAsset(row),
});

export const receiveAmountOf = (row: AmountColumns): Amount => ({
  value: toAmount(row.receive_amount),
  asset: toReceiveAsset(row),
});

function parsePositiveAmount(deps: QuoteDeps, wire: WireAmount, asset: Asset): bigint {
  const amount = parseRequestAmount(wire, deps.switches);
  if (amount.value === 0n || !sameAsset(amount.asset, asset)) throw resourceProblem('invalid_amount');
  return amount.value;
}

/** Asks for an amount to send, an amount to deliver, or, with neither, what the receiver still awaits. */
export interface QuoteRequest {
  readonly receiver: string;
  readonly debitAmount?: WireAmount | undefined;
  readonly receiveAmount?: WireAmount | undefined;
}

/** True if the amount arrives in a bounded number of packets; none are needed within this ASE. */
const isDeliverable = ({ peer, asset }: PayableReceiver, amount: bigint): boolean =>
  peer === undefined || packetsFor(amount, maxPacketIn(peer, asset)) <= MAX_PACKETS_QUOTED;

export interface PreparedQuote {
  readonly quote: QuoteRow;
  readonly receiver: PayableReceiver;
}

/**
 * Reads the receiver, over the network if it belongs to another ASE, and calculates a quote without storing it. Throws
 * `invalid_amount`, `invalid_receiver`, `receiver_unreachable`, `non_positive_receive_amount` and `no_rate`.
 */
export async function prepareQuote(
  deps: QuoteDeps,
  wallet: HostedWalletAddress,
  clientId: string,
  request: QuoteRequest,
): Promise<PreparedQuote> {
  const debitAmount = request.debitAmount && parsePositiveAmount(deps, request.debitAmount, wallet.asset);
  const receiver = await getPayableReceiver(deps, request.receiver);
  const terms = {
    debitAsset: wallet.asset,
    rate: await deps.rate(wallet.asset, receiver.asset),
    fee: deps.fee(wallet.asset),
  };
  const receiveAmount = request.receiveAmount
    ? parsePositiveAmount(deps, request.receiveAmount, receiver.asset)
    : receiver.remaining;
  if (debitAmount === undefined && receiveAmount === undefined) throw resourceProblem('invalid_receiver');
  const amounts =
    debitAmount === undefined
      ? quoteFixedReceive({ ...terms, receiveAmount: receiveAmount! })
      : quoteFixedSend({ ...terms, debitAmount });
  if (receiver.remaining !== undefined && amounts.receiveAmount > receiver.remaining)
    throw resourceProblem('invalid_amount');
  checkRange(receiver.receivedAmount + amounts.receiveAmount);
  if (!isDeliverable(receiver, amounts.receiveAmount)) {
    throw resourceProblem('invalid_amount', { detail: 'more packets than a payment may take' });
  }

  const now = deps.clock.businessNow();
  const end = now + (deps.quoteLifespanMs ?? QUOTE_LIFESPAN_MS);
  const quote: QuoteRow = {
    id: deps.ids.rowId(),
    wallet_address_id: wallet.id,
    account_id: wallet.accountId,
    client_id: clientId,
    receiver: request.receiver,
    debit_amount: `${amounts.debitAmount}`,
    debit_asset_code: wallet.asset.code,
    debit_asset_scale: wallet.asset.scale,
    fee: `${amounts.fee}`,
    receive_amount: `${amounts.receiveAmount}`,
    receive_asset_code: receiver.asset.code,
    receive_asset_scale: receiver.asset.scale,
    created_at: toInstant(now),
    expires_at: toInstant(Math.min(end, receiver.expiresAt ?? end)),
  };
  return { quote, receiver };
}

const insertRow = statement((db, quote: QuoteRow & { readonly ase: string }) => db.insertInto('quote').values(quote));

export async function insertQuote(queryable: Queryable, ase: string, row: QuoteRow): Promise<void> {
  await insertRow.change(queryable, { ...row, ase });
}

const selectById = statement((db, { ase, id }: { ase: string; id: string }) =>
  db
    .selectFrom('quote')
    .innerJoin('wallet_address as wallet', (join) =>
      join.onRef('wallet.ase', '=', 'quote.ase').onRef('wallet.id', '=', 'quote.wallet_address_id'),
    )
    .selectAll('quote')
    .select(['wallet.url as wallet_url', 'wallet.active as wallet_active'])
    .where('quote.ase', '=', ase)
    .where('quote.id', '=', id),
);

function toBody(deps: QuoteDeps, row: QuoteRow, walletAddress: string): Writable<components['schemas']['quote']> {
  return {
    id: quoteUrl(deps, row.id),
    walletAddress,
    receiver: row.receiver,
    receiveAmount: toWireAmount(receiveAmountOf(row)),
    debitAmount: toWireAmount(debitAmountOf(row)),
    method: 'ilp',
    createdAt: toInstant(toMillis(row.created_at)),
    expiresAt: toInstant(toMillis(row.expires_at)),
  };
}

export function createQuoteHandlers(deps: QuoteDeps) {
  const { ase, db } = deps;
  return {
    'create-quote': async (call, { body }) => {
      scopeFor(call, body.walletAddress);
      return createOnce(deps, call, 'create-quote', async ({ change }) => {
        const wallet = await findWalletAddress(db.query, ase, body.walletAddress);
        const { quote } = await prepareQuote(deps, wallet, tokenCaller(call).clientId, {
          receiver: body.receiver,
          debitAmount: 'debitAmount' in body ? body.debitAmount : undefined,
          receiveAmount: 'receiveAmount' in body ? body.receiveAmount : undefined,
        });
        const reply = { status: 201 as const, body: toBody(deps, quote, wallet.url) };
        return change(reply, (db) => insertQuote(db, ase, quote));
      });
    },

    'get-quote': async (call, { params }) => {
      const row = await findResource(params.id, (id) => selectById.first(db.query, { ase, id }));
      checkVisible(call, row);
      return { status: 200, body: toBody(deps, row, row.wallet_url) };
    },
  } satisfies QuoteApiHandlers<ResourceCall>;
}
