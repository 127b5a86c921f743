/** Searches of the leased worker: what one finds, and when the next one is. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createLeasedWorker } from '../../src/database/leased-worker.ts';

/** Enough turns of the event loop for all that does not wait for a timer. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
}

/** A worker on a list of due jobs, with mocked timers; `searches` are the jobs that each search found. */
function arrange(t: TestContext, { gatherMs, concurrency = 2 }: { gatherMs?: number; concurrency?: number }) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const due: number[] = [];
  const searches: (readonly number[])[] = [];
  const worker = createLeasedWorker<number>({
    async claim(_fullLanes, limit) {
      searches.push(due.splice(0, limit));
      return searches.at(-1)!;
    },
    laneOf: () => 'only',
    run: async () => {},
    onError: assert.ifError,
    ...{ concurrency, gatherMs },
  });
  const add = async (...jobs: number[]) => {
    due.push(...jobs);
    worker.wake();
    await settle();
  };
  return { worker, searches, add, tick: t.mock.timers.tick.bind(t.mock.timers) };
}

test('a job that comes alone is found at once, and those that come soon after it together', async (t) => {
  const { worker, searches, add, tick } = arrange(t, { gatherMs: 20, concurrency: 8 });
  await add(1);
  await add(2);
  await add(3, 4);
  assert.deepEqual(searches, [[1]]);
  tick(20);
  await settle();
  assert.deepEqual(searches, [[1], [2, 3, 4]]);
  tick(20);
  await worker.idle();
  assert.deepEqual(searches, [[1], [2, 3, 4], []]);
});

test('a worker that is stopped while jobs gather finds nothing more', async (t) => {
  const { worker, searches, add, tick } = arrange(t, { gatherMs: 20, concurrency: 8 });
  await add(1);
  await add(2);
  const stopped = worker.stop();
  tick(20);
  await stopped;
  assert.deepEqual(searches, [[1]]);
});

test('while each search finds as many as it can, the next one follows at once', async (t) => {
  const { searches, add } = arrange(t, { gatherMs: 20 });
  await add(1, 2, 3, 4, 5);
  assert.deepEqual(searches, [[1, 2], [3, 4], [5]]);
});

test('by default nothing gathers', async (t) => {
  const { worker, searches, add } = arrange(t, {});
  await add(1);
  await add(2);
  await worker.idle();
  assert.deepEqual(
    searches.filter((found) => found.length > 0),
    [[1], [2]],
  );
});
