/**
 * Sends one outgoing payment: hold → packets in doubt from an earlier attempt → receiver → packets → end. Every step is
 * committed before the next begins, so a crash anywhere loses nothing (ILP-11, SET-07).
 */
import { assertOutsideTransaction, type Database } from '../../database/database.ts';
import { Problem } from '../../errors.ts';
import { sameAsset } from '../../open-payments/amount.ts';
import type { Connector } from '../ilp/connector.ts';
import { MAX_PACKETS_SENT, maxPacketIn, type Peer, packetsFor } from '../ilp/link.ts';
import {
  type OutgoingPacket,
  readLastSequence,
  readUnresolvedPackets,
  resolvePacket,
  storePreparedPacket,
} from '../ilp/packet-journal.ts';
import { connectionAddress, createStreamPrepare, type PacketAnswer, readPacketAnswer } from '../ilp/stream-sender.ts';
import { creditIncomingPayment, lockCreditable } from '../incoming/credit.ts';
import { bookTransfer, openInternalAccount, openInternalAccounts } from '../ledger.ts';
import type { ReadReceiver, Receiver } from '../receiver.ts';
import { type Failed, type FailPaymentContext, failPayment, type Reason } from './fail.ts';
import { type Job, updateJob } from './job.ts';
import { bookFee, bookFulfilled, exchangeEntries, holdDebit, sourceAmountFor } from './transfers.ts';

export interface SendPaymentContext extends FailPaymentContext {
  readonly connector: Connector;
  readonly readReceiver: ReadReceiver;
  readonly packetLifetimeMs: number;
  /** Packets, and time, after which a payment lets others take its slot. */
  readonly maxPacketsPerTurn: number;
  readonly maxTurnMs: number;
  /** True if the payment is to be handed back before the next packet. */
  readonly isStopping: () => boolean;
}

export type Outcome =
  | { readonly kind: 'completed' }
  | Failed
  /** Nothing is lost; the payment is due again later. */
  | ({ readonly kind: 'retry' } & Reason)
  /** Nothing is wrong; the payment is due again at once, after those that wait. */
  | { readonly kind: 'handed-back' };

/** Returns false if the payer has insufficient funds. */
async function holdFunds({ db, clock }: SendPaymentContext, job: Job): Promise<boolean> {
  const { ase } = job;
  await openInternalAccounts(db.query, ase, [
    { kind: 'hold', asset: job.debit.asset },
    { kind: 'fee', asset: job.debit.asset },
    { kind: 'exchange', asset: job.debit.asset },
    { kind: 'exchange', asset: job.receive.asset },
  ]);
  try {
    await db.transaction(async (tx) => {
      await updateJob(tx, job, { funded: true });
      await bookTransfer(tx, ase, `outgoing:${job.id}:hold`, clock.businessNow(), holdDebit(job));
    });
  } catch (error) {
    if (error instanceof Problem && error.code === 'insufficient_funds') return false;
    throw error;
  }
  job.funded = true;
  return true;
}

/** The receiver, or why it cannot take the missing amount. */
async function fetchReceiver(context: SendPaymentContext, job: Job): Promise<Receiver | Outcome> {
  assertOutsideTransaction('reading the receiver');
  try {
    const receiver = await context.readReceiver(job.receiver);
    if (!sameAsset(receiver.asset, job.receive.asset)) return { kind: 'failed', reason: 'receiver_asset_changed' };
    if (receiver.completed) return { kind: 'failed', reason: 'receiver_closed' };
    const missing = job.receive.value - job.deliveredAmount;
    if (receiver.incomingAmount !== undefined && receiver.receivedAmount + missing > receiver.incomingAmount) {
      return { kind: 'failed', reason: 'receiver_amount_exceeded' };
    }
    return receiver;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const why = { reason: error.code, detail: error.detail };
    return { kind: error.code === 'invalid_receiver' ? 'failed' : 'retry', ...why };
  }
}

const recordRejected = (db: Database, job: Job, packet: OutgoingPacket): Promise<void> =>
  db.transaction(async (tx) => {
    await updateJob(tx, job, {});
    await resolvePacket(tx, job.ase, packet, 'rejected');
  });

/**
 * Sends a stored packet and records its result. After a copy that got no answer only two answers are final: a
 * Fulfill, and R00, by which the receiver promises that no copy will be booked any more. Any other Reject may be
 * overtaken by a copy that is still in flight. To a peer that may deliver a copy again none is sent: the packet stays
 * in doubt. The link authenticates the peer, so a Reject is the peer's word whichever node triggered it. A packet to
 * a peer that has been removed before the first copy was sent is rejected here.
 */
