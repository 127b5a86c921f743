/**
 * A worker that claims jobs from the database under a lease and runs them in a bounded number of slots. Claiming is all
 * it knows of what is due, so any process can run any job, and a job whose process died is claimed again when its
 * lease ends.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface LeasedWorkerOptions<Job> {
  /** Leases the next due job; undefined if nothing is due. */
  readonly claim: () => Promise<Job | undefined>;
  readonly run: (job: Job) => Promise<void>;
  /** Receives what `claim` or `run` throws. The lease of that job then ends by itself. */
  readonly onError: (error: unknown) => void;
  /** Jobs that run at once. Default 8. */
  readonly concurrency?: number | undefined;
  /**
   * A job stops counting towards `concurrency` after this time, so that one that waits cannot block the others; at most
   * ten times `concurrency` jobs run at all. Default: a job keeps its slot until it ends.
   */
  readonly slotTimeoutMs?: number | undefined;
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

function createSlots(slotTimeoutMs: number | undefined, onRelease: () => void) {
  let activeSlots = 0;
  function acquireSlot(): () => void {
    activeSlots += 1;
    let isActive = true;
    const releaseSlot = () => {
      clearTimeout(timer);
      if (isActive) activeSlots -= 1;
      isActive = false;
      onRelease();
    };
    const timer = slotTimeoutMs === undefined ? undefined : setTimeout(releaseSlot, slotTimeoutMs).unref();
    return releaseSlot;
  }
  return { acquireSlot, activeSlots: () => activeSlots };
}

export function createLeasedWorker<Job>(options: LeasedWorkerOptions<Job>): LeasedWorker {
  const { claim, run, onError, concurrency = 8, slotTimeoutMs } = options;
  const running = new Set<Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  const { acquireSlot, activeSlots } = createSlots(slotTimeoutMs, () => {
    if (isFull) wake();
  });
  let claiming = Promise.resolve();
  let isClaimQueued = false;
  let isFull = false;
  let isStopping = false;

  async function claimDueJobs(): Promise<void> {
    isClaimQueued = false;
    while (!isStopping) {
      isFull = activeSlots() >= concurrency || running.size >= MAX_RUNNING_FACTOR * concurrency;
      if (isFull) return;
      const job = await claim();
      if (job === undefined) return;
      const releaseSlot = acquireSlot();
      const done: Promise<void> = run(job)
        .catch(onError)
        .then(() => {
          running.delete(done);
          releaseSlot();
        });
      running.add(done);
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
    await claiming;
    while (running.size > 0) {
      await Promise.all(running);
      await claiming;
    }
  }

  return {
    wake,
    wakeIn(delayMs) {
      if (isStopping) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        wake();
      }, delayMs).unref();
      timers.add(timer);
    },
    idle,
    async stop() {
      isStopping = true;
      for (const timer of timers) clearTimeout(timer);
      await idle();
    },
    isStopping: () => isStopping,
  };
}
