/**
 * The packets of an outgoing payment. Each is stored before it is sent, and its answer is booked with its row. The
 * first of a turn is alone in flight: it finds out how much the peer takes, and reserves room at the receiver for the
 * rest. Once it has arrived, several are in flight at once (ILP-11).
 */
import { assertOutsideTransaction } from '../../database/database.ts';
import type { Connector } from '../ilp/connector.ts';
import { MAX_PACKETS_SENT, maxPacketIn, type Peer, packetsFor } from '../ilp/link.ts';
import { type OutgoingPacket, readUnresolvedPackets, resolveRejected } from '../ilp/packet-journal.ts';
import { connectionAddress, createStreamPrepare, type PacketAnswer, readPacketAnswer } from '../ilp/stream-sender.ts';
import { isInsufficient } from '../ledger.ts';
import type { Receiver } from '../receiver.ts';
import type { Bookings } from './bookings.ts';
import { type Failed, type FailPaymentContext, failPayment, type Reason } from './fail.ts';
import { keepInFlight, type PeerTraffic } from './in-flight.ts';
import type { Job } from './job.ts';
import { lockJob } from './job-progress.ts';
import { sourceAmountFor } from './transfers.ts';

export interface SendPacketsContext extends FailPaymentContext {
  readonly connector: Connector;
  readonly packetLifetimeMs: number;
  /** Packets, and time, after which a payment lets others take its slot. */
  readonly maxPacketsPerTurn: number;
  readonly maxTurnMs: number;
  /** Packets of a payment that are in flight at once. */
  readonly maxInFlight: number;
  /** Packets in flight to a peer above which a payment that has one keeps to it. */
  readonly maxInFlightToPeer: number;
  readonly traffic: PeerTraffic;
  readonly bookings: Bookings;
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

type Attempt = 'first' | 'replay';
/** A packet that completes the payment was fulfilled. */
type Answer = PacketAnswer | { readonly kind: 'unsent' } | { readonly kind: 'completed' };

const IN_DOUBT: Outcome = { kind: 'retry', reason: 'packet in doubt' };

/** Every payment may have one packet in flight, so that none waits for the answers to another's. */
function hasRoom({ maxInFlight, maxInFlightToPeer, traffic }: SendPacketsContext, peer: Peer, inFlight: number) {
  if (inFlight === 0) return true;
  return inFlight < maxInFlight && traffic.inFlightTo(peer.name) < maxInFlightToPeer && !peer.link.isOneByOne?.();
}

/**
 * Gives a stored packet to the link. To a peer that may deliver a copy again none is sent: the packet stays in doubt. A
 * packet to a peer that was removed before the first copy left is not sent.
 */
async function transmit(
  { connector, failpoint, log, traffic }: SendPacketsContext,
  job: Job,
  packet: OutgoingPacket,
  attempt: Attempt,
): Promise<Answer> {
  const peer = connector.peerNamed(packet.peer);
  if (!peer) return { kind: attempt === 'first' ? 'unsent' : 'unknown' };
  if (attempt === 'replay' && peer.answersRepeats === false) return { kind: 'unknown' };
  const sending = peer.link
    .send(job.receive.asset, packet.prepare, () => failpoint('packet-sent'))
    .catch((error) => log?.warn({ err: error, payment: job.id, peer: peer.name }, 'no answer to a packet'));
  const reply = await traffic.track(peer.name, sending);
  return reply ? readPacketAnswer(reply, packet.condition, packet.amount) : { kind: 'unknown' };
}

/**
 * Records the result of a packet and returns it. After a copy that got no answer only two answers are final: a Fulfill,
 * and R00, by which the receiver promises that no copy will be booked any more. Any other Reject may be overtaken by a
 * copy that is still in flight. The link authenticates the peer, so a Reject is the peer's word whichever node
 * triggered it.
 */
async function bookAnswer(
  { db, failpoint, bookings }: SendPacketsContext,
  job: Job,
  packet: OutgoingPacket,
  { attempt, answer }: { readonly attempt: Attempt; readonly answer: Answer },
): Promise<Answer> {
  if (answer.kind !== 'unsent') failpoint('packet-answered');
  if (answer.kind === 'unknown') return answer;
  if (answer.kind === 'fulfilled') {
    const completes = job.deliveredAmount + packet.amount === job.receive.value;
    const progress = await bookings.bookFulfilled({ job, packet, completes });
    Object.assign(job, progress);
    failpoint('packet-booked');
    return completes ? { kind: 'completed' } : answer;
  }
  if (answer.kind === 'rejected' && attempt === 'replay' && answer.code !== 'R00') return { kind: 'unknown' };
  await db.transaction(async (tx) => {
    await lockJob(tx, job);
    await resolveRejected(tx, job.ase, packet);
  });
  return answer;
}

/** Sends the packets again that an earlier attempt left in doubt; returns an outcome if one of them remains so. */
export async function replayPacketsInDoubt(context: SendPacketsContext, job: Job): Promise<Outcome | undefined> {
  const packets = await readUnresolvedPackets(context.db.query, job.ase, job.id);
  let outcome: Outcome | undefined;
  await keepInFlight<OutgoingPacket, Answer>({
    hasRoom(inFlight) {
      const peer = packets[0] && context.connector.peerNamed(packets[0].peer);
      return peer ? hasRoom(context, peer, inFlight) : inFlight === 0;
    },
    async prepare() {
      if (packets.length > 0 && context.isStopping()) outcome ??= { kind: 'handed-back' };
      if (outcome) return undefined;
      assertOutsideTransaction('an ILP packet');
      return packets.shift();
    },
    send: (packet) => transmit(context, job, packet, 'replay'),
    async book(packet, answer) {
      const { kind } = await bookAnswer(context, job, packet, { attempt: 'replay', answer });
      if (kind === 'unknown') outcome = IN_DOUBT;
      if (kind === 'completed') outcome = { kind: 'completed' };
    },
  });
  return outcome;
}

/** Why no further packet is sent in a turn. */
type Stop = Outcome | { readonly kind: 'in-doubt' };

/** A payment in doubt cannot fail, and one that fails need not be tried again. */
const stopsByWeight: readonly Stop['kind'][] = ['handed-back', 'retry', 'failed', 'in-doubt', 'completed'];

interface Turn {
  readonly ilp: NonNullable<Receiver['ilp']>;
  readonly peer: Peer;
  readonly startedAt: number;
  readonly lastSequence: number;
  sequence: number;
  /** The largest packet that the peer takes, as far as is known. */
  largestAmount: bigint;
  /** True if the last answers were F08. */
  wasTooLarge: boolean;
  /** True if the last answer was a Fulfill: several packets may be in flight. */
  isOpen: boolean;
  amountInFlight: bigint;
  stop: Stop | undefined;
}

/** The weightier of two reasons. */
function weightier(one: Stop | undefined, other: Stop | undefined): Stop | undefined {
  const weightOf = (stop: Stop | undefined) => (stop ? stopsByWeight.indexOf(stop.kind) : -1);
  return weightOf(other) > weightOf(one) ? other : one;
}

function isTurnOver({ clock, maxPacketsPerTurn, maxTurnMs }: SendPacketsContext, turn: Turn): boolean {
  const sent = turn.sequence - turn.lastSequence;
  return sent > 0 && (sent >= maxPacketsPerTurn || clock.wallNow() - turn.startedAt >= maxTurnMs);
}

/** The next packet, stored; undefined if there is none, or if the turn ends here. */
async function prepareNext(context: SendPacketsContext, job: Job, turn: Turn): Promise<OutgoingPacket | undefined> {
  // A packet in flight may arrive: its amount is sent again only if it is rejected.
  const missing = job.receive.value - job.deliveredAmount - turn.amountInFlight;
  if (turn.stop || missing === 0n) return undefined;
  const { largestAmount } = turn;
  const sequence = turn.sequence + 1;
  if (context.isStopping() || isTurnOver(context, turn)) turn.stop = { kind: 'handed-back' };
  else if (BigInt(sequence) + packetsFor(missing, largestAmount) > MAX_PACKETS_SENT) {
    turn.stop = { kind: 'failed', reason: 'too_many_packets' };
  }
  if (turn.stop) return undefined;
  const amount = missing < largestAmount ? missing : largestAmount;
  turn.sequence = sequence;
  try {
    const packet = await preparePacket(context, job, turn, amount);
    turn.amountInFlight += amount;
    return packet;
  } catch (error) {
    if (!isInsufficient(error)) throw error;
    turn.stop = { kind: 'failed', reason: 'insufficient_funds' };
    return undefined;
  }
}

/**
 * Creates a Prepare and stores it in the journal, with the hold if the debit is not held yet: throws
 * `insufficient_funds` then. Only a packet that stays alone in flight says how much is to follow:
 * one that others may join could arrive before or after them.
 */
async function preparePacket(
  { clock, failpoint, packetLifetimeMs, bookings }: SendPacketsContext,
  job: Job,
  { ilp, peer, sequence, amountInFlight, isOpen }: Turn,
  amount: bigint,
): Promise<OutgoingPacket> {
  assertOutsideTransaction('an ILP packet');
  const expiresAt = clock.wallNow() + packetLifetimeMs;
  const { prepare, condition } = await createStreamPrepare({
    ...{ sequence, amount, expiresAt, sharedSecret: ilp.sharedSecret },
    address: connectionAddress(ilp.address, `${job.ase}/${job.id}`),
    ...(!isOpen && { total: job.receive.value, delivered: job.deliveredAmount }),
  });
  const before = job.deliveredAmount + amountInFlight;
  const packet: OutgoingPacket = {
    paymentId: job.id,
    condition: condition.toString('base64url'),
    sequence,
    peer: peer.name,
    prepare,
    sourceAmount: sourceAmountFor(job, before + amount) - sourceAmountFor(job, before),
    amount,
  };
  const isFirst = !job.funded;
  await bookings.storePacket({ job, packet });
  job.funded = true;
  if (isFirst) failpoint('hold-stored');
  failpoint('prepare-stored');
  return packet;
}

/** Notes what an answer means for the rest of the turn; returns why it ends, if it does. */
function applyAnswer(turn: Turn, { amount }: OutgoingPacket, answer: Answer): Stop | undefined {
  turn.amountInFlight -= amount;
  turn.isOpen = answer.kind === 'fulfilled';
  if (answer.kind === 'completed') return { kind: 'completed' };
  if (answer.kind === 'unknown') return { kind: 'in-doubt' };
  // The next turn finds another route or none.
  if (answer.kind === 'unsent') return { kind: 'handed-back' };
  if (answer.kind === 'fulfilled') {
    turn.wasTooLarge = false;
    return undefined;
  }
  const { code, message: detail } = answer;
  if (answer.largestAmount !== undefined) {
    turn.largestAmount = shrink(turn, amount, answer.largestAmount);
    turn.wasTooLarge = true;
    if (turn.largestAmount > 0n) return undefined;
  }
  if (!code.startsWith('F')) return { kind: 'retry', reason: `packet rejected with ${code}`, detail };
  return { kind: 'failed', reason: `packet_rejected_${code}`, detail };
}

/** The largest packet after an F08 to one of `amount`, which may have been sent before the last F08 was known. */
function shrink({ largestAmount, wasTooLarge }: Turn, amount: bigint, maximum: bigint): bigint {
  if (amount > largestAmount) return maximum < largestAmount ? maximum : largestAmount;
  // If the peer rejects its own F08 maximum, halve the amount instead of following it down unit by unit.
  const half = amount / 2n;
  return wasTooLarge && half < maximum ? half : maximum;
}

/** Sends packets until the whole amount has arrived or the turn is over; returns an outcome only if it stops before. */
export async function sendPackets(
  context: SendPacketsContext,
  job: Job,
  { ilp, peer, lastSequence }: Pick<Turn, 'ilp' | 'peer' | 'lastSequence'>,
): Promise<Outcome | undefined> {
  const turn: Turn = {
    ...{ ilp, peer, lastSequence, sequence: lastSequence, startedAt: context.clock.wallNow() },
    ...{ largestAmount: maxPacketIn(peer, job.receive.asset), wasTooLarge: false, isOpen: false },
    ...{ amountInFlight: 0n, stop: undefined },
  };
  await keepInFlight<OutgoingPacket, Answer>({
    hasRoom: (inFlight) => (inFlight === 0 || turn.isOpen) && hasRoom(context, peer, inFlight),
    prepare: () => prepareNext(context, job, turn),
    send: (packet) => transmit(context, job, packet, 'first'),
    async book(packet, answer) {
      const result = await bookAnswer(context, job, packet, { attempt: 'first', answer });
      turn.stop = weightier(turn.stop, applyAnswer(turn, packet, result));
    },
  });
  const { stop } = turn;
  if (stop?.kind === 'failed') return failPayment(context, job, stop);
  return stop?.kind === 'in-doubt' ? IN_DOUBT : stop;
}
