/**
 * The stateless receiving end of STREAM (ILP-0029 §4–6): all it needs is in the packet's address and in the database,
 * so any process can answer any packet (ILP-01, ILP-17).
 */
import type { IlpPrepare } from 'ilp-packet';
import type { Clock } from '../../clock.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { shareTransactions } from '../../database/shared-transactions.ts';
import { type Asset, MAX_AMOUNT, sameAsset } from '../../open-payments/amount.ts';
import {
  afterCredit,
  type CreditableIncomingPayment,
  creditIncomingPayment,
  creditProblem,
  findCreditable,
  lockCreditable,
  lockCreditables,
  releaseRoom,
  storeCredited,
} from '../incoming/credit.ts';
import type { Claim } from '../incoming/reservations.ts';
import {
  bookTransfers,
  internalAccountId,
  isAccountMissing,
  lockPeerBalance,
  openInternalAccount,
  type Transfer,
} from '../ledger.ts';
import type { Failpoint } from '../outgoing/failpoint.ts';
import { type AnnouncePayment, announceNothing } from '../payment-event.ts';
import { amountTooLarge, ilpReject } from './ilp-reply.ts';
import { maxPacketIn, type Peer } from './link.ts';
import { findReply, type StoredReply, storeReplies } from './packet-journal.ts';
import {
  bringsMoney,
  type ConnectionOptions,
  openStreamRequest,
  type ReceivedPacket,
  resolveConnection,
  type StreamRequest,
} from './stream-request.ts';

export interface StreamReceiverOptions extends ConnectionOptions {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly failpoint: Failpoint;
  readonly announce?: AnnouncePayment;
}

export interface StreamReceiver {
  /** Answers a Prepare whose amount is in units of `asset`, as Connector.receive does. */
  receive(from: Peer, asset: Asset, prepare: IlpPrepare): Promise<Buffer>;
}

const isExpired = ({ clock }: StreamReceiverOptions, { prepare }: ReceivedPacket): boolean =>
  clock.wallNow() >= prepare.expiresAt.getTime();

/**
 * A condition identifies one packet: a copy gets the stored answer, from whichever peer and however late. Only a Reject
 * becomes R00 once the packet has expired, which promises that no copy of it will ever be booked (ILP-18).
 */
function repeat(options: StreamReceiverOptions, packet: ReceivedPacket, stored: StoredReply): Buffer {
  const { prefix } = options;
  if (!stored.isFulfilled && isExpired(options, packet)) return ilpReject('R00', prefix, 'packet expired');
  return stored.amount === packet.amount ? stored.reply : ilpReject('F00', prefix, 'condition of another packet');
}

/** The Reject of an expired packet, by wall time (ILP-17), and of one that the link does not carry. */
function rejectEarly(options: StreamReceiverOptions, packet: ReceivedPacket): Buffer | undefined {
  const { amount, from, asset } = packet;
  const maximum = maxPacketIn(from, asset);
  if (isExpired(options, packet)) return ilpReject('R00', options.prefix, 'packet expired');
  return amount > maximum ? amountTooLarge(options.prefix, amount, maximum) : undefined;
}

const claimOf = ({ clock }: StreamReceiverOptions, { connection, request }: StreamRequest): Claim => ({
  connection,
  outstanding: request.outstanding,
  wallNow: clock.wallNow(),
});

/** The Reject of a packet that the payment cannot be credited with (ILP-07, ILP-19, ILP-20); undefined if it can. */
async function findRejection(
  options: StreamReceiverOptions,
  packet: StreamRequest,
  payment: CreditableIncomingPayment,
): Promise<Buffer | undefined> {
  const { clock, prefix } = options;
  const { asset, amount, request, decline } = packet;
  const early = rejectEarly(options, packet);
  if (early) return early;
  if (!sameAsset(payment.asset, asset)) return ilpReject('F00', prefix, 'packet in another asset than the receiver’s');
  if (request.closesConnection) return decline('connection closed', { asset, closeConnection: true });
  const problem = creditProblem(payment, amount, clock.businessNow(), claimOf(options, packet));
  if (problem === 'incoming_payment_closed' && amount > 0n) return ilpReject('F02', prefix, 'incoming payment closed');
  if (amount < request.prepareAmount) return decline('less than the packet’s minimum', { asset });
  if (problem === 'over_incoming_amount' && bringsMoney(packet)) {
    const { incomingAmount: receiveMax = MAX_AMOUNT, receivedAmount: totalReceived } = payment;
    const maxMoney = { streams: request.moneyStreams, receiveMax, totalReceived };
    return decline('more than the incoming payment takes', { asset, maxMoney });
  }
  // For now: the payment that has reserved the room may fail, or need less.
  if (problem === 'incoming_amount_reserved' && bringsMoney(packet)) {
    return ilpReject('T99', prefix, 'another payment has reserved the rest of the incoming payment');
  }
  return undefined;
}

