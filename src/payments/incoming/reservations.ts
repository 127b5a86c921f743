/**
 * Reservations of an incoming payment: the first packet of a payment claims the room for all that it has yet to send,
 * so that of two payments which do not both fit, one completes and the other delivers nothing (RS-OP-32, OPI-098).
 * They are a column of the incoming payment, read and written under the lock of its row.
 */
import type { Reservation } from '../../database/payment-entities.ts';

/**
 * Longer than the longest wait between two attempts (51.2 s) unless a packet is in doubt, and short enough that the
 * other payment can still be sent.
 */
export const RESERVATION_MS = 60_000;
/** A credit of this part of what is outstanding holds the rest for the whole time, a smaller one for less. */
const FULL_TIME_PART = 100n;
/** More are not kept: a payment beyond them competes as if it had said nothing. */
const MAX_RESERVATIONS = 50;

/** A credit as it concerns the room of an incoming payment. */
export interface Claim {
  /** Identifies the payer's connection; undefined for a payer that does not identify it. */
  readonly connection?: string | undefined;
  /** Amount that the payer has yet to send, this credit included; undefined if it did not say. */
  readonly outstanding?: bigint | undefined;
  readonly wallNow: number;
}

/** Reservations of other payments that have not expired. */
const othersIn = (reservations: readonly Reservation[], { connection, wallNow }: Claim): readonly Reservation[] =>
  reservations.filter((reservation) => reservation.connection !== connection && reservation.until > wallNow);

/** Room that other payments have reserved. */
export const reservedByOthers = (reservations: readonly Reservation[], claim: Claim): bigint =>
  othersIn(reservations, claim).reduce((sum, { amount }) => sum + BigInt(amount), 0n);

/**
 * Milliseconds for which a credit holds the rest. To keep others from paying, a payer has to pay the payee one
 * percent a minute.
 */
function holdMs(amount: bigint, outstanding: bigint): number {
  const permille = (amount * FULL_TIME_PART * 1_000n) / outstanding;
  return permille >= 1_000n ? RESERVATION_MS : (RESERVATION_MS * Number(permille)) / 1_000;
}

/** The reservations without that of a connection. */
export const release = (reservations: readonly Reservation[], connection: string): readonly Reservation[] =>
  reservations.filter((reservation) => reservation.connection !== connection);

/**
 * The reservations after a credit of `amount`. If the payer does not say how much it has yet to send, as while other
 * packets of its connection are in flight, the credit counts against what it has reserved.
 */
export function reserve(reservations: readonly Reservation[], claim: Claim, amount: bigint): readonly Reservation[] {
  const { connection, wallNow } = claim;
  const others = othersIn(reservations, claim);
  const known = reservations.find((each) => each.connection === connection && each.until > wallNow);
  const outstanding = claim.outstanding ?? BigInt(known?.amount ?? 0);
  const rest = outstanding - amount;
  if (connection === undefined || rest <= 0n || others.length >= MAX_RESERVATIONS) return others;
  const until = Math.max(known?.until ?? 0, wallNow + holdMs(amount, outstanding));
  return [...others, { connection, amount: `${rest}`, until }];
}
