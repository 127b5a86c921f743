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

const selectIncomingPayment = (db: Queryable, ase: string, id: string) =>
  db
    .selectFrom('incoming_payment as payment')
    .select(['payment.asset_code', 'payment.asset_scale', 'payment.incoming_amount', 'payment.received_amount'])
    .select(['payment.completed', 'payment.expires_at', 'payment.account_id', 'payment.reservations'])
    .where('payment.ase', '=', ase)
    .where('payment.id', '=', id);

interface OfPayment {
  readonly ase: string;
  readonly id: string;
}

const readPayment = statement((db, { ase, id }: OfPayment) => selectIncomingPayment(db, ase, id));
const lockPayment = statement((db, { ase, id }: OfPayment) => selectIncomingPayment(db, ase, id).forUpdate('payment'));

type Selected = Awaited<ReturnType<ReturnType<typeof selectIncomingPayment>['executeTakeFirst']>>;

function toCreditable(ase: string, id: string, row: Selected): CreditableIncomingPayment | undefined {
  return (
    row && {
      ase,
      id,
      asset: toAsset(row),
      incomingAmount: row.incoming_amount === null ? undefined : toAmount(row.incoming_amount),
      receivedAmount: toAmount(row.received_amount),
      completed: row.completed,
      expiresAt: toMillis(row.expires_at),
      accountId: row.account_id,
      reservations: row.reservations,
    }
  );
}

/** The payment, unlocked, for answers that credit nothing. */
export async function findCreditable(db: Queryable, ase: string, id: string) {
  return toCreditable(ase, id, await readPayment.first(db, { ase, id }));
}

/** Locks the payment until the transaction ends; undefined if it does not exist. */
export async function lockCreditable(tx: Transaction, ase: string, id: string) {
  return toCreditable(ase, id, await lockPayment.first(tx, { ase, id }));
}

const writeReservations = statement((db, { ase, id, reservations }: OfPayment & Pick<Received, 'reservations'>) =>
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

interface Received extends OfPayment {
  readonly amount: string;
  readonly completed: boolean;
  readonly reservations: readonly Reservation[] | undefined;
}

const addReceived = statement((db, { ase, id, amount, completed, reservations }: Received) =>
  db
    .updateTable('incoming_payment')
    .set({ received_amount: sql<string>`received_amount + ${amount}::numeric`, completed, reservations })
    .where('ase', '=', ase)
    .where('id', '=', id),
);

/**
 * Credits a locked payment and the customer behind it, and completes the payment at its amount; reserves the room that
 * the payer still needs. Throws the Problems `incoming_payment_closed`, `over_incoming_amount` if the credit would exceed
 * the cap, and `incoming_amount_reserved` if it may fit later; nothing is credited then.
 */
export async function creditIncomingPayment(
  tx: Transaction,
  payment: CreditableIncomingPayment,
  { amount, paidBy, transferId, alongside = [], claim, now, announce }: Credit,
): Promise<void> {
  const problem = creditProblem(payment, amount, now, claim);
  if (problem) throw new Problem(problem);
  const received = payment.receivedAmount + amount;
  const { incomingAmount, reservations } = payment;
  const credit = { id: transferId, entries: [...paidBy, { accountId: payment.accountId, amount }] };
  const booked = await bookTransfers(tx, payment.ase, now, [credit, ...alongside]);
  if (!booked) throw new Error(`transfer ${transferId} is booked already`);
  await addReceived.change(tx, {
    ase: payment.ase,
    id: payment.id,
    amount: `${amount}`,
    completed: received === payment.incomingAmount,
    // Without a cap there is always room.
    reservations: incomingAmount === undefined ? undefined : toJson(reserve(reservations, claim, amount)),
  });
  if (received === payment.incomingAmount) await announce(tx, 'incoming_payment.completed', payment.id);
}
