/** Outgoing payments: created from a quote or from a debit amount, then sent by the payment worker (RS-OP-01…32). */

import { isDeepStrictEqual } from 'node:util';
import type { Insertable } from 'kysely';
import type { OutgoingPaymentApiHandlers } from '../../generated/resource-server/routes.ts';
import type { components } from '../../generated/resource-server/types.ts';
import { toAmount, toInstant, toMillis } from '../database/columns.ts';
import type { Queryable, Tables, Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { isViolation } from '../database/violation.ts';
import type { Writable } from '../http/operation.ts';
import { type Amount, toWireAmount } from '../open-payments/amount.ts';
import { fromOutgoingPayments, fromQuotedPayments } from '../payments/outgoing/from-payments.ts';
import { findSpending, reserveSpending } from '../payments/outgoing/grant-spending.ts';
import { checkVisible, type ResourceCall, scopeFor, tokenCaller } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { createOnce, type EndCreation } from './idempotency.ts';
import { storeMetadata } from './metadata.ts';
import { getPayableQuote, type PayableQuote } from './payable-quote.ts';
import { createListStatements, listPayments } from './payment-list.ts';
import { resourceProblem } from './problem.ts';
import { debitAmountOf, insertQuote, type QuoteDeps, quoteUrl, receiveAmountOf } from './quote.ts';
import { findResource, isResourceId, resourceIdIn } from './resource-url.ts';
import { createTurns } from './turns.ts';
import { checkActive, toLookupUrl } from './wallet-address.ts';

type OutgoingPaymentDeps = QuoteDeps & Pick<ResourceDeps, 'wakePayments' | 'announce' | 'hasWebhook'>;

type OutgoingPaymentBody = Writable<components['schemas']['outgoing-payment']>;
type OutgoingPaymentWithSpentAmounts = Writable<components['schemas']['outgoing-payment-with-spent-amounts']>;

const columns = [
  ...(['payment.id', 'payment.quote_id', 'payment.client_id', 'payment.state', 'payment.sent_amount'] as const),
  ...(['payment.metadata', 'payment.created_at', 'quote.receiver'] as const),
  ...(['quote.debit_amount', 'quote.debit_asset_code', 'quote.debit_asset_scale'] as const),
  ...(['quote.receive_amount', 'quote.receive_asset_code', 'quote.receive_asset_scale'] as const),
] as const;

const selectOutgoingPayments = (db: Queryable, ase: string) =>
  fromOutgoingPayments(db, ase).select(columns).select(['wallet.url as wallet_url', 'wallet.active as wallet_active']);

const selectById = statement((db, payment: { ase: string; id: string }) =>
  selectOutgoingPayments(db, payment.ase).where('payment.id', '=', payment.id),
);

const listStatements = createListStatements((db, ase) => fromQuotedPayments(db, ase).select(columns));

/** The columns of a payment and of its quote that a client sees. */
type OutgoingPaymentRow = Omit<
  Awaited<ReturnType<ReturnType<typeof selectOutgoingPayments>['executeTakeFirstOrThrow']>>,
  'client_id' | 'wallet_active'
>;

/**
 * `sentAmount` is the amount that left the account, before and after a failure. A part is rounded up, so it may reach the
 * debit early; a payment that has not ended shows less, because clients take equality for the end (RS-OP-16, OPI-070).
 */
function toBody(deps: OutgoingPaymentDeps, row: OutgoingPaymentRow): OutgoingPaymentBody {
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

const withSpentAmounts = (
  body: OutgoingPaymentBody,
  { spentDebit, spentReceive }: { readonly spentDebit: Amount | null; readonly spentReceive: Amount | null },
): OutgoingPaymentWithSpentAmounts => ({
  ...body,
  ...(spentDebit && { grantSpentDebitAmount: toWireAmount(spentDebit) }),
  ...(spentReceive && { grantSpentReceiveAmount: toWireAmount(spentReceive) }),
});

type NewPayment = Pick<
  Insertable<Tables['outgoing_payment']>,
  | 'ase'
  | 'id'
  | 'quote_id'
  | 'wallet_address_id'
  | 'account_id'
  | 'client_id'
  | 'grant_id'
  | 'spending_id'
  | 'sent_amount'
  | 'metadata'
  | 'created_at'
  | 'accepted_at'
  | 'next_attempt_at'
  | 'peer'
>;

const insertRow = statement((db, payment: Insertable<Tables['outgoing_payment']>) =>
  db.insertInto('outgoing_payment').values(payment),
);

/** Stores a payment for the worker to send. Throws `invalid_quote` if the quote has been paid before (RS-OP-28). */
async function insertPayment(tx: Transaction, payment: NewPayment): Promise<void> {
  try {
    await insertRow.change(tx, {
      ...payment,
      state: 'pending',
      failure: null,
      funded: false,
      delivered_amount: '0',
      attempts: 0,
      lease_owner: null,
    });
  } catch (error) {
    throw isViolation(error, 'unique', 'outgoing_payment') ? resourceProblem('invalid_quote') : error;
  }
}

type CreationBody = Parameters<OutgoingPaymentApiHandlers<ResourceCall>['create-outgoing-payment']>[1]['body'];

/**
 * The reply to a client that pays a quote again by the same request, because it lost the answer: the payment that it
 * made under this grant (OPI-071). Undefined if it made none.
 */
async function repeatPayment(
  deps: OutgoingPaymentDeps,
  call: ResourceCall,
  body: CreationBody,
): Promise<{ status: 201; body: OutgoingPaymentWithSpentAmounts } | undefined> {
  const quoteId = 'quoteId' in body ? resourceIdIn(deps.resourceServer, 'quotes', body.quoteId) : undefined;
  if (quoteId === undefined || !isResourceId(quoteId)) return undefined;
  const { ase, db } = deps;
  const { item } = scopeFor(call, body.walletAddress);
  const { clientId, grantId } = tokenCaller(call);
  const row = await selectOutgoingPayments(db.query, ase)
    .where('payment.quote_id', '=', quoteId)
    .where('payment.client_id', '=', clientId)
    .where('payment.grant_id', '=', grantId)
    .where('wallet.url', '=', toLookupUrl(body.walletAddress))
    .executeTakeFirst();
  if (!row || !isDeepStrictEqual(row.metadata, body.metadata ?? null)) return undefined;
  checkActive(row);
  const now = deps.clock.businessNow();
  const spending = await findSpending(db.query, {
    ...{ ase, grantId, now },
    identifier: item.identifier ?? '',
    limits: item.limits,
  });
  return { status: 201, body: withSpentAmounts(toBody(deps, row), spending) };
}

/** Stores a payment, counts it against its grant, and replies with both. */
async function storePayment(
  tx: Transaction,
  end: EndCreation,
  deps: OutgoingPaymentDeps,
  call: ResourceCall,
  body: CreationBody,
  { wallet, quote, receiver, isNew, metadata, now }: PayableQuote & Pick<NewPayment, 'metadata'> & { now: number },
) {
  const { ase, ids, clock } = deps;
  const { item } = scopeFor(call, body.walletAddress);
  const { clientId, grantId } = tokenCaller(call);
  const acceptedAt = toInstant(clock.wallNow());
  const payment = { id: ids.rowId(), quote_id: quote.id, sent_amount: '0', created_at: toInstant(now) };
  const columns = {
    ...payment,
    ase,
    wallet_address_id: wallet.id,
    account_id: wallet.accountId,
    client_id: clientId,
    grant_id: grantId,
    metadata,
    accepted_at: acceptedAt,
    next_attempt_at: acceptedAt,
    peer: receiver.peer?.name ?? null,
  };
  const shown = {
    ...quote,
    ...payment,
    wallet_url: wallet.url,
    metadata: body.metadata ?? null,
    state: 'pending',
  } as const;
  const spending = {
    ...{ ase, ids, grantId, limits: item.limits, receiver: quote.receiver, now },
    identifier: item.identifier ?? '',
    debit: debitAmountOf(quote),
    receive: receiveAmountOf(quote),
  };
  const hasEvent = deps.hasWebhook();
  // Repetitions that arrive together wait for each other here.
  const reply = await reserveSpending(tx, spending, async (reservation) => {
    const reply = { status: 201 as const, body: withSpentAmounts(toBody(deps, shown), reservation) };
    await Promise.all([
      isNew && insertQuote(tx, ase, quote),
      insertPayment(tx, { ...columns, spending_id: reservation.spendingId }),
      !hasEvent && end(reply),
    ]);
    return reply;
  });
  if (hasEvent) await deps.announce(tx, 'outgoing_payment.created', payment.id);
  return reply;
}

export function createOutgoingPaymentHandlers(deps: OutgoingPaymentDeps) {
  const { ase, db, clock } = deps;
  const inTurn = createTurns();
  return {
    'create-outgoing-payment': async (call, { body }) => {
      scopeFor(call, body.walletAddress);
      const { clientId, grantId } = tokenCaller(call);
      const metadata = storeMetadata(body.metadata, call.exchange);
      return createOnce(deps, call, 'create-outgoing-payment', async ({ transaction }) => {
        try {
          const payable = await getPayableQuote(deps, clientId, body);
          // Reading the receiver may have taken a while, so the expiry counts at the payment's creation time (RS-OP-07).
          const now = clock.businessNow();
          if (now >= toMillis(payable.quote.expires_at)) throw resourceProblem('invalid_quote');
          const reply = await inTurn(grantId, () =>
            transaction((tx, end) => storePayment(tx, end, deps, call, body, { ...payable, metadata, now })),
          );
          deps.wakePayments(payable.receiver.peer ? 'peer' : 'same-ase');
          return reply;
        } catch (error) {
          // The quote is paid, by an earlier request or by one that came at the same time.
          const repeated = await repeatPayment(deps, call, body);
          if (repeated) return repeated;
          throw error;
        }
      });
    },

    'get-outgoing-payment': async (call, { params }) => {
      const row = await findResource(params.id, (id) => selectById.first(db.query, { ase, id }));
      checkVisible(call, row);
      return { status: 200, body: toBody(deps, row) };
    },

    'list-outgoing-payments': (call, { query }) =>
      listPayments(deps, call, {
        collection: 'outgoing-payments',
        walletAddress: query['wallet-address'],
        statements: listStatements,
        toItem: (row) => toBody(deps, row),
      }),
  } satisfies Omit<OutgoingPaymentApiHandlers<ResourceCall>, 'get-outgoing-payment-grant'>;
}
