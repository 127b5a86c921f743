/**
 * Credit to an incoming payment: the only way money reaches it, by packet or from the same ASE. The lock of its row
 * makes the cap, reservations, expiry and completion hold for all concurrent credits (ILP-19, RS-IP-32).
 */
import { sql } from 'kysely';
import { toAmount, toAsset, toJson, toMillis } from '../../database/columns.ts';
import type { Database, Queryable, Transaction } from '../../database/database.ts';
import type { Reservation } from '../../database/payment-entities.ts';
import { statement } from '../../database/statement.ts';
import { Problem } from '../../errors.ts';
import { type Asset, MAX_AMOUNT } from '../../open-payments/amount.ts';
import { bookTransfers, type Entry, type Transfer } from '../ledger.ts';
import type { AnnouncePayment } from '../payment-event.ts';
import { type Claim, release, reserve, reservedByOthers } from './reservations.ts';

export interface CreditableIncomingPayment {
  readonly ase: string;
  readonly id: string;
  readonly asset: Asset;
  readonly incomingAmount: bigint | undefined;
  readonly receivedAmount: bigint;
  readonly completed: boolean;
  readonly expiresAt: number;
  /** The account of its wallet address when it was created. */
  readonly accountId: string;
  readonly reservations: readonly Reservation[];
}

const selectIncomingPayments = (db: Queryable, ase: string) =>
  db
    .selectFrom('incoming_payment as payment')
    .select(['payment.asset_code', 'payment.asset_scale', 'payment.incoming_amount', 'payment.received_amount'])
    .select(['payment.completed', 'payment.expires_at', 'payment.account_id', 'payment.reservations', 'payment.id'])
    .where('payment.ase', '=', ase);

const selectIncomingPayment = (db: Queryable, ase: string, id: string) =>
  selectIncomingPayments(db, ase).where('payment.id', '=', id);

interface OfPayment {
  readonly ase: string;
  readonly id: string;
}

const readPayment = statement((db, { ase, id }: OfPayment) => selectIncomingPayment(db, ase, id));
const lockPayment = statement((db, { ase, id }: OfPayment) => selectIncomingPayment(db, ase, id).forUpdate('payment'));

const byIds = (db: Queryable, ase: string, ids: readonly string[]) =>
  selectIncomingPayments(db, ase).where(sql<boolean>`payment.id = any(${ids}::text[])`);
const lockPayments = statement((db, { ase, ids }: { ase: string; ids: readonly string[] }) =>
  byIds(db, ase, ids).orderBy('payment.id').forUpdate('payment'),
);

type Selected = Awaited<ReturnType<ReturnType<typeof selectIncomingPayments>['executeTakeFirstOrThrow']>>;

const toCreditable = (ase: string, row: Selected): CreditableIncomingPayment => ({
  ase,
  id: row.id,
  asset: toAsset(row),
  incomingAmount: row.incoming_amount === null ? undefined : toAmount(row.incoming_amount),
  receivedAmount: toAmount(row.received_amount),
  completed: row.completed,
  expiresAt: toMillis(row.expires_at),
  accountId: row.account_id,
  reservations: row.reservations,
});

/** The payment, unlocked, for answers that credit nothing. */
export async function findCreditable(db: Queryable, ase: string, id: string) {
  const row = await readPayment.first(db, { ase, id });
  return row && toCreditable(ase, row);
}

/** Locks the payment until the transaction ends; undefined if it does not exist. */
export async function lockCreditable(tx: Transaction, ase: string, id: string) {
  const row = await lockPayment.first(tx, { ase, id });
  return row && toCreditable(ase, row);
}

/** Locks payments until the transaction ends, in the order of their ids, by which they are found in the result. */
export async function lockCreditables(tx: Transaction, ase: string, ids: readonly string[]) {
  const rows = await lockPayments.all(tx, { ase, ids });
  return new Map(rows.map((row) => [row.id, toCreditable(ase, row)]));
}

const writeReservations = statement(
  (db, { ase, id, reservations }: OfPayment & { readonly reservations: readonly Reservation[] }) =>
    db.updateTable('incoming_payment').set({ reservations }).where('ase', '=', ase).where('id', '=', id),
);

/** Gives back the room that a connection has reserved, when it ends. */
export async function releaseRoom(db: Database, ase: string, id: string, connection: string): Promise<void> {
  const payment = await findCreditable(db.query, ase, id);
  if (!payment?.reservations.some((reservation) => reservation.connection === connection)) return;
  await db.transaction(async (tx) => {
    const locked = await lockCreditable(tx, ase, id);
    await writeReservations.change(tx, { ase, id, reservations: toJson(release(locked!.reservations, connection)) });
  });
}