/** Answers packets that bring no money: rate probes, the end of a connection, packets of no amount (ILP-07, ILP-20). */
async function answerWithoutMoney(options: StreamReceiverOptions, packet: StreamRequest): Promise<Buffer> {
  const { ase, db, prefix } = options;
  const payment = await findCreditable(db.query, ase, packet.incomingPaymentId);
  if (!payment) return ilpReject('F02', prefix, 'unknown incoming payment');
  const rejection = await findRejection(options, packet, payment);
  if (rejection) return rejection;
  return packet.isFulfillable
    ? packet.accept()
    : packet.decline('condition can not be fulfilled', { asset: packet.asset });
}

/** A peer must not create accounts in assets that no payment has. */
async function openPeerAccount({ ase, db }: StreamReceiverOptions, packet: StreamRequest): Promise<void> {
  const { from, asset, incomingPaymentId } = packet;
  const payment = await findCreditable(db.query, ase, incomingPaymentId);
  if (payment && sameAsset(payment.asset, asset)) await openInternalAccount(db.query, ase, 'peer', asset, from.name);
}

/** A packet that brings money, and its Fulfill. */
interface Creditable {
  readonly packet: StreamRequest;
  readonly fulfill: Buffer;
}

interface Booked {
  readonly answer: Buffer;
  readonly isCredited: boolean;
}

/**
 * Credits the incoming payment, or rejects the packet, and stores the answer in the same transaction, under the lock of
 * the payment: whatever a copy meets, it gets this answer and no other (ILP-18, ILP-19).
 */
async function answerOnce(
  options: StreamReceiverOptions,
  packet: StreamRequest,
  bookShared: (creditable: Creditable) => Promise<Booked>,
): Promise<Buffer> {
  const isLimited = packet.from.balanceLimit !== undefined;
  // Its balance is locked before the packet is credited.
  if (isLimited) await openPeerAccount(options, packet);
  const creditable = { packet, fulfill: await packet.accept() };
  const book = () => (isLimited ? bookAlone(options, creditable) : bookShared(creditable));
  const { answer, isCredited } = await book();
  if (isCredited) options.failpoint('packet-credited');
  return answer;
}

async function bookAlone(options: StreamReceiverOptions, { packet, fulfill }: Creditable): Promise<Booked> {
  const tryToBook = () => options.db.transaction((tx) => bookPacket(tx, options, packet, fulfill));
  return tryToBook().catch(async (error: unknown) => {
    if (!isAccountMissing(error)) throw error;
    await openPeerAccount(options, packet);
    return tryToBook();
  });
}

const creditTransfer = ({ from, asset, amount, condition }: ReceivedPacket, accountId: string): Transfer => ({
  id: `packet:${from.name}:${condition}:in`,
  entries: [
    { accountId: internalAccountId('peer', asset, from.name), amount: -amount },
    { accountId, amount },
  ],
});

/**
 * Does the same for packets that came at the same time, of peers without a limit, each after those before it. Throws
 * if one of them has been answered before.
 */
