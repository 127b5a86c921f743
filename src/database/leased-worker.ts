/**
 * A worker that claims jobs from the database under a lease and runs them in a bounded number of slots. Jobs can have
 * lanes with their own slots, so that those of one lane never wait for another. Claiming is all it knows of what is
 * due, so any process can run any job, and a job whose process died is claimed again when its lease ends.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface LeasedWorkerOptions<Job> {
  /**
   * Leases the jobs that are due next, at most so many, outside these lanes, whose slots are taken. None if nothing is
   * due there.
   */
  readonly claim: (fullLanes: readonly string[], limit: number) => Promise<readonly Job[]>;
  /** Default: all jobs are in one lane. */
  readonly laneOf?: (job: Job) => string;
  readonly run: (job: Job) => Promise<void>;
  /** Receives what `claim` or `run` throws. The lease of that job then ends by itself. */
  readonly onError: (error: unknown) => void;
  /** Jobs of a lane that run at once. Default 8. */
  readonly concurrency?: number | undefined;
  /**
   * A job stops counting towards `concurrency` after this time, so that one that waits cannot block the others; at most
   * ten times `concurrency` jobs of a lane run at all. Default: a job keeps its slot until it ends.
   */
  readonly slotTimeoutMs?: number | undefined;
  /**
   * Time after a search that did not find as many jobs as it could, in which jobs gather for the next one: each search
   * then finds several under load. A job that comes alone does not wait. Default 0.
   */
  readonly gatherMs?: number | undefined;
}

export interface LeasedWorker {
  /** Looks for due jobs now. Calls during a search are merged into one further search. */
  wake(): void;
  /** Wakes the worker after `delayMs`, unless it is stopped before. */
  wakeIn(delayMs: number): void;
  /** Resolves when nothing runs here and nothing that could be claimed is due. */
  idle(): Promise<void>;
  /** Claims nothing more and waits for the running jobs. */
  stop(): Promise<void>;
  readonly isStopping: () => boolean;
}

const MAX_RUNNING_FACTOR = 10;

interface Lane {
  /** Jobs that run. */
  running: number;
  /** Those of them that count towards `concurrency`. */
  active: number;
}

function createLanes(concurrency: number, slotTimeoutMs: number | undefined, onRelease: () => unknown) {
  const lanes = new Map<string, Lane>();
  const freeIn = ({ active, running }: Lane) =>
    Math.max(0, Math.min(concurrency - active, MAX_RUNNING_FACTOR * concurrency - running));
  return {
    listFull: () => [...lanes].filter(([, lane]) => freeIn(lane) === 0).map(([name]) => name),
    /** Slots that are free in each lane that is not full. */
    countFree: () => Math.min(concurrency, ...[...lanes.values()].map(freeIn).filter((free) => free > 0)),
    /** Returns a function that gives the slot back when the job has ended. */
    acquireSlot(name: string): () => void {
      const lane = lanes.get(name) ?? { running: 0, active: 0 };
      lanes.set(name, lane);
      lane.running += 1;
      lane.active += 1;
      let isActive = true;
      const stopCounting = () => {
        if (isActive) lane.active -= 1;
        isActive = false;
        onRelease();
      };
      const timer = slotTimeoutMs === undefined ? undefined : setTimeout(stopCounting, slotTimeoutMs).unref();
      return () => {
        clearTimeout(timer);
        lane.running -= 1;
        if (lane.running === 0) lanes.delete(name);
        stopCounting();
      };
    },
  };
}

/** A pause of `ms` from one step to the next. */
export function createPause(ms: number) {
  let over: Promise<unknown> = Promise.resolve();
  return {
    begin(): void {
      if (ms > 0) over = new Promise((resolve) => setTimeout(resolve, ms));
    },
    /** Resolves at the end of the pause that began last, at once if it has ended. */
    isOver: (): Promise<unknown> => over,
  };
}

/** Timers that are cleared together and keep no process alive. */
function createTimers() {
  const timers = new Set<NodeJS.Timeout>();
  return {
    set(callback: () => void, ms: number): void {
      const timer = setTimeout(() => {
        timers.delete(timer);
        callback();
      }, ms).unref();
      timers.add(timer);
    },
    clear(): void {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

export function createLeasedWorker<Job>(options: LeasedWorkerOptions<Job>): LeasedWorker {
  const { claim, laneOf, run, onError, concurrency = 8, slotTimeoutMs, gatherMs = 0 } = options;
  const running = new Set<Promise<void>>();
  const timers = createTimers();
  const { acquireSlot, listFull, countFree } = createLanes(concurrency, slotTimeoutMs, () => isWaiting && wake());
  let claiming = Promise.resolve();
  let isClaimQueued = false;
  /** True if the last search left out a full lane. */
  let isWaiting = false;
  let isStopping = false;
  const pause = createPause(gatherMs);

  async function claimDueJobs(): Promise<void> {
    for (;;) {
      await pause.isOver();
      isClaimQueued = false;
      if (isStopping) return;
      const fullLanes = listFull();
      isWaiting = fullLanes.length > 0;
      if (isWaiting && !laneOf) return;
      const limit = countFree();
      const jobs = await claim(fullLanes, limit);
      if (jobs.length < limit) pause.begin();
      if (jobs.length === 0) return;
      for (const job of jobs) {
        const releaseSlot = acquireSlot(laneOf?.(job) ?? '');
        const done: Promise<void> = run(job)
          .catch(onError)
          .then(() => {
            running.delete(done);
            releaseSlot();
          });
        running.add(done);
      }
      isClaimQueued = true;
    }
  }

  // Runs outside the caller's AsyncLocalStorage: inside a transaction's, `assertOutsideTransaction` would fail.
  const runOutsideCaller = AsyncLocalStorage.snapshot();
  function wake(): void {
    if (isClaimQueued || isStopping) return;
    isClaimQueued = true;
    runOutsideCaller(() => {
      claiming = claiming.then(claimDueJobs).catch(onError);
    });
  }

  async function idle(): Promise<void> {
    const seen = claiming;
    await seen;
    await Promise.all(running);
    // A job that ended meanwhile may have queued another search.
    if (claiming !== seen || running.size > 0) await idle();
  }

  return {
    wake,
    wakeIn(delayMs) {
      if (!isStopping) timers.set(wake, delayMs);
    },
    idle,
    async stop() {
      isStopping = true;
      timers.clear();
      await idle();
    },
    isStopping: () => isStopping,
  };
}
