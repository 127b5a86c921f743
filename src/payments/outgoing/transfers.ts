/**
 * The transfers of an outgoing payment. In the payer's asset: debit = sent + fee + refund. A part of the payment is paid
 * like the whole, rounded up to the payer's unit, so that nothing is ever delivered without being paid (OPI-070). In the receiver's: what was
 * delivered. The exchange account takes the one and gives the other (SET-07). A positive sum on an account is what the
 * ASE owes its owner, so the peer accounts of two ASEs are each other's negative.
 */
import type { Database, Queryable, Transaction } from '../../database/database.ts';
import { ceilDivide } from '../fees.ts';
import { type OutgoingPacket, resolveFulfilled } from '../ilp/packet-journal.ts';
import {
  bookTransfer,
  bookTransfers,
  type Entry,
  type InternalAccount,
  internalAccountId,
  isAccountMissing,
  openInternalAccounts,
  type Transfer,
} from '../ledger.ts';
import type { Job } from './job.ts';
import { advanceJobs, updateJob } from './job-progress.ts';

const holdAccount = (job: Job) => internalAccountId('hold', job.debit.asset);

/** The ASE's own accounts that the transfers of a payment need, those with a peer included. */
const accountsOf = ({ debit, receive }: Job, peer: string | undefined): InternalAccount[] => [
  { kind: 'hold', asset: debit.asset },
  { kind: 'fee', asset: debit.asset },
  { kind: 'exchange', asset: debit.asset },
  { kind: 'exchange', asset: receive.asset },
  ...(peer === undefined ? [] : [{ kind: 'peer', asset: receive.asset, peer } as const]),
];

/** Opens the ASE's own accounts that the transfers of a payment need and that are not open yet. */
export const openAccountsFor = (db: Queryable, job: Job, peer?: string): Promise<void> =>
  openInternalAccounts(db, job.ase, accountsOf(job, peer));

/** Runs a transaction that books transfers of a payment; again with open accounts if one was missing. */
export async function bookWithAccounts<T>(
  db: Database,
  { job, peer }: { readonly job: Job; readonly peer?: string | undefined },
  book: (tx: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await db.transaction(book);
  } catch (error) {
    if (!isAccountMissing(error)) throw error;
    await openAccountsFor(db.query, job, peer);
    return db.transaction(book);
  }
}

/** Part of the debit that is there to be sent. */
const sendable = (job: Job): bigint => job.debit.value - job.fee;

/**
 * The part of `total` that is due once `delivered` of the receive amount has arrived: all of it at the end. It is
 * computed from the total, never packet by packet, so rounding errors do not add up.
 */
const shareOf = (total: bigint, delivered: bigint, job: Job): bigint =>
  ceilDivide(total * delivered, job.receive.value);

/** The part of the debit that has been sent once `delivered` of the receive amount has arrived. */
export const sourceAmountFor = (job: Job, delivered: bigint): bigint => shareOf(sendable(job), delivered, job);

/** The part of the fee that is charged for `delivered` of the receive amount (SET-12). */
const feeCharged = (job: Job, delivered: bigint): bigint => shareOf(job.fee, delivered, job);

/** The part of the debit that a payment which ends now does not cost: payer and grant get it back (SET-12, LIM-14). */
export const unpaidAmount = (job: Job): bigint =>
  job.debit.value - job.sentAmount - feeCharged(job, job.deliveredAmount);

export const holdTransfer = (job: Job): Transfer => ({
  id: `outgoing:${job.id}:hold`,
  entries: [
    { accountId: job.payerAccountId, amount: -job.debit.value },
    { accountId: holdAccount(job), amount: job.debit.value },
  ],
});

/** Takes the debit from the payer. Throws `insufficient_funds`. */
export async function bookHold(tx: Transaction, job: Job, now: number): Promise<void> {
  await Promise.all([updateJob(tx, job, { funded: true }), bookTransfers(tx, job.ase, now, [holdTransfer(job)])]);
}

/** Id of the transfer that delivers a payment within the ASE. */
export const deliveryIdOf = (job: Job): string => `outgoing:${job.id}:delivery`;

