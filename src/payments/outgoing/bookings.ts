/**
 * The two bookings of a packet at its sender: it is stored before it is sent, and its Fulfill is booked. Those of
 * different payments that come at the same time share a transaction.
 */
import type { Clock } from '../../clock.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { shareTransactions } from '../../database/shared-transactions.ts';
import { type OutgoingPacket, storePreparedPackets } from '../ilp/packet-journal.ts';
import { bookTransfers } from '../ledger.ts';
import type { AnnouncePayment } from '../payment-event.ts';
import type { Job } from './job.ts';
import { advanceJobs } from './job-progress.ts';
import { bookFulfilled, bookWithAccounts, type FulfilledPacket, holdTransfer, type Progress } from './transfers.ts';

export interface PacketOfJob {
  readonly job: Job;
  readonly packet: OutgoingPacket;
}

export interface Bookings {
  /**
   * Stores a packet in the journal, and holds the debit if it is not held yet. Throws `insufficient_funds` if the payer
   * has too little, and LeaseLost.
   */
  storePacket(packet: PacketOfJob): Promise<unknown>;
  /** Books a packet that has arrived. Returns how far its payment is. Throws LeaseLost. */
  bookFulfilled(packet: FulfilledPacket): Promise<Progress>;
}

export interface BookingsOptions {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly announce: AnnouncePayment;
}

async function storePackets(tx: Transaction, { ase, clock }: BookingsOptions, packets: readonly PacketOfJob[]) {
  const holds = packets.flatMap(({ job }) => (job.funded ? [] : [holdTransfer(job)]));
  const [, , booked] = await Promise.all([
    advanceJobs(
      tx,
      ase,
      packets.map(({ job }) => ({ job, ...progressOf(job), isCompleted: false })),
    ),
    storePreparedPackets(
      tx,
      ase,
      packets.map(({ packet }) => packet),
      clock.wallNow(),
    ),
    holds.length === 0 || bookTransfers(tx, ase, clock.businessNow(), holds),
  ]);
  if (!booked) throw new Error('the hold of a payment without one is booked already');
}

const progressOf = ({ sentAmount, deliveredAmount, attempts }: Job): Progress => ({
  sentAmount,
  deliveredAmount,
  attempts,
});

export function createBookings(options: BookingsOptions): Bookings {
  const { ase, db, clock, announce } = options;

  async function bookAll(tx: Transaction, packets: readonly FulfilledPacket[]): Promise<readonly Progress[]> {
    const progress = await bookFulfilled(tx, ase, clock.businessNow(), packets);
    for (const { job, completes } of packets) {
      if (completes) await announce(tx, 'outgoing_payment.completed', job.id);
    }
    return progress;
  }

  return {
    storePacket: shareTransactions<PacketOfJob, unknown>({
      async together(packets) {
        await db.transaction((tx) => storePackets(tx, options, packets));
        return packets;
      },
      alone: (packet) => bookWithAccounts(db, { job: packet.job }, (tx) => storePackets(tx, options, [packet])),
    }),
    bookFulfilled: shareTransactions<FulfilledPacket, Progress>({
      together: (packets) => db.transaction((tx) => bookAll(tx, packets)),
      async alone(fulfilled) {
        const { job, packet } = fulfilled;
        const [progress] = await bookWithAccounts(db, { job, peer: packet.peer }, (tx) => bookAll(tx, [fulfilled]));
        return progress!;
      },
    }),
  };
}
