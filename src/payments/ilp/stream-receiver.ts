/**
 * The stateless receiving end of STREAM (ILP-0029 §4–6): all it needs is in the packet's address and in the database,
 * so any process can answer any packet (ILP-01, ILP-17).
 */
import type { IlpPrepare } from 'ilp-packet';
import type { Clock } from '../../clock.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { Problem } from '../../errors.ts';
import { type Asset, sameAsset } from '../../open-payments/amount.ts';
import { creditIncomingPayment, findCreditable, isClosed, lockCreditable } from '../incoming/credit.ts';
import { lockBalance, openInternalAccount } from '../ledger.ts';
import type { Failpoint } from '../outgoing/failpoint.ts';
import { type AnnouncePayment, announceNothing } from '../payment-event.ts';
import { resolveAddress } from './credentials.ts';
import { amountTooLarge, ilpFulfill, ilpReject } from './ilp-reply.ts';
import type { Peer } from './link.ts';
import { findReply, type StoredReply, storeReply } from './packet-journal.ts';
import {
  conditionFor,
  decryptStreamData,
  fulfillmentFor,
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

/** Rolls the booking back and becomes a Reject. */
class Rejection extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
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
  readonly request: StreamPacket;
  readonly isFulfillable: boolean;
  readonly accept: () => Promise<Buffer>;
  readonly decline: (message: string, details?: { asset?: Asset; closeConnection?: boolean }) => Promise<Buffer>;
}

/** Another process may have created the address with a secret that this process has not loaded yet. */
async function resolveConnection(
  { prefix, secrets, reloadSecrets }: StreamReceiverOptions,
  destination: string,
): Promise<Connection | undefined> {
  const resolve = (versions: readonly string[]) => resolveAddress(versions, prefix, destination);
  return resolve(secrets()) ?? (reloadSecrets && resolve(await reloadSecrets()));
}

/** A condition identifies one packet: a copy gets the stored answer. */
const repeat = ({ prefix }: StreamReceiverOptions, { amount }: ReceivedPacket, booked: StoredReply): Buffer =>
  booked.amount === amount ? booked.reply : ilpReject('F00', prefix, 'condition of another packet');

/** The answer to a packet that was booked before, expired or not (ILP-18). */
async function answerFromJournal(options: StreamReceiverOptions, packet: ReceivedPacket): Promise<Buffer | undefined> {
  const booked = await findReply(options.db.query, options.ase, packet.from.name, packet.condition);
  if (booked) return repeat(options, packet, booked);
  return undefined;
}

const isExpired = ({ clock }: StreamReceiverOptions, { prepare }: ReceivedPacket): boolean =>
  clock.wallNow() >= prepare.expiresAt.getTime();

/**
 * Rejects an expired packet by wall time (ILP-17). R00 promises that no copy of the packet will ever be booked. A copy
 * that is being booked at this moment holds the lock of the payment, so this waits for it and reads the journal again.
 */
