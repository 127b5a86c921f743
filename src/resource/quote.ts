/** Quotes: a commitment of the payer's ASE to rate, fee and amounts for a time (RS-Q-01…24). */
import type { QuoteApiHandlers } from '../../generated/resource-server/routes.ts';
import type { components } from '../../generated/resource-server/types.ts';
import { toAmount, toInstant, toMillis } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import { Problem } from '../errors.ts';
import type { Writable } from '../http/operation.ts';
import type { Amount, Asset, WireAmount } from '../open-payments/amount.ts';
import { checkRange, sameAsset, toWireAmount } from '../open-payments/amount.ts';
import { quoteFixedReceive, quoteFixedSend } from '../payments/quote-amounts.ts';
import { type ResourceCall, scopeFor, tokenCaller } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { readPayableReceiver } from './receiver.ts';
import { readAmount } from './request-amount.ts';
import { isResourceId } from './resource-url.ts';
import { checkActive, findWalletAddress, type HostedWalletAddress } from './wallet-address.ts';

/** Long enough to obtain consent and create the payment (RS-Q-16). */
const QUOTE_LIFESPAN_MS = 15 * 60 * 1000;

/** A quote as it stands in its table. */
export interface QuoteRow {
  readonly id: string;
  readonly wallet_address_id: string;
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

export function createQuoteHandlers(deps: ResourceDeps) {
  const { ase, db } = deps;
  return {
    'create-quote': async (call, { body }) => {
      scopeFor(call, body.walletAddress);
      const wallet = await findWalletAddress(db.query, ase, body.walletAddress);
      const quote = await prepareQuote(deps, wallet, tokenCaller(call).clientId, {
        receiver: body.receiver,
        debitAmount: 'debitAmount' in body ? body.debitAmount : undefined,
        receiveAmount: 'receiveAmount' in body ? body.receiveAmount : undefined,
      });
      return call.transaction(async (tx) => {
        await insertQuote(tx, ase, quote);
        return { status: 201, body: toBody(quote, wallet.url) };
      });
    },

    'get-quote': async (call, { params }) => {
      const row = isResourceId(params.id) ? await selectQuote(db.query, params.id).executeTakeFirst() : undefined;
      if (!row) throw new Problem('not_found');
      const { ownClientId } = scopeFor(call, row.wallet_url);
      if (ownClientId !== undefined && ownClientId !== row.client_id) throw new Problem('not_found');
      checkActive(row);
      return { status: 200, body: toBody(row, row.wallet_url) };
    },
  } satisfies QuoteApiHandlers<ResourceCall>;

  function selectQuote(queryable: Queryable, id: string) {
    return queryable
      .selectFrom('quote')
      .innerJoin('wallet_address as wallet', (join) =>
        join.onRef('wallet.ase', '=', 'quote.ase').onRef('wallet.id', '=', 'quote.wallet_address_id'),
      )
      .selectAll('quote')
      .select(['wallet.url as wallet_url', 'wallet.active as wallet_active'])
      .where('quote.ase', '=', ase)
      .where('quote.id', '=', id);
  }

  function toBody(row: QuoteRow, walletAddress: string): Writable<components['schemas']['quote']> {
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
}

/** What is to be paid: an amount to send, an amount to deliver, or whatever the receiver still awaits. */
export interface QuoteRequest {
  readonly receiver: string;
  readonly debitAmount?: WireAmount | undefined;
  readonly receiveAmount?: WireAmount | undefined;
}

/**
 * Reads the receiver, over the network if it stands at another ASE, and calculates the quote; stores nothing. Throws
 * `invalid_amount`, `invalid_receiver`, `receiver_unreachable`, `non_positive_receive_amount` and `no_rate`.
 */
export async function prepareQuote(
  deps: ResourceDeps,
  wallet: HostedWalletAddress,
  clientId: string,
  request: QuoteRequest,
): Promise<QuoteRow> {
  const debitAmount = request.debitAmount && readPositiveAmount(deps, request.debitAmount, wallet.asset);
  const receiver = await readPayableReceiver(deps, request.receiver);
  const terms = {
    debitAsset: wallet.asset,
    rate: await deps.rate(wallet.asset, receiver.asset),
    fee: deps.fee(wallet.asset),
  };
  const receiveAmount = request.receiveAmount
    ? readPositiveAmount(deps, request.receiveAmount, receiver.asset)
    : receiver.remaining;
  if (debitAmount === undefined && receiveAmount === undefined) throw new Problem('invalid_receiver');
  const amounts =
    debitAmount === undefined
      ? quoteFixedReceive({ ...terms, receiveAmount: receiveAmount! })
      : quoteFixedSend({ ...terms, debitAmount });
  if (receiver.remaining !== undefined && amounts.receiveAmount > receiver.remaining)
    throw new Problem('invalid_amount');
  checkRange(receiver.receivedAmount + amounts.receiveAmount);

  const now = deps.clock.businessNow();
  const end = now + (deps.quoteLifespanMs ?? QUOTE_LIFESPAN_MS);
  return {
    id: deps.ids.uuid(),
    wallet_address_id: wallet.id,
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
}

export async function insertQuote(queryable: Queryable, ase: string, row: QuoteRow): Promise<void> {
  await queryable
    .insertInto('quote')
    .values({ ...row, ase })
    .execute();
}

export const quoteUrl = ({ resourceServer }: Pick<ResourceDeps, 'resourceServer'>, id: string): string =>
  `${resourceServer}/quotes/${id}`;

type Amounts = Pick<
  QuoteRow,
  | 'debit_amount'
  | 'debit_asset_code'
  | 'debit_asset_scale'
  | 'receive_amount'
  | 'receive_asset_code'
  | 'receive_asset_scale'
>;

export const debitAmountOf = (row: Amounts): Amount => ({
  value: toAmount(row.debit_amount),
  asset: { code: row.debit_asset_code, scale: row.debit_asset_scale },
});

export const receiveAmountOf = (row: Amounts): Amount => ({
  value: toAmount(row.receive_amount),
  asset: { code: row.receive_asset_code, scale: row.receive_asset_scale },
});

function readPositiveAmount(deps: ResourceDeps, wire: WireAmount, asset: Asset): bigint {
  const amount = readAmount(wire, deps.switches);
  if (amount.value === 0n || !sameAsset(amount.asset, asset)) throw new Problem('invalid_amount');
  return amount.value;
}
