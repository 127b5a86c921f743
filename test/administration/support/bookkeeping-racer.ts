/**
 * A process of the races in `bookkeeping.race.test.ts`. Its actions are `reverse` with a transfer, `settle` and
 * `resolve` with a payment, the condition of its packet and the fulfillment, and `cancel` and `send` with a payment.
 */
import { reverseTransfer } from '../../../src/administration/transfers.ts';
import { WorldClock } from '../../../src/clock.ts';
import type { Transaction } from '../../../src/database/database.ts';
import { Problem } from '../../../src/errors.ts';
import type { Connector } from '../../../src/payments/ilp/connector.ts';
import { ilpFulfill } from '../../../src/payments/ilp/ilp-reply.ts';
import { createBookings } from '../../../src/payments/outgoing/bookings.ts';
import { cancelPayment } from '../../../src/payments/outgoing/cancel.ts';
import { createPeerTraffic } from '../../../src/payments/outgoing/in-flight.ts';
import { claimJob, LeaseLost } from '../../../src/payments/outgoing/job.ts';
import { resolvePacketInDoubt } from '../../../src/payments/outgoing/resolve-packet.ts';
import { sendPayment } from '../../../src/payments/outgoing/send.ts';
import type { Receiver } from '../../../src/payments/receiver.ts';
import { serveRaces } from '../../support/held-transaction.ts';

const clock = new WorldClock();

await serveRaces(
  async (db, args) => {
    const [ase, peer, action, subject, condition, proof] = args as [string, string, string, string, string, string];
    if (action === 'reverse') {
      const reversal = { transfer: subject, reason: 'a race' };
      return (held) => held((tx) => reverseTransfer(tx, ase, reversal, clock.businessNow()));
    }
    if (action === 'cancel') {
      const now = { wallNow: clock.wallNow(), businessNow: clock.businessNow() };
      const cancellation = { paymentId: subject, reason: 'a race', announce: async () => {}, ...now };
      return (held) => held((tx) => cancelPayment(tx, ase, cancellation));
    }
    const fulfillment = Buffer.from(proof ?? '', 'base64url');
    if (action === 'resolve') {
      const packet = { paymentId: subject, condition, fate: { kind: 'fulfilled', fulfillment } } as const;
      const resolve = (tx: Transaction) =>
        resolvePacketInDoubt(tx, ase, packet, { wallNow: clock.wallNow(), businessNow: clock.businessNow() });
      return (held) => held(resolve);
    }
    const job = await claimJob(db.query, { ase, paymentId: subject, wallNow: clock.wallNow(), leaseMs: 60_000 });
    const peerNamed = (name: string) => ({
      ...{ name, prefix: `test.${peer}`, maxPacketAmount: 1_000n },
      link: { send: async () => ilpFulfill(fulfillment, Buffer.alloc(0)) },
    });
    const connector = { peerNamed, peerFor: () => peerNamed(peer) } as unknown as Connector;
    const readReceiver = async (url: string): Promise<Receiver> => {
      if (action === 'settle') throw new Problem('receiver_unreachable');
      const ilp = { address: `test.${peer}.x`, sharedSecret: Buffer.alloc(32) };
      return { url, asset: { code: 'EUR', scale: 2 }, receivedAmount: 0n, completed: false, ilp };
    };
    return (held) => {
      const heldDb = { ...db, transaction: held };
      return sendPayment(
        {
          ...{ db: heldDb, clock, connector, packetLifetimeMs: 30_000 },
          bookings: createBookings({ ase, db: heldDb, clock, announce: async () => {} }),
          ...{ maxPacketsPerTurn: 50, maxTurnMs: 2_000, maxInFlight: 20, maxInFlightToPeer: 100 },
          traffic: createPeerTraffic(),
          readReceiver,
          failpoint: () => {},
          announce: async () => {},
          isStopping: () => false,
        },
        job!,
      );
    };
  },
  (error) => (error instanceof Problem ? error.code : error instanceof LeaseLost ? 'lease lost' : String(error)),
);
