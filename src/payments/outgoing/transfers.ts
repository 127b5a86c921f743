/**
 * The transfers of an outgoing payment. In the payer's asset: debit = sent + fee + refund. In the receiver's: what was
 * delivered. The exchange account takes the one and gives the other (SET-07). A positive sum on an account is what the
 * ASE owes its owner, so the peer accounts of two ASEs are each other's negative.
 */
import type { Transaction } from '../../database/database.ts';
import type { OutgoingPacket } from '../ilp/packet-journal.ts';
import { bookTransfer, type Entry, internalAccountId } from '../ledger.ts';
import { type Job, updateJob } from './job.ts';

const holdAccount = (job: Job) => internalAccountId('hold', job.debit.asset);

/** Part of the debit that is there to be sent. */
const sendable = (job: Job): bigint => job.debit.value - job.fee;

/**
 * The part of the debit that has been sent once `delivered` of the receive amount has arrived. It is computed from the
 * total, never packet by packet, so rounding errors do not add up and the last packet makes both amounts exact.
 */
export function sourceAmountFor(job: Job, delivered: bigint): bigint {
  return delivered === job.receive.value ? sendable(job) : (delivered * sendable(job)) / job.receive.value;
}

export const holdDebit = (job: Job): Entry[] => [
  { accountId: job.payerAccountId, amount: -job.debit.value },
  { accountId: holdAccount(job), amount: job.debit.value },
];

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

export const takeFee = (job: Job): Entry[] => [
  { accountId: holdAccount(job), amount: -job.fee },
  { accountId: internalAccountId('fee', job.debit.asset), amount: job.fee },
];

/** All that was not sent, the fee included (SET-12). */
export function refund(job: Job): Entry[] {
  const unsent = job.debit.value - job.sentAmount;
  return [
    { accountId: holdAccount(job), amount: -unsent },
    { accountId: job.payerAccountId, amount: unsent },
  ];
}

/** Books a packet that arrived: the peer gets what it paid out. Returns how far the payment is then. */
export async function bookFulfilled(
  tx: Transaction,
  job: Job,
  { condition, peer, sourceAmount, amount }: OutgoingPacket,
  now: number,
): Promise<{ sentAmount: bigint; deliveredAmount: bigint; attempts: number }> {
  const sentAmount = job.sentAmount + sourceAmount;
  const progress = { sentAmount, deliveredAmount: job.deliveredAmount + amount, attempts: 0 };
  await updateJob(tx, job, progress);
  await bookTransfer(tx, job.ase, `packet:${condition}:out`, now, [
    ...exchangeEntries(job, sourceAmount, amount),
    { accountId: internalAccountId('peer', job.receive.asset, peer), amount },
  ]);
  return progress;
}
