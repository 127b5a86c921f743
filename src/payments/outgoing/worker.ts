/**
 * The worker that sends outgoing payments. A payment is its own job: any process takes it under a lease, and when one
 * dies, another continues from the state in the database.
 */
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/database.ts';
import { createLeasedWorker, createPause } from '../../database/leased-worker.ts';
import { inSpan, type SpanAttributes } from '../../telemetry/spans.ts';
import type { Connector } from '../ilp/connector.ts';
import { readUnresolvedPackets } from '../ilp/packet-journal.ts';
import { type AnnouncePayment, announceNothing } from '../payment-event.ts';
import type { ReadReceiver, Receiver } from '../receiver.ts';
import { createBookings } from './bookings.ts';
import { describeReason, failPayment, type Reason, type SenderLog } from './fail.ts';
import { type Failpoint, noFailpoint } from './failpoint.ts';
import { createPeerTraffic } from './in-flight.ts';
import { claimDueJobs, claimJob, type Job, LeaseLost, LOCAL, renewLease } from './job.ts';
import { updateJob } from './job-progress.ts';
import { payTogether } from './pay-together.ts';
import { type SendPaymentContext, sendPayment } from './send.ts';
import type { Outcome } from './send-packets.ts';

export interface OutgoingPaymentWorkerOptions {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly connector: Connector;
  readonly readReceiver: ReadReceiver;
  /** The receiver as it was a moment ago, if it was read then. Default: it is read again. */
  readonly recentReceiver?: ((url: string) => Receiver | undefined) | undefined;
  /** Id of the incoming payment with this URL; undefined for another ASE's. Default: payments are paid one by one. */
  readonly localReceiverId?: ((url: string) => string | undefined) | undefined;
  readonly log?: SenderLog;
  readonly failpoint?: Failpoint;
  readonly announce?: AnnouncePayment;
  /** Time after which another process may take the payment of one that died. Default 10 s. */
  readonly leaseMs?: number | undefined;
  /** Time from the creation of a Prepare to its expiry. Default 30 s. */
  readonly packetLifetimeMs?: number;
  /** Payments that are sent at once by way of one peer, and within the ASE. Default 8. */
  readonly concurrency?: number;
  /** A payment stops counting towards `concurrency` after this time, so that a silent receiver cannot block others. Default 1 s. */
  readonly slotTimeoutMs?: number;
  /** Packets after which a payment hands its slot to one that waits. Default 50. */
  readonly maxPacketsPerTurn?: number;
  /** Time after which it does so, between two packets. Default 2 s. */
  readonly maxTurnMs?: number;
  /** Packets of a payment that are in flight at once. Default 20. */
  readonly maxInFlight?: number;
  /**
   * Packets of all payments that are in flight to one peer at once. Above it each payment has one in flight, so that
   * none waits for another. Default 100.
   */
  readonly maxInFlightToPeer?: number;
  /**
   * Attempts in a row without any delivery before the payment fails, unless a packet is in doubt. Default 10: they take
   * 102 s of waiting, and the time of the attempts.
   */
  readonly maxAttempts?: number;
}

/** Where the receiver of a payment is. */
export type Destination = 'peer' | 'same-ase';

export interface OutgoingPaymentWorker {
  /**
   * Looks for due payments now; call it after the transaction that created one has committed. With its destination,
   * only payments that have the same are sure to be found.
   */
  wake(destination?: Destination): void;
  /** Finishes the packets in flight and hands every payment back. */
  stop(): Promise<void>;
  /** Runs one attempt of this payment now, due or not, unless another worker has it. */
  processNow(paymentId: string): Promise<'completed' | 'failed' | 'pending'>;
  /** Resolves when nothing runs here and nothing is due. */
  idle(): Promise<void>;
  readonly isStopping: () => boolean;
}

/** 200 ms, doubled with each attempt, at most a minute. */
const retryDelay = (attempts: number): number => Math.min(200 * 2 ** attempts, 60_000);

interface WorkContext extends SendPaymentContext {
  readonly ase: string;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  readonly wake: () => void;
  readonly wakeIn: (delayMs: number) => void;
}

/** One attempt under a lease. Never throws. */
async function work(context: WorkContext, job: Job): Promise<void> {
  const { db, clock, leaseMs, log } = context;
  const renew = () => renewLease(db.query, job, clock.wallNow(), leaseMs).catch(() => {});
  const renewal = setInterval(renew, leaseMs / 3).unref();
  try {
    const outcome = await attempt(context, job);
    if (outcome.kind === 'retry') await retryLater(context, job, outcome);
    if (outcome.kind === 'handed-back') {
      await updateJob(db.query, job, { nextAttemptAt: clock.wallNow() });
      context.wake();
    }
  } catch (error) {
    // The lease ends by itself, and then the payment is claimed again.
    if (!(error instanceof LeaseLost)) log?.error({ err: error, payment: job.id }, 'sending was interrupted');
  } finally {
    clearInterval(renewal);
  }
}

function traceAttempt(job: Job, work: () => Promise<Outcome>): Promise<Outcome> {
  const attributes: SpanAttributes = {
    'touchstone.payment.id': job.id,
    'touchstone.payment.attempt': job.attempts + 1,
  };
  return inSpan({ kind: 'internal', name: 'outgoing payment', attributes }, async () => {
    const outcome = await work();
    attributes['touchstone.payment.outcome'] = outcome.kind;
    return outcome;
  });
}

