/**
 * The stateless receiving end of STREAM (ILP-0029 §4–6): all it needs is in the packet's address and in the database,
 * so any process can answer any packet (ILP-01, ILP-17).
 */
import type { IlpPrepare } from 'ilp-packet';
import type { Clock } from '../../clock.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { type Asset, MAX_AMOUNT, sameAsset } from '../../open-payments/amount.ts';
import {
  type CreditableIncomingPayment,
  creditIncomingPayment,
  creditProblem,
  findCreditable,
  lockCreditable,
  releaseRoom,
} from '../incoming/credit.ts';
import type { Claim } from '../incoming/reservations.ts';
import { internalAccountId, isAccountMissing, lockPeerBalance, openInternalAccount } from '../ledger.ts';
import type { Failpoint } from '../outgoing/failpoint.ts';
import { type AnnouncePayment, announceNothing } from '../payment-event.ts';
import { resolveAddress } from './credentials.ts';
import { amountTooLarge, ilpFulfill, ilpReject } from './ilp-reply.ts';
import { maxPacketIn, type Peer } from './link.ts';
import { findReply, type StoredReply, storeReply } from './packet-journal.ts';
import {
  conditionFor,
  decryptStreamData,
  fulfillmentFor,
  type MaxMoney,
  parseStreamPacket,
  STREAM_PREPARE,
  type StreamPacket,
  sealStreamReply,
} from './stream-packet.ts';

export interface StreamReceiverOptions {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly prefix: string;
  readonly secrets: () => readonly string[];
  readonly reloadSecrets?: () => Promise<readonly string[]>;
  readonly failpoint: Failpoint;
  readonly announce?: AnnouncePayment;
}

export interface StreamReceiver {
  /** Answers a Prepare whose amount is in units of `asset`, as Connector.receive does. */
  receive(from: Peer, asset: Asset, prepare: IlpPrepare): Promise<Buffer>;
}

interface ReceivedPacket {
  readonly from: Peer;
  readonly asset: Asset;
  readonly prepare: IlpPrepare;
  readonly amount: bigint;
  /** Base64url. */
  readonly condition: string;
}

type Connection = NonNullable<ReturnType<typeof resolveAddress>>;

/** A packet whose data is a STREAM Prepare, with the two answers that STREAM seals with the shared secret. */
interface StreamRequest extends ReceivedPacket {
  readonly incomingPaymentId: string;
  /** Undefined for a sender that does not identify its connection. */
  readonly connection: string | undefined;
  readonly request: StreamPacket;
  readonly isFulfillable: boolean;
  readonly accept: () => Promise<Buffer>;
  readonly decline: (
    message: string,
    details?: { asset?: Asset; closeConnection?: boolean; maxMoney?: MaxMoney },
  ) => Promise<Buffer>;
}