async function sendPacket(
  { db, clock, connector, failpoint, log }: SendPaymentContext,
  job: Job,
  packet: OutgoingPacket,
  attempt: 'first' | 'replay',
): Promise<PacketAnswer | { readonly kind: 'unsent' }> {
  const peer = connector.peerNamed(packet.peer);
  if (!peer) {
    if (attempt === 'first') await recordRejected(db, job, packet);
    return { kind: attempt === 'first' ? 'unsent' : 'unknown' };
  }
  if (attempt === 'replay' && peer.answersRepeats === false) return { kind: 'unknown' };
  assertOutsideTransaction('an ILP packet');
  const reply = await peer.link
    .send(job.receive.asset, packet.prepare, () => failpoint('packet-sent'))
    .catch((error) => log?.warn({ err: error, payment: job.id, peer: peer.name }, 'no answer to a packet'));
  failpoint('packet-answered');
  const answer = reply ? readPacketAnswer(reply, packet.condition, packet.amount) : { kind: 'unknown' as const };
  if (answer.kind === 'unknown') return answer;
  if (answer.kind === 'rejected') {
    if (attempt === 'replay' && answer.code !== 'R00') return { kind: 'unknown' };
    await recordRejected(db, job, packet);
    return answer;
  }
  const progress = await db.transaction(async (tx) => {
    const booked = await bookFulfilled(tx, job, packet, clock.businessNow());
    await resolvePacket(tx, job.ase, packet, 'fulfilled');
    return booked;
  });
  Object.assign(job, progress);
  failpoint('packet-booked');
  return answer;
}

/** Pays an incoming payment of this ASE in one transaction: from the hold to the payee, and the end. */
async function deliverLocally(context: SendPaymentContext, job: Job, incomingPaymentId: string): Promise<Outcome> {
  const { db, clock, failpoint } = context;
  const now = clock.businessNow();
  const amount = job.receive.value;
  const sentAmount = sourceAmountFor(job, amount);
  try {
    await db.transaction(async (tx) => {
      const done = { sentAmount, deliveredAmount: amount, state: 'completed', nextAttemptAt: null } as const;
      await updateJob(tx, job, done);
      const incomingPayment = await lockCreditable(tx, job.ase, incomingPaymentId);
      if (!incomingPayment) throw new Problem('unknown_incoming_payment');
      await creditIncomingPayment(tx, incomingPayment, {
        amount,
        paidBy: exchangeEntries(job, sentAmount, amount),
        transferId: `outgoing:${job.id}:delivery`,
        claim: { wallNow: clock.wallNow() },
        now,
        announce: context.announce,
      });
      await bookFee(tx, job, amount, now);
      await context.announce(tx, 'outgoing_payment.completed', job.id);
    });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.code === 'incoming_amount_reserved') return { kind: 'retry', reason: error.code };
    return failPayment(context, job, { reason: error.code });
  }
  failpoint('job-done');
  return { kind: 'completed' };
}

/** Sends packets until the whole amount has arrived or the turn is over; returns an outcome only if it stops before. */
async function sendPackets(
  context: SendPaymentContext,
  job: Job,
  ilp: NonNullable<Receiver['ilp']>,
  peer: Peer,
  lastSequence: number,
): Promise<Outcome | undefined> {
  const startedAt = context.clock.wallNow();
  const isTurnOver = (sequence: number) =>
    sequence > lastSequence + context.maxPacketsPerTurn || context.clock.wallNow() - startedAt >= context.maxTurnMs;
  let largestAmount = maxPacketIn(peer, job.receive.asset);
  let wasTooLarge = false;
  for (let sequence = lastSequence + 1; job.deliveredAmount < job.receive.value; sequence += 1) {
    if (context.isStopping()) return { kind: 'handed-back' };
    if (sequence > lastSequence + 1 && isTurnOver(sequence)) return { kind: 'handed-back' };
    const missing = job.receive.value - job.deliveredAmount;
    if (BigInt(sequence) + packetsFor(missing, largestAmount) > MAX_PACKETS_SENT) {
      return failPayment(context, job, { reason: 'too_many_packets' });
    }
    const amount = missing < largestAmount ? missing : largestAmount;
    const packet = await preparePacket(context, job, ilp, peer, { sequence, amount });
    const answer = await sendPacket(context, job, packet, 'first');
    if (answer.kind === 'unknown') return { kind: 'retry', reason: 'packet in doubt' };
    // The next turn finds another route or none.
    if (answer.kind === 'unsent') return { kind: 'handed-back' };
    if (answer.kind === 'fulfilled') {
      wasTooLarge = false;
      continue;
    }
    const { code, message: detail } = answer;
    if (answer.largestAmount !== undefined) {
      // If the peer rejects its own F08 maximum, halve the amount instead of following it down unit by unit.
      const half = amount / 2n;
      largestAmount = wasTooLarge && half < answer.largestAmount ? half : answer.largestAmount;
      wasTooLarge = true;
      if (largestAmount > 0n) continue;
    }
    if (!code.startsWith('F')) return { kind: 'retry', reason: `packet rejected with ${code}`, detail };
    return failPayment(context, job, { reason: `packet_rejected_${code}`, detail });
  }
  return undefined;
}

