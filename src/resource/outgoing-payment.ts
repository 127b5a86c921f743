/** Outgoing payments (RS-OP-01…32): created from a quote or from an amount to send; settlement takes them from there. */
import type { OutgoingPaymentApiHandlers } from '../../generated/resource-server/routes.ts';
import type { components } from '../../generated/resource-server/types.ts';
import { toAmount, toInstant, toMillis } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { Problem } from '../errors.ts';
import type { Writable } from '../http/operation.ts';
import { sameAsset, toWireAmount } from '../open-payments/amount.ts';
import { type Reservation, reserveSpending } from '../payments/outgoing/grant-spending.ts';
import { type ResourceCall, scopeFor, tokenCaller } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { storeMetadata } from './metadata.ts';
import { listPayments } from './payment-list.ts';
import { debitAmountOf, insertQuote, prepareQuote, type QuoteRow, quoteUrl, receiveAmountOf } from './quote.ts';
import { readPayableReceiver } from './receiver.ts';
import { isResourceId, resourceIdIn } from './resource-url.ts';
import {
  checkActive,
  findWalletAddress,
  type HostedWalletAddress,
  selectWalletAddress,
  toHostedWalletAddress,
} from './wallet-address.ts';

type OutgoingPaymentBody = Writable<components['schemas']['outgoing-payment']>;
type OutgoingPaymentWithSpentAmounts = Writable<components['schemas']['outgoing-payment-with-spent-amounts']>;

/** The columns of a payment and of its quote that a client sees. */
type OutgoingPaymentRow = Pick<
  QuoteRow,
  Exclude<keyof QuoteRow, 'fee' | 'wallet_address_id' | 'client_id' | 'expires_at'>
> & {
  readonly quote_id: string;
  readonly wallet_url: string;
  readonly state: 'pending' | 'completed' | 'failed';
  readonly sent_amount: string;
  readonly metadata: Record<string, unknown> | null;
};

interface PayableQuote {
  readonly wallet: HostedWalletAddress;
  readonly quote: QuoteRow;
  /** Not stored yet. */
  readonly isNew: boolean;
}