async function attempt(context: WorkContext, job: Job): Promise<Outcome> {
  try {
    return await traceAttempt(job, () => sendPayment(context, job));
  } catch (error) {
    if (error instanceof LeaseLost) throw error;
    context.log?.error({ err: error, payment: job.id }, 'sending attempt failed unexpectedly');
    return { kind: 'retry', reason: 'internal_error' };
  }
}

/** A payment with a packet in doubt never fails: what it sent may have arrived. */
async function retryLater(context: WorkContext, job: Job, { reason, detail }: Reason): Promise<void> {
  const { ase, db, clock, log, maxAttempts } = context;
  const attempts = job.attempts + 1;
  log?.warn({ payment: job.id, attempts, reason, detail }, 'sending will be tried again');
  if (attempts >= maxAttempts && (await readUnresolvedPackets(db.query, ase, job.id)).length === 0) {
    await failPayment(context, job, { reason, detail });
    return;
  }
  const delay = retryDelay(job.attempts);
  const lastError = describeReason({ reason, detail });
  await updateJob(db.query, job, { attempts, lastError, nextAttemptAt: clock.wallNow() + delay });
  context.wakeIn(delay);
}

/** In place of a job: all due payments within the ASE. */
const TOGETHER = Symbol('due payments within the ASE');

/** Time from one round or search to the next, in which payments gather. A payment that comes alone does not wait. */
const GATHER_MS = 20;

/**
 * Rounds in which the due payments within the ASE are paid together, one round at a time. Meanwhile none of them is
 * claimed; what a round leaves is claimed before the next one begins.
 */
function createRounds(payTogether: () => Promise<boolean>, onEnd: () => void) {
  let isRequested = false;
  let isUnderWay = false;
  let isLeft = false;
  const pause = createPause(GATHER_MS);
  return {
    isUnderWay: () => isUnderWay,
    /** Asks for a round. Payments that become due in one are paid in it. */
    request() {
      isRequested = true;
    },
    /** True if a round begins; the caller runs it. */
    begin(): boolean {
      if (!isRequested || isUnderWay || isLeft) return false;
      isUnderWay = true;
      return true;
    },
    /** The payments that the last round left are claimed. */
    noneLeft() {
      if (!isUnderWay) isLeft = false;
    },
    async run() {
      try {
        while (isRequested && !isLeft) {
          await pause.isOver();
          pause.begin();
          isRequested = false;
          isLeft = await payTogether();
        }
      } finally {
        isUnderWay = false;
        onEnd();
      }
    },
  };
}

export function createOutgoingPaymentWorker(options: OutgoingPaymentWorkerOptions): OutgoingPaymentWorker {
  const { ase, db, clock, log, leaseMs = 10_000 } = options;
  const lease = () => ({ wallNow: clock.wallNow(), leaseMs });
  const worker = createLeasedWorker<Job | typeof TOGETHER>({
    async claim(busyPeers, limit) {
      if (round.begin()) return [TOGETHER];
      const lanes = round.isUnderWay() ? [...busyPeers, LOCAL] : busyPeers;
      const jobs = await claimDueJobs(db.query, { ase, ...lease(), busyPeers: lanes, limit });
      if (jobs.length > 0) return jobs;
      round.noneLeft();
      return round.begin() ? [TOGETHER] : [];
    },
    laneOf: (job) => (job === TOGETHER ? LOCAL : (job.peer ?? LOCAL)),
    run: (job) => (job === TOGETHER ? round.run() : work(context, job)),
    onError: (error) => log?.error({ err: error }, 'claiming payments failed'),
    concurrency: options.concurrency,
    slotTimeoutMs: options.slotTimeoutMs ?? 1_000,
    gatherMs: GATHER_MS,
  });
  const context: WorkContext = {
    ...options,
    leaseMs,
    maxAttempts: options.maxAttempts ?? 10,
    failpoint: options.failpoint ?? noFailpoint,
    announce: options.announce ?? announceNothing,
    packetLifetimeMs: options.packetLifetimeMs ?? 30_000,
    maxPacketsPerTurn: options.maxPacketsPerTurn ?? 50,
    maxTurnMs: options.maxTurnMs ?? 2_000,
    maxInFlight: options.maxInFlight ?? 20,
    maxInFlightToPeer: options.maxInFlightToPeer ?? 100,
    traffic: createPeerTraffic(),
    bookings: createBookings({ ase, db, clock, announce: options.announce ?? announceNothing }),
    isStopping: worker.isStopping,
    wake: worker.wake,
    wakeIn: worker.wakeIn,
  };
  const { localReceiverId } = options;
  const round = createRounds(
    async () => localReceiverId === undefined || payTogether({ ...context, localReceiverId }),
    worker.wake,
  );
  return {
    wake(destination) {
      if (destination !== 'peer') round.request();
      // The round that is under way also pays the payment.
      if (destination === 'same-ase' && round.isUnderWay()) return;
      worker.wake();
    },
    stop: worker.stop,
    idle: worker.idle,
    isStopping: worker.isStopping,
    async processNow(paymentId) {
      const job = await claimJob(db.query, { ase, paymentId, ...lease() });
      // Leaves the next attempt to the caller.
      if (job) await work({ ...context, wake: () => {}, wakeIn: () => {} }, job);
      const row = await db.query
        .selectFrom('outgoing_payment')
        .select('state')
        .where('ase', '=', ase)
        .where('id', '=', paymentId)
        .executeTakeFirstOrThrow();
      return row.state;
    },
  };
}