/** From the hold through the exchange; who gets the `amount` is another entry. */
export function exchangeEntries(job: Job, sourceAmount: bigint, amount: bigint): Entry[] {
  const bought = internalAccountId('exchange', job.debit.asset);
  const sold = internalAccountId('exchange', job.receive.asset);
  const exchanged =
    bought === sold
      ? [{ accountId: bought, amount: sourceAmount - amount }]
      : [
          { accountId: bought, amount: sourceAmount },
          { accountId: sold, amount: -amount },
        ];
  return [{ accountId: holdAccount(job), amount: -sourceAmount }, ...exchanged];
}

/** The fee on what was delivered (SET-12). */
export function takeFee(job: Job, delivered: bigint): Entry[] {
  const fee = feeCharged(job, delivered);
  return [
    { accountId: holdAccount(job), amount: -fee },
    { accountId: internalAccountId('fee', job.debit.asset), amount: fee },
  ];
}

/** All that was not paid. */
export function refund(job: Job): Entry[] {
  const unpaid = unpaidAmount(job);
  return [
    { accountId: holdAccount(job), amount: -unpaid },
    { accountId: job.payerAccountId, amount: unpaid },
  ];
}

/** The transfer of the fee on what was delivered, if there is one. */
export const feeTransfers = (job: Job, delivered: bigint): Transfer[] =>
  job.fee > 0n ? [{ id: `outgoing:${job.id}:fee`, entries: takeFee(job, delivered) }] : [];

export async function bookFee(tx: Transaction, job: Job, delivered: bigint, now: number): Promise<void> {
  const transfers = feeTransfers(job, delivered);
  if (transfers.length > 0) await bookTransfers(tx, job.ase, now, transfers);
}

/** Books the end of a payment whose debit was held and that did not deliver everything. */
export async function bookRefund(tx: Transaction, job: Job, now: number): Promise<void> {
  await openAccountsFor(tx, job);
  if (job.deliveredAmount > 0n) await bookFee(tx, job, job.deliveredAmount, now);
  await bookTransfer(tx, job.ase, `outgoing:${job.id}:refund`, now, refund(job));
}

export interface Progress {
  readonly sentAmount: bigint;
  readonly deliveredAmount: bigint;
  readonly attempts: number;
}

export interface FulfilledPacket {
  readonly job: Job;
  readonly packet: OutgoingPacket;
  /** True if the packet delivers the rest, and its payment is to end with it. */
  readonly completes: boolean;
}

/** How far the payment is with the packet. */
function progressWith({ job, packet }: FulfilledPacket): Progress {
  const deliveredAmount = job.deliveredAmount + packet.amount;
  const sentAmount = sourceAmountFor(job, deliveredAmount);
  return { sentAmount, deliveredAmount, attempts: 0 };
}

/** The peer gets what it paid out. The packet that completes the payment brings the fee. */
function transfersFor({ job, packet, completes }: FulfilledPacket, sourceAmount: bigint): Transfer[] {
  const { condition, peer, amount } = packet;
  const peerAccount = internalAccountId('peer', job.receive.asset, peer);
  const entries = [...exchangeEntries(job, sourceAmount, amount), { accountId: peerAccount, amount }];
  const fees = completes ? feeTransfers(job, job.deliveredAmount + amount) : [];
  return [{ id: `packet:${condition}:out`, entries }, ...fees];
}

/**
 * Books packets of different payments that arrived, and their results. A payer pays the difference to what is due then,
 * whichever packet arrives first. Returns how far the payments are, in the same order. Throws LeaseLost.
 */
export async function bookFulfilled(
  tx: Transaction,
  ase: string,
  now: number,
  fulfilled: readonly FulfilledPacket[],
): Promise<Progress[]> {
  const progress = fulfilled.map(progressWith);
  const steps = fulfilled.map(({ job, completes }, index) => ({ job, ...progress[index]!, isCompleted: completes }));
  const sourceAmounts = steps.map(({ job, sentAmount }) => sentAmount - job.sentAmount);
  const results = fulfilled.map(({ packet }, index) => ({ ...packet, sourceAmount: sourceAmounts[index]! }));
  const transfers = fulfilled.flatMap((packet, index) => transfersFor(packet, sourceAmounts[index]!));
  const [, , booked] = await Promise.all([
    advanceJobs(tx, ase, steps),
    resolveFulfilled(tx, ase, results),
    bookTransfers(tx, ase, now, transfers),
  ]);
  if (!booked) throw new Error('the transfer of a packet that was not resolved is booked already');
  return progress;
}