async function bookTogether(
  tx: Transaction,
  options: StreamReceiverOptions,
  creditables: readonly Creditable[],
): Promise<Booked[]> {
  const { ase, clock, announce = announceNothing } = options;
  const ids = new Set(creditables.map(({ packet }) => packet.incomingPaymentId));
  const payments = await lockCreditables(tx, ase, [...ids]);
  const sums = new Map<string, bigint>();
  const transfers: Transfer[] = [];
  const results: Booked[] = [];
  for (const { packet, fulfill } of creditables) {
    const payment = payments.get(packet.incomingPaymentId);
    if (!payment) throw new Error('the incoming payment of one of several packets is unknown');
    const rejection = await findRejection(options, packet, payment);
    results.push({ answer: rejection ?? fulfill, isCredited: rejection === undefined });
    if (rejection) continue;
    payments.set(payment.id, afterCredit(payment, packet.amount, claimOf(options, packet)));
    sums.set(payment.id, (sums.get(payment.id) ?? 0n) + packet.amount);
    transfers.push(creditTransfer(packet, payment.accountId));
  }
  const replies = creditables.map(({ packet }, index) => toJournal(packet, results[index]!.answer));
  const credited = [...sums].map(([id, amount]) => ({ payment: payments.get(id)!, amount }));
  const [areNew, areBooked] = await Promise.all([
    storeReplies(tx, ase, replies, clock.wallNow()),
    bookTransfers(tx, ase, clock.businessNow(), transfers),
    storeCredited(tx, ase, credited),
  ]);
  if (!areNew || !areBooked) throw new Error('one of several packets is a copy');
  for (const { payment } of credited) {
    if (payment.completed) await announce(tx, 'incoming_payment.completed', payment.id);
  }
  return results;
}

const toJournal = ({ from, condition, incomingPaymentId, amount, prepare }: StreamRequest, reply: Buffer) => ({
  ...{ peer: from.name, condition, incomingPaymentId, amount, reply, expiresAt: prepare.expiresAt },
});

async function bookPacket(
  tx: Transaction,
  options: StreamReceiverOptions,
  packet: StreamRequest,
  fulfill: Buffer,
): Promise<Booked> {
  const { ase, clock, prefix, announce = announceNothing } = options;
  const { from, asset, amount, condition, incomingPaymentId } = packet;
  const locked = await lockCreditable(tx, ase, incomingPaymentId);
  if (!locked) return { answer: ilpReject('F02', prefix, 'unknown incoming payment'), isCredited: false };
  const rejection = (await findRejection(options, packet, locked)) ?? (await rejectDebt(tx, options, packet));
  const reply = toJournal(packet, rejection ?? fulfill);
  if (!(await storeReplies(tx, ase, [reply], clock.wallNow()))) {
    return { answer: repeat(options, packet, (await findReply(tx, ase, condition))!), isCredited: false };
  }
  if (rejection) return { answer: rejection, isCredited: false };
  await creditIncomingPayment(tx, locked, {
    amount,
    paidBy: [{ accountId: internalAccountId('peer', asset, from.name), amount: -amount }],
    transferId: `packet:${from.name}:${condition}:in`,
    claim: claimOf(options, packet),
    now: clock.businessNow(),
    announce,
  });
  return { answer: fulfill, isCredited: true };
}

/** The Reject of a packet by which the peer would owe more than its limit. */
async function rejectDebt(
  tx: Transaction,
  { ase, prefix }: StreamReceiverOptions,
  { from, asset, amount }: ReceivedPacket,
): Promise<Buffer | undefined> {
  if (from.balanceLimit === undefined) return undefined;
  const owed = -(await lockPeerBalance(tx, ase, internalAccountId('peer', asset, from.name)));
  return owed + amount > from.balanceLimit ? ilpReject('T04', prefix, 'the peer would owe too much') : undefined;
}

export function createStreamReceiver(options: StreamReceiverOptions): StreamReceiver {
  const bookShared = shareTransactions<Creditable, Booked>({
    together: (creditables) => options.db.transaction((tx) => bookTogether(tx, options, creditables)),
    alone: (creditable) => bookAlone(options, creditable),
  });
  return {
    async receive(from, asset, prepare) {
      const amount = BigInt(prepare.amount);
      const condition = prepare.executionCondition.toString('base64url');
      const packet: ReceivedPacket = { from, asset, prepare, amount, condition };
      const request = openStreamRequest(options, packet, await resolveConnection(options, prepare.destination));
      // Copies of packets that bring money meet the stored answer where they would be booked.
      if (!Buffer.isBuffer(request) && bringsMoney(request) && !request.request.closesConnection) {
        return answerOnce(options, request, bookShared);
      }
      const stored = await findReply(options.db.query, options.ase, condition);
      if (stored) return repeat(options, packet, stored);
      if (Buffer.isBuffer(request)) return rejectEarly(options, packet) ?? request;
      const { connection } = request;
      if (request.request.closesConnection && connection !== undefined && !isExpired(options, packet)) {
        await releaseRoom(options.db, options.ase, request.incomingPaymentId, connection);
      }
      return bringsMoney(request) ? answerOnce(options, request, bookShared) : answerWithoutMoney(options, request);
    },
  };
}