/** Creates a Prepare and stores it in the journal. */
async function preparePacket(
  { db, clock, failpoint, packetLifetimeMs }: SendPaymentContext,
  job: Job,
  ilp: NonNullable<Receiver['ilp']>,
  peer: Peer,
  { sequence, amount }: { readonly sequence: number; readonly amount: bigint },
): Promise<OutgoingPacket> {
  const expiresAt = clock.wallNow() + packetLifetimeMs;
  const { prepare, condition } = await createStreamPrepare({
    ...{ sequence, amount, expiresAt, sharedSecret: ilp.sharedSecret },
    address: connectionAddress(ilp.address, `${job.ase}/${job.id}`),
    total: job.receive.value,
    delivered: job.deliveredAmount,
  });
  const packet: OutgoingPacket = {
    paymentId: job.id,
    condition: condition.toString('base64url'),
    sequence,
    peer: peer.name,
    prepare,
    sourceAmount: sourceAmountFor(job, job.deliveredAmount + amount) - job.sentAmount,
    amount,
  };
  await db.transaction(async (tx) => {
    await updateJob(tx, job, {});
    await storePreparedPacket(tx, job.ase, packet, clock.wallNow());
  });
  failpoint('prepare-stored');
  return packet;
}

/** One attempt. Fails the payment only when no packet is in doubt. Throws LeaseLost. */
export async function sendPayment(context: SendPaymentContext, job: Job): Promise<Outcome> {
  const { db, clock, connector, failpoint } = context;

  // ── Hold the debit (RS-OP-23)
  const isFirstAttempt = !job.funded;
  if (isFirstAttempt) {
    const isFunded = await holdFunds(context, job);
    if (!isFunded) return failPayment(context, job, { reason: 'insufficient_funds' });
    failpoint('hold-stored');
  }

  // ── Resolve the packets that an earlier attempt left in doubt, before sending anything new
  for (const packet of isFirstAttempt ? [] : await readUnresolvedPackets(db.query, job.ase, job.id)) {
    if ((await sendPacket(context, job, packet, 'replay')).kind === 'unknown') {
      return { kind: 'retry', reason: 'packet in doubt' };
    }
  }

  // ── Deliver what is missing
  if (job.deliveredAmount < job.receive.value) {
    const receiver = await fetchReceiver(context, job);
    if ('kind' in receiver) return receiver.kind === 'failed' ? failPayment(context, job, receiver) : receiver;
    if (receiver.localIncomingPaymentId !== undefined) {
      return deliverLocally(context, job, receiver.localIncomingPaymentId);
    }
    const peer = receiver.ilp && connector.peerFor(receiver.ilp.address);
    if (!receiver.ilp || !peer) return failPayment(context, job, { reason: 'no_route' });
    await openInternalAccount(db.query, job.ase, 'peer', job.receive.asset, peer.name);
    if (peer.name !== job.peer) await updateJob(db.query, job, { peer: peer.name });
    const sequence = isFirstAttempt ? 0 : await readLastSequence(db.query, job.ase, job.id);
    const outcome = await sendPackets(context, job, receiver.ilp, peer, sequence);
    if (outcome) return outcome;
  }

  // ── Complete
  await db.transaction(async (tx) => {
    await updateJob(tx, job, { state: 'completed', nextAttemptAt: null });
    await bookFee(tx, job, job.deliveredAmount, clock.businessNow());
    await context.announce(tx, 'outgoing_payment.completed', job.id);
  });
  failpoint('job-done');
  return { kind: 'completed' };
}
