/**
 * Transactions that pieces of work share: those that are asked for while one is under way are done together in the
 * next, with as many statements for many as for one. If that fails, each is done alone, so that none spoils the others.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turnEventLoop } from 'node:timers/promises';

export interface SharedWork<Item, Result> {
  /** Does several pieces of work in one transaction. Returns their results in the same order. */
  readonly together: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Does one piece of work in a transaction. */
  readonly alone: (item: Item) => Promise<Result>;
  /** False if `together` may have been committed in spite of its error, and `alone` would not notice. Default: true. */
  readonly mayRepeat?: (error: unknown) => boolean;
}

/** So many that the costs of a transaction hardly count, and so few that none of them takes long. */
const MAX_TOGETHER = 32;
/** A transaction that takes longer than this, because it waits for a lock, holds up no further one. */
const MAX_WAIT_MS = 50;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result | Promise<Result>) => void;
}

/** Resolves when the work has ended, or after this time. */
function atMost(ms: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  void work.then(() => {
    clearTimeout(timer);
    resolve();
  });
  return promise;
}

/** Returns a function that does a piece of work, alone or with others, and resolves when it is committed. */
export function shareTransactions<Item, Result>({
  together,
  alone,
  mayRepeat = () => true,
}: SharedWork<Item, Result>): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let isUnderWay = false;
  // Runs outside the caller's AsyncLocalStorage, because the work is not only the caller's.
  const runOutsideCaller = AsyncLocalStorage.snapshot();

  async function work(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    const items = batch.map(({ item }) => item);
    const failAll = (error: unknown) => (mayRepeat(error) ? undefined : items.map(() => Promise.reject(error)));
    const results = items.length > 1 ? await together(items).catch(failAll) : undefined;
    const ends = batch.map(({ item, resolve }, index) => {
      const result = results ? results[index]! : alone(item);
      resolve(result);
      return result;
    });
    await Promise.allSettled(ends);
  }

  async function workOff(): Promise<void> {
    isUnderWay = true;
    while (waiting.length > 0) {
      // Lets work join in that is asked for in the same turn of the event loop.
      await turnEventLoop();
      await atMost(MAX_WAIT_MS, work(waiting.splice(0, MAX_TOGETHER)));
    }
    isUnderWay = false;
  }

  return (item) => {
    const { promise, resolve } = Promise.withResolvers<Result>();
    waiting.push({ item, resolve });
    if (!isUnderWay) void runOutsideCaller(workOff);
    return promise;
  };
}

interface InTurn<Item, Result> extends Waiting<Item, Result> {
  /** Calls a function in the caller's AsyncLocalStorage. */
  readonly inCaller: ReturnType<typeof AsyncLocalStorage.snapshot>;
}

/**
 * Returns a function that does a piece of work once all earlier work with the same key has ended, however it ended: for
 * work that would wait for the same lock. Waiting here costs nothing; in the database, each waiter holds a connection
 * that other requests need. Processes still wait for each other there.
 * `work` does in one transaction what has waited together, and returns the results in the same order. If it fails for
 * several pieces, it does one after the other alone. It runs in the AsyncLocalStorage of the first of them.
 */
export function shareTurns<Item, Result>(
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
): (key: string, item: Item) => Promise<Result> {
  const queues = new Map<string, InTurn<Item, Result>[]>();
  const workAlone = async (item: Item): Promise<Result> => (await work([item]))[0]!;

  async function workTogether(batch: readonly InTurn<Item, Result>[]): Promise<void> {
    const items = batch.map(({ item }) => item);
    const results = items.length > 1 ? await batch[0]!.inCaller(work, items).catch(() => undefined) : undefined;
    for (const [index, { item, resolve, inCaller }] of batch.entries()) {
      const result = results ? results[index]! : inCaller(workAlone, item);
      resolve(result);
      await Promise.allSettled([result]);
    }
  }

  async function workOff(key: string, waiting: InTurn<Item, Result>[]): Promise<void> {
    while (waiting.length > 0) {
      await turnEventLoop();
      await workTogether(waiting.splice(0, MAX_TOGETHER));
    }
    queues.delete(key);
  }

  return (key, item) => {
    const { promise, resolve } = Promise.withResolvers<Result>();
    const piece = { item, resolve, inCaller: AsyncLocalStorage.snapshot() };
    const waiting = queues.get(key);
    if (waiting) waiting.push(piece);
    else {
      const first = [piece];
      queues.set(key, first);
      void workOff(key, first);
    }
    return promise;
  };
}
