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
}: SharedWork<Item, Result>): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let isUnderWay = false;
  // Runs outside the caller's AsyncLocalStorage, because the work is not only the caller's.
  const runOutsideCaller = AsyncLocalStorage.snapshot();

  async function work(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    const items = batch.map(({ item }) => item);
    const results = items.length > 1 ? await together(items).catch(() => undefined) : undefined;
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
