/**
 * The worker that settles outgoing payments. A payment is its own job: any process takes it under a lease, and when
 * one dies another goes on where the database says it stopped.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/database.ts';
import type { Connector } from '../ilp/connector.ts';
import { readUnresolvedPackets } from '../ilp/packet-journal.ts';
import { type AnnouncePayment, announceNothing } from '../payment-event.ts';
import type { ReadReceiver } from '../receiver.ts';
import { type Failpoint, noFailpoint } from './failpoint.ts';
import { claimJob, type Job, LeaseLost, renewLease, updateJob } from './job.ts';
import { failPayment, type Outcome, type SenderLog, sendPayment } from './send.ts';

export type { SenderLog } from './send.ts';

export interface OutgoingPaymentWorkerOptions {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly connector: Connector;
  readonly readReceiver: ReadReceiver;
  readonly log?: SenderLog;
  readonly failpoint?: Failpoint;
  readonly announce?: AnnouncePayment;
  /** How long a payment whose process died waits for another. Default 10 s. */
  readonly leaseMs?: number;
  /** How often the worker looks for payments that nobody woke it for. Default 1 s. */
  readonly pollMs?: number;
  /** From a Prepare's making to its expiry. Default 30 s. */
  readonly packetLifetimeMs?: number;
  /** Payments at once that get on. Default 8. */
  readonly concurrency?: number;
  /** How long a payment keeps its place among them; then it waits for a peer, and others go on. Default 1 s. */
  readonly placeMs?: number;
  /** Attempts in a row without any delivery before the payment fails. Default 10, in about 4 minutes. */
  readonly maxAttempts?: number;
}

export interface OutgoingPaymentWorker {
  /** Looks for due payments now; call it after the transaction that created one has committed. */
  wake(): void;
  /** Starts the slow poll that finds the payments of crashed processes. */
  start(): void;
  /** Finishes the packets in flight and hands every payment back. */
  stop(): Promise<void>;
  /** Runs one attempt of this payment now, due or not, unless another worker has it. */
  settleNow(paymentId: string): Promise<'completed' | 'failed' | 'pending'>;
  /** Resolves when nothing runs here and nothing is due. */
  idle(): Promise<void>;
}

/** 200 ms, doubled with each attempt, at most a minute. */
const retryDelay = (attempts: number): number => Math.min(200 * 2 ** attempts, 60_000);

/** A multiple of `concurrency`: payments at once, those that wait for a peer among them. */
const MOST_WAITING = 10;

export function createOutgoingPaymentWorker(options: OutgoingPaymentWorkerOptions): OutgoingPaymentWorker {
  const { ase, db, clock, log, leaseMs = 10_000, pollMs = 1_000, maxAttempts = 10 } = options;
  const { concurrency = 8, placeMs = 1_000 } = options;
  let isStopping = false;
  const context = {
    ...options,
    failpoint: options.failpoint ?? noFailpoint,
    announce: options.announce ?? announceNothing,
    packetLifetimeMs: options.packetLifetimeMs ?? 30_000,
    isStopping: () => isStopping,
  };

  /** One attempt under a lease. Never throws. */
  async function work(job: Job): Promise<void> {
    const renew = () => renewLease(db.query, job, clock.wallNow(), leaseMs).catch(() => {});
    const renewal = setInterval(renew, leaseMs / 3).unref();
    try {
      const outcome = await sendPayment(context, job).catch(retryUnlessLeaseLost);
      if (outcome.kind === 'retry') await retryLater(job, outcome.reason);
      if (outcome.kind === 'handed-back') await updateJob(db.query, job, { nextAttemptAt: clock.wallNow() });
    } catch (error) {
      // The lease, too, ends by itself: somebody takes the payment up again.
      if (!(error instanceof LeaseLost)) log?.error({ err: error, payment: job.id }, 'settlement interrupted');
    } finally {
      clearInterval(renewal);
    }
  }

  function retryUnlessLeaseLost(error: unknown): Outcome {
    if (error instanceof LeaseLost) throw error;
    log?.error({ err: error }, 'settlement attempt broke');
    return { kind: 'retry', reason: 'internal_error' };
  }

  /** A payment with a packet in doubt is never given up: what it sent may have arrived. */
  async function retryLater(job: Job, reason: string): Promise<void> {
    const attempts = job.attempts + 1;
    log?.warn({ payment: job.id, attempts, reason }, 'settlement will be tried again');
    if (attempts >= maxAttempts && (await readUnresolvedPackets(db.query, ase, job.id)).length === 0) {
      await failPayment(context, job, reason);
      return;
    }
    const delay = retryDelay(job.attempts);
    await updateJob(db.query, job, { attempts, nextAttemptAt: clock.wallNow() + delay });
    wakeIn(delay);
  }

  // ── Finding work
  const running = new Set<Promise<void>>();
  let placed = 0;
  const timers = new Set<NodeJS.Timeout>();
  let claiming = Promise.resolve();
  let isClaimQueued = false;
  let isFull = false;
  let poll: NodeJS.Timeout | undefined;

  async function claimDueJobs(): Promise<void> {
    isClaimQueued = false;
    while (!isStopping) {
      isFull = placed >= concurrency || running.size >= MOST_WAITING * concurrency;
      if (isFull) return;
      const job = await claimJob(db.query, { ase, wallNow: clock.wallNow(), leaseMs });
      if (!job) return;
      const leavePlace = takePlace();
      const run: Promise<void> = work(job).then(() => {
        running.delete(run);
        leavePlace();
      });
      running.add(run);
    }
  }

  /** A peer that is silent, and those who pay to it, are not to keep everybody else waiting. */
  function takePlace(): () => void {
    placed += 1;
    let isTaken = true;
    const leave = () => {
      clearTimeout(timer);
      if (isTaken) placed -= 1;
      isTaken = false;
      if (isFull) wake();
    };
    const timer = setTimeout(leave, placeMs).unref();
    return leave;
  }

  // Whoever wakes the worker does not lend it its context, a transaction's for instance.
  const outsideCaller = AsyncLocalStorage.snapshot();
  const wake = () => {
    if (isClaimQueued || isStopping) return;
    isClaimQueued = true;
    outsideCaller(() => {
      claiming = claiming.then(claimDueJobs).catch((error) => log?.error({ err: error }, 'no payments could be taken'));
    });
  };

  function wakeIn(delay: number): void {
    if (isStopping) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      wake();
    }, delay).unref();
    timers.add(timer);
  }

  async function finishRunning(): Promise<void> {
    await claiming;
    while (running.size > 0) {
      await Promise.all(running);
      await claiming;
    }
  }

  return {
    wake,
    start() {
      if (pollMs > 0) poll ??= setInterval(wake, pollMs).unref();
      wake();
    },
    async stop() {
      isStopping = true;
      clearInterval(poll);
      for (const timer of timers) clearTimeout(timer);
      await finishRunning();
    },
    idle: finishRunning,
    async settleNow(paymentId) {
      const job = await claimJob(db.query, { ase, paymentId, wallNow: clock.wallNow(), leaseMs });
      if (job) await work(job);
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