export function createOutgoingPaymentHandlers(deps: ResourceDeps) {
  const { ase, db, clock, resourceServer } = deps;
  return {
    'create-outgoing-payment': async (call, { body }) => {
      const { item } = scopeFor(call, body.walletAddress);
      const { clientId, grantId } = tokenCaller(call);
      const metadata = storeMetadata(body.metadata, call.exchange);
      const { wallet, quote, isNew } =
        'quoteId' in body ? await takeQuote(body.walletAddress, body.quoteId) : await makeQuote(clientId, body);

      // By the time that the payment is given: reading the receiver may have taken a while (RS-OP-07).
      const now = clock.businessNow();
      if (now >= toMillis(quote.expires_at)) throw new Problem('invalid_quote');
      const payment = { id: deps.ids.uuid(), quote_id: quote.id, sent_amount: '0', created_at: toInstant(now) };
      const reply = await call.transaction(async (tx) => {
        const spending = await reserveSpending(tx, {
          ase,
          ids: deps.ids,
          grantId,
          identifier: item.identifier ?? '',
          limits: item.limits,
          debit: debitAmountOf(quote),
          receive: receiveAmountOf(quote),
          receiver: quote.receiver,
          now,
        });
        if (isNew) await insertQuote(tx, ase, quote);
        await insertPayment(tx, {
          ...payment,
          wallet_address_id: wallet.id,
          client_id: clientId,
          grant_id: grantId,
          spending_id: spending.spendingId,
          metadata,
        });
        await deps.announce(tx, 'outgoing_payment.created', payment.id);
        const row = {
          ...quote,
          ...payment,
          wallet_url: wallet.url,
          state: 'pending',
          metadata: body.metadata ?? null,
        } as const;
        return { status: 201 as const, body: withSpentAmounts(row, spending) };
      });
      deps.wakePayments();
      return reply;
    },

    'get-outgoing-payment': async (call, { params }) => {
      const row = isResourceId(params.id)
        ? await selectOutgoingPayments(db.query).where('payment.id', '=', params.id).executeTakeFirst()
        : undefined;
      if (!row) throw new Problem('not_found');
      const { ownClientId } = scopeFor(call, row.wallet_url);
      if (ownClientId !== undefined && ownClientId !== row.client_id) throw new Problem('not_found');
      checkActive(row);
      return { status: 200, body: toBody(row) };
    },

    'list-outgoing-payments': (call, { query }) =>
      listPayments(deps, call, {
        collection: 'outgoing-payments',
        walletAddress: query['wallet-address'],
        select: ({ where, orderBy, limit }) =>
          selectOutgoingPayments(db.query).where(where).orderBy(orderBy).limit(limit).execute(),
        toItem: toBody,
      }),
  } satisfies Omit<OutgoingPaymentApiHandlers<ResourceCall>, 'get-outgoing-payment-grant'>;

  /**
   * The quote of that URL, if its wallet address and its receiver are as they were quoted (RS-OP-05…07, RS-OP-11,
   * RS-Q-23). Its time is looked at when the payment has one, and its use where the payment is inserted.
   */
  async function takeQuote(walletAddress: string, url: string): Promise<PayableQuote> {
    const quoteId = resourceIdIn(resourceServer, 'quotes', url);
    const row = await selectWalletAddress(db.query, ase, walletAddress)
      .leftJoin('quote', (join) =>
        join.onRef('quote.ase', '=', 'wallet.ase').on('quote.id', '=', isResourceId(quoteId ?? '') ? quoteId! : ''),
      )
      .selectAll('quote')
      .executeTakeFirst();
    if (!row) throw new Problem('unknown_wallet_address');
    if (quoteId === undefined) throw new Problem('invalid_quote');
    if (row.id === null) throw new Problem('unknown_quote');
    const quote = row as QuoteRow;
    const wallet = toHostedWalletAddress(row);
    if (quote.wallet_address_id !== wallet.id) throw new Problem('invalid_quote');

    const receiver = await readPayableReceiver(deps, quote.receiver).catch((error: unknown) => {
      throw isReceiverProblem(error) ? new Problem('invalid_quote', { detail: error.code, cause: error }) : error;
    });
    const receive = receiveAmountOf(quote);
    const fits = receiver.remaining === undefined || receive.value <= receiver.remaining;
    if (!fits || !sameAsset(receive.asset, receiver.asset)) throw new Problem('invalid_quote');
    return { wallet, quote, isNew: false };
  }

  /** A quote of its own for a payment that brings none (RS-OP-10). */
  async function makeQuote(
    clientId: string,
    body: { walletAddress: string; incomingPayment: string; debitAmount: components['schemas']['amount'] },
  ): Promise<PayableQuote> {
    const wallet = await findWalletAddress(db.query, ase, body.walletAddress);
    const request = { receiver: body.incomingPayment, debitAmount: body.debitAmount };
    return { wallet, quote: await prepareQuote(deps, wallet, clientId, request), isNew: true };
  }

  /** Stores the payment, which is its own settlement job. A quote is paid once: the second time throws (RS-OP-28). */
  async function insertPayment(
    tx: Transaction,
    payment: {
      readonly id: string;
      readonly quote_id: string;
      readonly wallet_address_id: string;
      readonly client_id: string;
      readonly grant_id: string;
      readonly spending_id: string;
      readonly sent_amount: string;
      readonly metadata: Record<string, unknown> | null;
      readonly created_at: string;
    },
  ): Promise<void> {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('outgoing_payment')
      .values({
        ...payment,
        ase,
        state: 'pending',
        failure: null,
        funded: false,
        delivered_amount: '0',
        attempts: 0,
        next_attempt_at: toInstant(clock.wallNow()),
        lease_owner: null,
      })
      .onConflict((conflict) => conflict.columns(['ase', 'quote_id']).doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 0n) throw new Problem('invalid_quote');
  }

  function selectOutgoingPayments(queryable: Queryable) {
    return queryable
      .selectFrom('outgoing_payment as payment')
      .innerJoin('quote', (join) =>
        join.onRef('quote.ase', '=', 'payment.ase').onRef('quote.id', '=', 'payment.quote_id'),
      )
      .innerJoin('wallet_address as wallet', (join) =>
        join.onRef('wallet.ase', '=', 'payment.ase').onRef('wallet.id', '=', 'payment.wallet_address_id'),
      )
      .select(['payment.id', 'payment.quote_id', 'payment.client_id', 'payment.state', 'payment.sent_amount'])
      .select(['payment.metadata', 'payment.created_at', 'quote.receiver'])
      .select(['wallet.url as wallet_url', 'wallet.active as wallet_active'])
      .select(['quote.debit_amount', 'quote.debit_asset_code', 'quote.debit_asset_scale'])
      .select(['quote.receive_amount', 'quote.receive_asset_code', 'quote.receive_asset_scale'])
      .where('payment.ase', '=', ase);
  }

  /** `failed` is final; until then and after, `sentAmount` is what really left (RS-OP-16…18). */
  function toBody(row: OutgoingPaymentRow): OutgoingPaymentBody {
    const debit = debitAmountOf(row);
    return {
      id: `${resourceServer}/outgoing-payments/${row.id}`,
      walletAddress: row.wallet_url,
      quoteId: quoteUrl(deps, row.quote_id),
      failed: row.state === 'failed',
      receiver: row.receiver,
      receiveAmount: toWireAmount(receiveAmountOf(row)),
      debitAmount: toWireAmount(debit),
      sentAmount: toWireAmount({ value: toAmount(row.sent_amount), asset: debit.asset }),
      ...(row.metadata !== null && { metadata: row.metadata }),
      createdAt: toInstant(toMillis(row.created_at)),
    };
  }

  function withSpentAmounts(row: OutgoingPaymentRow, spending: Reservation): OutgoingPaymentWithSpentAmounts {
    return {
      ...toBody(row),
      grantSpentDebitAmount: toWireAmount(spending.spentDebit),
      grantSpentReceiveAmount: toWireAmount(spending.spentReceive),
    };
  }
}

const isReceiverProblem = (error: unknown): error is Problem =>
  error instanceof Problem && (error.code === 'invalid_receiver' || error.code === 'receiver_unreachable');