/** Closed by completion, or by expiry from the very millisecond on (RS-IP-34). */
export const isClosed = (
  payment: Pick<CreditableIncomingPayment, 'completed' | 'expiresAt'>,
  businessNow: number,
): boolean => payment.completed || businessNow >= payment.expiresAt;

/** Why a payment cannot take this amount, or all that the payer has yet to send; undefined if it can. */
export function creditProblem(
  payment: CreditableIncomingPayment,
  amount: bigint,
  now: number,
  claim: Claim,
): 'incoming_payment_closed' | 'over_incoming_amount' | 'incoming_amount_reserved' | undefined {
  if (isClosed(payment, now)) return 'incoming_payment_closed';
  const { incomingAmount, receivedAmount, reservations } = payment;
  const { connection, outstanding = amount } = claim;
  const needed = connection !== undefined && outstanding > amount ? outstanding : amount;
  const room = (incomingAmount ?? MAX_AMOUNT) - receivedAmount;
  if (needed > room) return 'over_incoming_amount';
  return needed > room - reservedByOthers(reservations, claim) ? 'incoming_amount_reserved' : undefined;
}

export interface Credit {
  readonly amount: bigint;
  /** The payers' entries; together with the payee's they form one balanced transfer. */
  readonly paidBy: readonly Entry[];
  readonly transferId: string;
  /** Transfers that are booked together with it. */
  readonly alongside?: readonly Transfer[];
  readonly claim: Claim;
  /** Business time. */
  readonly now: number;
  readonly announce: AnnouncePayment;
}

/** A locked payment as it is after credits, and their sum. */
export interface Credited {
  readonly payment: CreditableIncomingPayment;
  readonly amount: bigint;
}

interface CreditedColumns {
  readonly ase: string;
  /** One element of each list is a payment. */
  readonly ids: readonly string[];
  readonly amounts: readonly string[];
  readonly completed: readonly boolean[];
  /** Null without a cap: there is always room. */
  readonly reservations: readonly (string | null)[];
}

const addReceived = statement(
  (_db, { ase, ids, amounts, completed, reservations }: CreditedColumns) => sql`
    update incoming_payment as payment set received_amount = received_amount + credited.amount,
      completed = credited.completed, partly_paid = not credited.completed,
      reservations = coalesce(credited.reservations::jsonb, payment.reservations)
    from unnest(${ids}::text[], ${amounts}::numeric[], ${completed}::boolean[], ${reservations}::text[])
      as credited (id, amount, completed, reservations)
    where payment.ase = ${ase} and payment.id = any(${ids}::text[]) and payment.id = credited.id`,
);

/** Stores what payments have received. */
export async function storeCredited(tx: Transaction, ase: string, credited: readonly Credited[]): Promise<void> {
  await addReceived.change(tx, {
    ase,
    ids: credited.map(({ payment }) => payment.id),
    amounts: credited.map(({ amount }) => `${amount}`),
    completed: credited.map(({ payment }) => payment.completed),
    reservations: credited.map(({ payment: { incomingAmount, reservations } }) =>
      incomingAmount === undefined ? null : JSON.stringify(reservations),
    ),
  });
}

/** The payment after a credit, which completes it at its amount; the room that the payer still needs is reserved. */
export function afterCredit(
  payment: CreditableIncomingPayment,
  amount: bigint,
  claim: Claim,
): CreditableIncomingPayment {
  const received = payment.receivedAmount + amount;
  return {
    ...payment,
    receivedAmount: received,
    completed: received === payment.incomingAmount,
    reservations: reserve(payment.reservations, claim, amount),
  };
}

/**
 * Credits a locked payment and the customer behind it. Throws the Problems `incoming_payment_closed`,
 * `over_incoming_amount` if the credit would exceed the cap, and `incoming_amount_reserved` if it may fit later; nothing
 * is credited then.
 */
export async function creditIncomingPayment(
  tx: Transaction,
  payment: CreditableIncomingPayment,
  { amount, paidBy, transferId, alongside = [], claim, now, announce }: Credit,
): Promise<void> {
  const problem = creditProblem(payment, amount, now, claim);
  if (problem) throw new Problem(problem);
  const credited = afterCredit(payment, amount, claim);
  const credit = { id: transferId, entries: [...paidBy, { accountId: payment.accountId, amount }] };
  const [booked] = await Promise.all([
    bookTransfers(tx, payment.ase, now, [credit, ...alongside]),
    storeCredited(tx, payment.ase, [{ payment: credited, amount }]),
  ]);
  if (!booked) throw new Error(`transfer ${transferId} is booked already`);
  if (credited.completed) await announce(tx, 'incoming_payment.completed', payment.id);
}