async function rejectExpired(
  options: StreamReceiverOptions,
  packet: ReceivedPacket,
  connection: Connection | undefined,
): Promise<Buffer | undefined> {
  const { ase, db, prefix } = options;
  if (!isExpired(options, packet)) return undefined;
  const bookedMeanwhile =
    connection &&
    (await db.transaction(async (tx) => {
      await lockCreditable(tx, ase, connection.incomingPaymentId);
      return findReply(tx, ase, packet.from.name, packet.condition);
    }));
  return bookedMeanwhile ? repeat(options, packet, bookedMeanwhile) : ilpReject('R00', prefix, 'packet expired');
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

/** Answers packets that move no money: rate probes, the end of a connection, too small an amount (ILP-07, ILP-20). */
async function answerWithoutMoney(
  { ase, db, clock, prefix }: StreamReceiverOptions,
  { amount, asset, incomingPaymentId, request, isFulfillable, accept, decline }: StreamRequest,
): Promise<Buffer | undefined> {
  const payment = await findCreditable(db.query, ase, incomingPaymentId);
  if (!payment) return ilpReject('F02', prefix, 'unknown incoming payment');
  if (!sameAsset(payment.asset, asset)) return ilpReject('F00', prefix, 'packet in another asset than the receiver’s');
  if (request.closesConnection) return decline('connection closed', { asset, closeConnection: true });
  if (!isFulfillable || amount === 0n || amount < request.prepareAmount) {
    if (amount !== 0n && isClosed(payment, clock.businessNow())) {
      return ilpReject('F02', prefix, 'incoming payment closed');
    }
    if (amount < request.prepareAmount) return decline('less than the packet’s minimum', { asset });
    return isFulfillable ? accept() : decline('condition can not be fulfilled', { asset });
  }
  return undefined;
}

/** Credits the incoming payment and stores the answer in the same transaction (ILP-18, ILP-19). */
async function credit(options: StreamReceiverOptions, request: StreamRequest): Promise<Buffer> {
  const { ase, db, prefix, failpoint } = options;
  const { from, asset, decline } = request;
  const answer = await request.accept();
  const peerAccount = await openInternalAccount(db.query, ase, 'peer', asset, from.name);
  const book = () => db.transaction((tx) => bookPacket(tx, options, request, answer, peerAccount));
  try {
    const { sent, isNew } = await book();
    if (isNew) failpoint('packet-credited');
    return sent;
  } catch (error) {
    if (error instanceof Rejection) return ilpReject(error.code, prefix, error.message);
    const code = error instanceof Problem ? error.code : undefined;
    if (code === 'incoming_payment_closed') return ilpReject('F02', prefix, 'incoming payment closed');
    if (code === 'over_incoming_amount') return decline('more than the incoming payment takes', { asset });
    throw error;
  }
}

async function bookPacket(
  tx: Transaction,
  options: StreamReceiverOptions,
  request: StreamRequest,
  answer: Buffer,
  peerAccount: string,
): Promise<{ sent: Buffer; isNew: boolean }> {
  const { ase, clock, announce = announceNothing } = options;
  const { from, amount, condition, incomingPaymentId } = request;
  const peer = from.name;
  const locked = await lockCreditable(tx, ase, incomingPaymentId);
  if (!locked) throw new Rejection('F02', 'unknown incoming payment');
  const packet = { peer, condition, incomingPaymentId, amount, reply: answer };
  if (!(await storeReply(tx, ase, packet, clock.wallNow()))) {
    return { sent: repeat(options, request, (await findReply(tx, ase, peer, condition))!), isNew: false };
  }
  if (isExpired(options, request)) throw new Rejection('R00', 'packet expired');
  if (from.balanceLimit !== undefined) {
    const owed = -(await lockBalance(tx, ase, peerAccount));
    if (owed + amount > from.balanceLimit) throw new Rejection('T04', 'the peer would owe too much');
  }
  await creditIncomingPayment(tx, locked, {
    amount,
    paidBy: [{ accountId: peerAccount, amount: -amount }],
    transferId: `packet:${peer}:${condition}:in`,
    now: clock.businessNow(),
    announce,
  });
  return { sent: answer, isNew: true };
}

export function createStreamReceiver(options: StreamReceiverOptions): StreamReceiver {
  return {
    async receive(from, asset, prepare) {
      const amount = BigInt(prepare.amount);
      const condition = prepare.executionCondition.toString('base64url');
      const packet: ReceivedPacket = { from, asset, prepare, amount, condition };
      const connection = await resolveConnection(options, prepare.destination);
      const final = (await answerFromJournal(options, packet)) ?? (await rejectExpired(options, packet, connection));
      if (final) return final;
      // Only now: the peer may have sent it when its maximum was higher.
      if (amount > from.maxPacketAmount) return amountTooLarge(options.prefix, amount, from.maxPacketAmount);
      const request = openStreamRequest(options, packet, connection);
      if (Buffer.isBuffer(request)) return request;
      return (await answerWithoutMoney(options, request)) ?? (await credit(options, request));
    },
  };
}
