/**
 * The receiving end of STREAM (ILP-0029 §4–6), without state of its own: what it needs to know stands in the packet's
 * address and in the database, so any process can answer any packet (ILP-01…ILP-08, ILP-17…ILP-20).
 */
import type { IlpPrepare } from 'ilp-packet';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/database.ts';
import { Problem } from '../../errors.ts';
import { type Asset, sameAsset } from '../../open-payments/amount.ts';
import { creditIncomingPayment, isClosed, lockCreditable, readCreditable } from '../incoming/credit.ts';
import { lockBalance, openInternalAccount } from '../ledger.ts';
import type { Failpoint } from '../outgoing/failpoint.ts';
import { type AnnouncePayment, announceNothing } from '../payment-event.ts';
import { resolveAddress } from './credentials.ts';
import { amountTooLarge, fulfill, reject } from './ilp-reply.ts';
import type { Peer } from './link.ts';
import { readReply, storeReply } from './packet-journal.ts';
import {
  conditionFor,
  decryptStreamData,
  fulfillmentFor,
  parseStreamPacket,
  STREAM_PREPARE,
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

export function createStreamReceiver(options: StreamReceiverOptions): StreamReceiver {
  const { ase, db, clock, prefix, secrets, failpoint, announce = announceNothing } = options;
  const refuse = (code: string, message: string, data?: Buffer) => reject(code, prefix, message, data);

  return {
    async receive(from, asset, prepare) {
      const peer = from.name;
      const amount = BigInt(prepare.amount);
      const condition = prepare.executionCondition.toString('base64url');
      const resolve = (versions: readonly string[]) => resolveAddress(versions, prefix, prepare.destination);
      // Another process may have made the address, by a secret that this one has not heard of.
      const resolved = resolve(secrets()) ?? (options.reloadSecrets && resolve(await options.reloadSecrets()));
      const repeat = (booked: { amount: bigint; reply: Buffer }) =>
        booked.amount === amount ? booked.reply : refuse('F00', 'condition of another packet');

      // ── The journal answers first, expired or not
      const booked = await readReply(db.query, ase, peer, condition);
      if (booked) return repeat(booked);

      // ── Expiry, by the wall (ILP-17). R00 is the word that no copy of this packet will ever be booked: a copy that
      // is being booked at this moment holds the payment's lock, so wait for it and look again.
      const isExpired = () => clock.wallNow() >= prepare.expiresAt.getTime();
      if (isExpired()) {
        const bookedMeanwhile =
          resolved &&
          (await db.transaction(async (tx) => {
            await lockCreditable(tx, ase, resolved.incomingPaymentId);
            return readReply(tx, ase, peer, condition);
          }));
        return bookedMeanwhile ? repeat(bookedMeanwhile) : refuse('R00', 'packet expired');
      }

      // Not before: the peer may have sent it when it was allowed more.
      if (amount > from.maxPacketAmount) return amountTooLarge(prefix, amount, from.maxPacketAmount);

      // ── Address, token, encryption, type (ILP-01, ILP-04)
      if (!`${prepare.destination}.`.startsWith(`${prefix}.`)) return refuse('F02', 'no route');
      if (!resolved) return refuse('F06', 'unknown connection token');
      const { sharedSecret, incomingPaymentId } = resolved;
      const plain = decryptStreamData(sharedSecret, prepare.data);
      if (!plain) return refuse('F06', 'data not encrypted with the shared secret');
      const request = parseStreamPacket(plain);
      if (request?.ilpType !== STREAM_PREPARE) return refuse('F00', 'no STREAM prepare');

      const fulfillment = fulfillmentFor(sharedSecret, prepare.data);
      const isFulfillable = conditionFor(fulfillment).equals(prepare.executionCondition);
      const reply = { sequence: request.sequence, received: amount };
      const decline = async (message: string, details: { asset?: Asset; closeConnection?: boolean } = {}) =>
        refuse('F99', message, await sealStreamReply(sharedSecret, { outcome: 'reject', ...reply, ...details }));
      const accept = async () =>
        fulfill(fulfillment, await sealStreamReply(sharedSecret, { outcome: 'fulfill', ...reply, asset }));

      const payment = await readCreditable(db.query, ase, incomingPaymentId);
      if (!payment) return refuse('F02', 'unknown incoming payment');
      if (!sameAsset(payment.asset, asset)) return refuse('F00', 'packet in another asset than the receiver’s');

      // ── Packets that move no money: rate probes, the end of a connection, too little (ILP-07, ILP-08, ILP-20)
      if (request.closesConnection) return decline('connection closed', { asset, closeConnection: true });
      if (!isFulfillable || amount === 0n || amount < request.prepareAmount) {
        if (amount !== 0n && isClosed(payment, clock.businessNow())) return refuse('F02', 'incoming payment closed');
        if (amount < request.prepareAmount) return decline('less than the packet’s minimum', { asset });
        return isFulfillable ? accept() : decline('condition can not be fulfilled', { asset });
      }

      // ── Credit, with the answer in the same transaction (ILP-18, ILP-19)
      const answer = await accept();
      const peerAccount = await openInternalAccount(db.query, ase, 'peer', asset, peer);
      const book = () =>
        db.transaction(async (tx) => {
          const locked = await lockCreditable(tx, ase, incomingPaymentId);
          if (!locked) throw new Refusal('F02', 'unknown incoming payment');
          const packet = { peer, condition, incomingPaymentId, amount, reply: answer };
          if (!(await storeReply(tx, ase, packet, clock.wallNow()))) {
            return { sent: repeat((await readReply(tx, ase, peer, condition))!), isNew: false };
          }
          if (isExpired()) throw new Refusal('R00', 'packet expired');
          if (from.balanceLimit !== undefined) {
            const owed = -(await lockBalance(tx, ase, peerAccount));
            if (owed + amount > from.balanceLimit) throw new Refusal('T04', 'the peer would owe too much');
          }
          await creditIncomingPayment(tx, locked, {
            amount,
            paidBy: [{ accountId: peerAccount, amount: -amount }],
            transferId: `packet:${peer}:${condition}:in`,
            now: clock.businessNow(),
            announce,
          });
          return { sent: answer, isNew: true };
        });
      try {
        const { sent, isNew } = await book();
        if (isNew) failpoint('packet-credited');
        return sent;
      } catch (error) {
        if (error instanceof Refusal) return refuse(error.code, error.message);
        const code = error instanceof Problem ? error.code : undefined;
        if (code === 'incoming_payment_closed') return refuse('F02', 'incoming payment closed');
        if (code === 'over_incoming_amount') return decline('more than the incoming payment takes', { asset });
        throw error;
      }
    },
  };
}

/** Rolls the booking back and becomes a Reject. */
class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
