/**
 * Sends one outgoing payment: hold → packets in doubt from an earlier attempt → receiver → packets → end. Every step is
 * committed before the next begins, so a crash anywhere loses nothing (ILP-11, SET-07).
 */
import { assertOutsideTransaction } from '../../database/database.ts';
import { Problem } from '../../errors.ts';
import { sameAsset } from '../../open-payments/amount.ts';
import { readLastSequence } from '../ilp/packet-journal.ts';
import { creditIncomingPayment, lockCreditable } from '../incoming/credit.ts';
import { isInsufficient } from '../ledger.ts';
import type { ReadReceiver, Receiver } from '../receiver.ts';
import { type Failed, failPayment } from './fail.ts';
import type { Job } from './job.ts';
import { COMPLETED, updateJob } from './job-progress.ts';
import { type Outcome, replayPacketsInDoubt, type SendPacketsContext, sendPackets } from './send-packets.ts';
import {
  bookFee,
  bookHold,
  bookWithAccounts,
  deliveryIdOf,
  exchangeEntries,
  feeTransfers,
  sourceAmountFor,
} from './transfers.ts';

export interface SendPaymentContext extends SendPacketsContext {
  readonly readReceiver: ReadReceiver;
  /** The receiver as it was a moment ago, if it was read then. */
  readonly recentReceiver?: ((url: string) => Receiver | undefined) | undefined;
}

/** Returns false if the payer has insufficient funds. */
async function holdFunds({ db, clock }: SendPaymentContext, job: Job): Promise<boolean> {
  try {
    await bookWithAccounts(db, { job }, (tx) => bookHold(tx, job, clock.businessNow()));
  } catch (error) {
    if (isInsufficient(error)) return false;
    throw error;
  }
  job.funded = true;
  return true;
}

/** Why the receiver cannot take the missing amount; undefined if it can. */
function receiverProblem(receiver: Receiver, job: Job): Failed | undefined {
  if (!sameAsset(receiver.asset, job.receive.asset)) return { kind: 'failed', reason: 'receiver_asset_changed' };
  if (receiver.completed) return { kind: 'failed', reason: 'receiver_closed' };
  const missing = job.receive.value - job.deliveredAmount;
  if (receiver.incomingAmount !== undefined && receiver.receivedAmount + missing > receiver.incomingAmount) {
    return { kind: 'failed', reason: 'receiver_amount_exceeded' };
  }
  return undefined;
}

/** The receiver, or why it cannot take the missing amount. */
async function fetchReceiver(context: SendPaymentContext, job: Job): Promise<Receiver | Outcome> {
  assertOutsideTransaction('reading the receiver');
  try {
    const receiver = await context.readReceiver(job.receiver);
    return receiverProblem(receiver, job) ?? receiver;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const why = { reason: error.code, detail: error.detail };
    return { kind: error.code === 'invalid_receiver' ? 'failed' : 'retry', ...why };
  }
}

/** The receiver, if it was read a moment ago and nothing keeps a packet from being sent to it. */
function findRecentReceiver({ recentReceiver, connector }: SendPaymentContext, job: Job): Receiver | undefined {
  const receiver = recentReceiver?.(job.receiver);
  if (!receiver?.ilp || receiverProblem(receiver, job)) return undefined;
  return connector.peerFor(receiver.ilp.address) && receiver;
}

/** Pays an incoming payment of this ASE from the hold, and completes the payment. */
async function payFromHold(
  { db, clock, announce }: SendPaymentContext,
  job: Job,
  incomingPaymentId: string,
): Promise<void> {
  const now = clock.businessNow();
  const amount = job.receive.value;
  const sentAmount = sourceAmountFor(job, amount);
  await bookWithAccounts(db, { job }, async (tx) => {
    await updateJob(tx, job, { sentAmount, deliveredAmount: amount, ...COMPLETED });
    const incomingPayment = await lockCreditable(tx, job.ase, incomingPaymentId);
    if (!incomingPayment) throw new Problem('unknown_incoming_payment');
    if (!sameAsset(incomingPayment.asset, job.receive.asset)) throw new Problem('receiver_asset_changed');
    await creditIncomingPayment(tx, incomingPayment, {
      amount,
      paidBy: exchangeEntries(job, sentAmount, amount),
      transferId: deliveryIdOf(job),
      alongside: feeTransfers(job, amount),
      claim: { wallNow: clock.wallNow() },
      now,
      announce,
    });
    await announce(tx, 'outgoing_payment.completed', job.id);
  });
}

/** Pays an incoming payment of this ASE from the hold. */
async function deliverLocally(context: SendPaymentContext, job: Job, incomingPaymentId: string): Promise<Outcome> {
  try {
    await payFromHold(context, job, incomingPaymentId);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.code === 'incoming_amount_reserved') return { kind: 'retry', reason: error.code };
    return failPayment(context, job, { reason: error.code });
  }
  context.failpoint('job-done');
  return { kind: 'completed' };
}

/** One attempt. Fails the payment only when no packet is in doubt. Throws LeaseLost. */
export async function sendPayment(context: SendPaymentContext, job: Job): Promise<Outcome> {
  const { db, clock, connector, failpoint } = context;

  // ── Hold the debit (RS-OP-23): together with the first packet if that can be sent at once
  const isFirstAttempt = !job.funded;
  const recent = isFirstAttempt ? findRecentReceiver(context, job) : undefined;
  if (isFirstAttempt && !recent) {
    const isFunded = await holdFunds(context, job);
    if (!isFunded) return failPayment(context, job, { reason: 'insufficient_funds' });
    failpoint('hold-stored');
  }

  // ── Resolve the packets that an earlier attempt left in doubt, before sending anything new
  const doubt = isFirstAttempt ? undefined : await replayPacketsInDoubt(context, job);
  if (doubt?.kind === 'completed') failpoint('job-done');
  if (doubt) return doubt;

  // ── Deliver what is missing
  if (job.deliveredAmount < job.receive.value) {
    const receiver = recent ?? (await fetchReceiver(context, job));
    if ('kind' in receiver) return receiver.kind === 'failed' ? failPayment(context, job, receiver) : receiver;
    if (receiver.localIncomingPaymentId !== undefined) {
      return deliverLocally(context, job, receiver.localIncomingPaymentId);
    }
    const peer = receiver.ilp && connector.peerFor(receiver.ilp.address);
    if (!receiver.ilp || !peer) return failPayment(context, job, { reason: 'no_route' });
    if (peer.name !== job.peer) await updateJob(db.query, job, { peer: peer.name });
    const lastSequence = isFirstAttempt ? 0 : await readLastSequence(db.query, job.ase, job.id);
    const outcome = await sendPackets(context, job, { ilp: receiver.ilp, peer, lastSequence });
    if (outcome?.kind === 'completed') failpoint('job-done');
    if (outcome) return outcome;
  }

  // ── Complete
  await bookWithAccounts(db, { job }, async (tx) => {
    await updateJob(tx, job, COMPLETED);
    await bookFee(tx, job, job.deliveredAmount, clock.businessNow());
    await context.announce(tx, 'outgoing_payment.completed', job.id);
  });
  failpoint('job-done');
  return { kind: 'completed' };
}
