/** Pieces of work that share a transaction: which are done together, and how they end. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { mock, test } from 'node:test';
import { setImmediate as turnEventLoop } from 'node:timers/promises';
import { shareTransactions, shareTurns } from '../../src/database/shared-transactions.ts';

/** Notes what is done. Work on a negative number fails, also when it is done together with others. */
function createWork() {
  const done: string[] = [];
  const double = (n: number): number => {
    if (n < 0) throw new RangeError(`${n}`);
    return 2 * n;
  };
  const share = shareTransactions<number, number>({
    async together(items) {
      done.push(items.join('+'));
      return items.map(double);
    },
    async alone(item) {
      done.push(`${item}`);
      return double(item);
    },
  });
  return { share, done };
}

test('work that is asked for at once is done together, each with its result; a single piece is done alone', async () => {
  const { share, done } = createWork();
  assert.deepEqual(await Promise.all([1, 2, 3].map(share)), [2, 4, 6]);
  assert.equal(await share(4), 8);
  assert.deepEqual(done, ['1+2+3', '4']);
});

test('more than 32 pieces are done in several parts', async () => {
  const { share, done } = createWork();
  await Promise.all(Array.from({ length: 70 }, (_, n) => share(n)));
  assert.deepEqual(
    done.map((items) => items.split('+').length),
    [32, 32, 6],
  );
});

test('if a part of it fails, each piece is done alone, and only that one fails', async () => {
  const { share, done } = createWork();
  const [first, second, third] = await Promise.allSettled([1, -2, 3].map(share));
  assert.deepEqual(
    [first, third],
    [2, 6].map((value) => ({ status: 'fulfilled', value })),
  );
  assert.equal(second!.status, 'rejected');
  assert.deepEqual(done, ['1+-2+3', '1', '-2', '3']);
});

test('work that takes longer than 50 ms, because it waits for a lock, holds up nothing else', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const [begun, stuck] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
    const share = shareTransactions<string, string>({
      together: () => Promise.reject(new Error('one comes after the other')),
      alone(item) {
        if (item !== 'stuck') return Promise.resolve(item);
        begun.resolve();
        return stuck.promise;
      },
    });
    const first = share('stuck');
    await begun.promise;
    const second = share('free');
    mock.timers.tick(50);
    assert.equal(await second, 'free');
    stuck.resolve('at last');
    assert.equal(await first, 'at last');
  } finally {
    mock.timers.reset();
  }
});

/** Notes what is done in turn, which takes a few turns of the event loop. Work on a negative number fails. */
function createTurns() {
  const done: string[] = [];
  const inTurn = shareTurns(async (items: readonly number[]) => {
    done.push(items.join('+'));
    for (let turn = 0; turn < 3; turn += 1) await turnEventLoop();
    if (items.some((n) => n < 0)) throw new RangeError('negative');
    done.push('end');
    return items.map((n) => 2 * n);
  });
  return { inTurn, done };
}

test('what waits for its turn is done together in the next one, but not with another key', async () => {
  const { inTurn, done } = createTurns();
  const first = inTurn('a', 1);
  while (done.length === 0) await turnEventLoop();
  const others = [inTurn('a', 2), inTurn('b', 3), inTurn('a', 4)];
  assert.deepEqual(await Promise.all([first, ...others]), [2, 4, 6, 8]);
  assert.deepEqual(
    done.filter((entry) => entry !== 'end'),
    ['1', '3', '2+4'],
  );
  assert.equal(await inTurn('a', 5), 10);
});

test('if one of those that have waited fails, they are done one after the other, and only that one fails', async () => {
  const { inTurn, done } = createTurns();
  const [first, second, third] = await Promise.allSettled([inTurn('a', 1), inTurn('a', -2), inTurn('a', 3)]);
  assert.deepEqual(
    [first, third].map((end) => end!.status === 'fulfilled' && end.value),
    [2, 6],
  );
  assert.equal(second!.status, 'rejected');
  assert.deepEqual(done, ['1+-2+3', '1', 'end', '-2', '3', 'end']);
});

test('what is done in turn runs in the AsyncLocalStorage of its caller, and of the first of several', async () => {
  const caller = new AsyncLocalStorage<string>();
  const inTurn = shareTurns(async (items: readonly string[]) =>
    items.map((item) => `${item} for ${caller.getStore()}`),
  );
  const ask = (item: string, name: string) => caller.run(name, () => inTurn('a', item));
  assert.equal(await ask('1', 'alice'), '1 for alice');
  assert.deepEqual(await Promise.all([ask('2', 'bob'), ask('3', 'carol')]), ['2 for bob', '3 for bob']);
});