/** Another process may have created the address with a secret that this process has not loaded yet. */
async function resolveConnection(
  { prefix, secrets, reloadSecrets }: StreamReceiverOptions,
  destination: string,
): Promise<Connection | undefined> {
  const resolve = (versions: readonly string[]) => resolveAddress(versions, prefix, destination);
  return resolve(secrets()) ?? (reloadSecrets && resolve(await reloadSecrets()));
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

/** Checks address, token, encryption and type (ILP-01, ILP-04); returns the Reject if one is wrong. */
function openStreamRequest(
  { prefix }: StreamReceiverOptions,
  packet: ReceivedPacket,
  connection: Connection | undefined,
): StreamRequest | Buffer {
  const { prepare, amount, asset } = packet;
  if (!`${prepare.destination}.`.startsWith(`${prefix}.`)) return ilpReject('F02', prefix, 'no route');
  if (!connection) return ilpReject('F06', prefix, 'unknown connection token');
  const { sharedSecret, incomingPaymentId } = connection;
  const plain = decryptStreamData(sharedSecret, prepare.data);
  if (!plain) return ilpReject('F06', prefix, 'data not encrypted with the shared secret');
  const request = parseStreamPacket(plain);
  if (request?.ilpType !== STREAM_PREPARE) return ilpReject('F00', prefix, 'not a STREAM Prepare');

  const fulfillment = fulfillmentFor(sharedSecret, prepare.data);
  const isFulfillable = conditionFor(fulfillment).equals(prepare.executionCondition);
  const reply = { sequence: request.sequence, received: amount };
  return {
    ...packet,
    incomingPaymentId,
    connection: connection.connection || undefined,
    request,
    isFulfillable,
    accept: async () =>
      ilpFulfill(fulfillment, await sealStreamReply(sharedSecret, { outcome: 'fulfill', ...reply, asset })),
    decline: async (message, details = {}) =>
      ilpReject(
        'F99',
        prefix,
        message,
        await sealStreamReply(sharedSecret, { outcome: 'reject', ...reply, ...details }),
      ),
  };
}

/** True if the receiver can fulfil the packet and would then owe its amount to the payee: it is answered only once. */
const bringsMoney = ({ isFulfillable, amount }: StreamRequest): boolean => isFulfillable && amount > 0n;

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

/**
 * Credits the incoming payment, or rejects the packet, and stores the answer in the same transaction, under the lock of
 * the payment: whatever a copy meets, it gets this answer and no other (ILP-18, ILP-19).
 */
async function answerOnce(options: StreamReceiverOptions, packet: StreamRequest): Promise<Buffer> {
  const { db, failpoint } = options;
  // Its balance is locked before the packet is credited.
  if (packet.from.balanceLimit !== undefined) await openPeerAccount(options, packet);
  const fulfill = await packet.accept();
  const tryToBook = () => db.transaction((tx) => bookPacket(tx, options, packet, fulfill));
  const book = () =>
    tryToBook().catch(async (error: unknown) => {
      if (!isAccountMissing(error)) throw error;
      await openPeerAccount(options, packet);
      return tryToBook();
    });
  const { answer, isCredited } = await book();
  if (isCredited) failpoint('packet-credited');
  return answer;
}

async function bookPacket(
  tx: Transaction,
  options: StreamReceiverOptions,
  packet: StreamRequest,
  fulfill: Buffer,
): Promise<{ answer: Buffer; isCredited: boolean }> {
  const { ase, clock, prefix, announce = announceNothing } = options;
  const { from, asset, amount, condition, incomingPaymentId } = packet;
  const { expiresAt } = packet.prepare;
  const locked = await lockCreditable(tx, ase, incomingPaymentId);
  if (!locked) return { answer: ilpReject('F02', prefix, 'unknown incoming payment'), isCredited: false };
  const rejection = (await findRejection(options, packet, locked)) ?? (await rejectDebt(tx, options, packet));
  const entry = { peer: from.name, condition, incomingPaymentId, amount, reply: rejection ?? fulfill, expiresAt };
  if (!(await storeReply(tx, ase, entry, clock.wallNow()))) {
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
  return {
    async receive(from, asset, prepare) {
      const amount = BigInt(prepare.amount);
      const condition = prepare.executionCondition.toString('base64url');
      const packet: ReceivedPacket = { from, asset, prepare, amount, condition };
      const request = openStreamRequest(options, packet, await resolveConnection(options, prepare.destination));
      // Copies of packets that bring money meet the stored answer where they would be booked.
      if (!Buffer.isBuffer(request) && bringsMoney(request) && !request.request.closesConnection) {
        return answerOnce(options, request);
      }
      const stored = await findReply(options.db.query, options.ase, condition);
      if (stored) return repeat(options, packet, stored);
      if (Buffer.isBuffer(request)) return rejectEarly(options, packet) ?? request;
      const { connection } = request;
      if (request.request.closesConnection && connection !== undefined && !isExpired(options, packet)) {
        await releaseRoom(options.db, options.ase, request.incomingPaymentId, connection);
      }
      return bringsMoney(request) ? answerOnce(options, request) : answerWithoutMoney(options, request);
    },
  };
}
