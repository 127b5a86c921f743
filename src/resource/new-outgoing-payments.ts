/**
 * New outgoing payments. Those of one grant that come at the same time are stored together, in one transaction of as
 * many statements for one as for many: each would wait for the grant of those before it anyway (LIM-13).
 */
import { sql } from 'kysely';
import { toInstant } from '../database/columns.ts';
import type { Transaction } from '../database/database.ts';
import { commitTogether } from '../database/guarded-dialect.ts';
import { shareTurns } from '../database/shared-transactions.ts';
import { statement } from '../database/statement.ts';
import { isViolation } from '../database/violation.ts';
import type { AccessItem } from '../open-payments/access.ts';
import { type Reservation, reserveSpendings } from '../payments/outgoing/grant-spending.ts';
import { type ResourceCall, tokenCaller } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { type RepeatableRequest, storeReplies } from './idempotency.ts';
import { type OutgoingPaymentWithSpentAmounts, toBody, withSpentAmounts } from './outgoing-payment-body.ts';
import type { PayableQuote } from './payable-quote.ts';
import { resourceProblem } from './problem.ts';
import { debitAmountOf, insertQuote, receiveAmountOf } from './quote.ts';

type NewPaymentsDeps = Pick<
  ResourceDeps,
  'ase' | 'db' | 'clock' | 'ids' | 'resourceServer' | 'announce' | 'hasWebhook'
>;

/** A payment that the client may make, unless its grant has too little left. */
export interface NewPayment extends PayableQuote {
  readonly call: ResourceCall;
  /** Its repetitions get the same reply. */
  readonly request: RepeatableRequest;
  /** The access item that it counts against. */
  readonly item: AccessItem;
  /** `stored` is what `storeMetadata` has made of it. */
  readonly metadata: Record<'shown' | 'stored', Record<string, unknown> | null>;
  /** Business time of its creation. */
  readonly now: number;
}

export interface PaymentReply {
  readonly status: 201;
  readonly body: OutgoingPaymentWithSpentAmounts;
}

interface Rows {
  readonly ase: string;
  readonly clientId: string;
  readonly grantId: string;
  /** Wall time. */
  readonly acceptedAt: string;
  /** One element of each list is a payment. */
  readonly ids: readonly string[];
  readonly quotes: readonly string[];
  readonly wallets: readonly string[];
  readonly accounts: readonly string[];
  readonly spendings: readonly string[];
  readonly metadata: readonly (Record<string, unknown> | null)[];
  readonly created: readonly string[];
  readonly peers: readonly (string | null)[];
}

/** Sorted, so that two transactions with the same quotes never wait for each other in a circle. */
const insertPaymentRows = statement((_db, columns: Rows) => {
  const { ase, clientId, grantId, acceptedAt, ids, quotes, wallets, accounts, spendings, metadata, created, peers } =
    columns;
  return sql`
    insert into outgoing_payment (ase, id, quote_id, wallet_address_id, account_id, client_id, grant_id, spending_id,
      state, funded, sent_amount, delivered_amount, metadata, created_at, accepted_at, attempts, next_attempt_at, peer)
    select ${ase}, id, quote_id, wallet_address_id, account_id, ${clientId}, ${grantId}, spending_id,
      'pending', false, 0, 0, metadata::json, created_at, ${acceptedAt}::timestamptz, 0, ${acceptedAt}::timestamptz, peer
    from unnest(${ids}::text[], ${quotes}::text[], ${wallets}::text[], ${accounts}::text[], ${spendings}::text[],
        ${metadata}::text[], ${created}::timestamptz[], ${peers}::text[])
      as payment (id, quote_id, wallet_address_id, account_id, spending_id, metadata, created_at, peer)
    order by quote_id`;
});

type Identified = NewPayment & { readonly id: string };

/** Stores payments for the worker to send. Throws `invalid_quote` if a quote has been paid before (RS-OP-28). */
async function insertPayments(
  tx: Transaction,
  { ase, clock }: NewPaymentsDeps,
  payments: readonly Identified[],
  reservations: readonly Reservation[],
): Promise<void> {
  const { clientId, grantId } = tokenCaller(payments[0]!.call);
  try {
    await insertPaymentRows.change(tx, {
      ...{ ase, clientId, grantId, acceptedAt: toInstant(clock.wallNow()) },
      ids: payments.map(({ id }) => id),
      quotes: payments.map(({ quote }) => quote.id),
      wallets: payments.map(({ wallet }) => wallet.id),
      accounts: payments.map(({ wallet }) => wallet.accountId),
      spendings: reservations.map(({ spendingId }) => spendingId),
      metadata: payments.map(({ metadata }) => metadata.stored),
      created: payments.map(({ now }) => toInstant(now)),
      peers: payments.map(({ receiver }) => receiver.peer?.name ?? null),
    });
  } catch (error) {
    throw isViolation(error, 'unique', 'outgoing_payment') ? resourceProblem('invalid_quote') : error;
  }
}

/** The payment as it begins: nothing is sent yet. */
function replyTo(deps: NewPaymentsDeps, { id, quote, wallet, metadata, now }: Identified, reservation: Reservation) {
  const shown = {
    ...quote,
    id,
    quote_id: quote.id,
    wallet_url: wallet.url,
    metadata: metadata.shown,
    state: 'pending' as const,
    sent_amount: '0',
    created_at: toInstant(now),
  };
  return { status: 201 as const, body: withSpentAmounts(toBody(deps, shown), reservation) };
}

/** Stores payments of one grant, and counts them against it. Returns the valid replies. */
async function storePayments(
  tx: Transaction,
  deps: NewPaymentsDeps,
  newPayments: readonly NewPayment[],
): Promise<PaymentReply[]> {
  const { ase, ids } = deps;
  const payments = newPayments.map((payment) => ({ ...payment, id: ids.rowId() }));
  const spendings = payments.map(({ call, item, quote, now }) => ({
    ...{ ase, ids, grantId: tokenCaller(call).grantId, limits: item.limits, receiver: quote.receiver, now },
    identifier: item.identifier ?? '',
    debit: debitAmountOf(quote),
    receive: receiveAmountOf(quote),
  }));
  const hasEvent = deps.hasWebhook();
  // Repetitions that arrive together wait for each other here.
  return reserveSpendings(tx, spendings, async (reservations) => {
    const answered = payments.map((payment, index) => {
      const reply = replyTo(deps, payment, reservations[index]!);
      return { request: payment.request, reply, valid: payment.call.toValidReply(reply) };
    });
    const end = () => Promise.all([storeReplies(tx, deps, answered), commitTogether(tx)]);
    await Promise.all([
      ...payments.map(async ({ isNew, quote }) => isNew && insertQuote(tx, ase, quote)),
      insertPayments(tx, deps, payments, reservations),
      !hasEvent && end(),
    ]);
    if (hasEvent) {
      for (const { id } of payments) await deps.announce(tx, 'outgoing_payment.created', id);
      await end();
    }
    return answered.map(({ valid }) => valid);
  });
}

/** Returns a function that stores a payment and counts it against its grant. It replies with both. */
export function createPaymentStore(deps: NewPaymentsDeps): (payment: NewPayment) => Promise<PaymentReply> {
  const inTurn = shareTurns((payments: readonly NewPayment[]) =>
    deps.db.transaction((tx) => storePayments(tx, deps, payments)),
  );
  return (payment) => inTurn(tokenCaller(payment.call).grantId, payment);
}
