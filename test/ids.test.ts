/** Identifiers: unguessable by default, repeatable with a seed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wallNow } from '../src/clock.ts';
import { createIds, timeOrderedUuid } from '../src/ids.ts';

const take = (seed: string | undefined, label: string): string[] => {
  const ids = createIds(seed, label);
  return [ids.uuid(), ids.token(), ids.bytes(5).toString('hex'), ids.uuid()];
};

test('a seed repeats the sequence; another seed or label gives another', () => {
  assert.deepEqual(take('7', 'granite'), take('7', 'granite'));
  const all = [...take('7', 'granite'), ...take('8', 'granite'), ...take('7', 'marble')];
  assert.equal(new Set(all).size, all.length);
});

test('without a seed nothing repeats', () => {
  const all = [...take(undefined, 'granite'), ...take(undefined, 'granite')];
  assert.equal(new Set(all).size, all.length);
});

for (const seed of [undefined, '7']) {
  test(`forms are right ${seed === undefined ? 'without' : 'with'} a seed`, () => {
    const ids = createIds(seed, 'granite');
    for (let i = 0; i < 50; i += 1) {
      assert.match(ids.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      const version = seed === undefined ? 7 : 4;
      assert.match(
        ids.rowId(),
        new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`),
      );
      assert.match(ids.token(), /^[A-Za-z0-9_-]{43}$/);
    }
    for (const length of [0, 1, 32, 33, 100]) assert.equal(ids.bytes(length).length, length);
  });
}

test('an id with the time follows those of earlier milliseconds, and the rest of it is random', () => {
  const timeOf = (id: string): number => Number.parseInt(id.slice(0, 13).replace('-', ''), 16);
  const before = wallNow();
  const ids = Array.from({ length: 1000 }, timeOrderedUuid);
  const after = wallNow();
  const times = ids.map(timeOf);
  assert.ok(times.every((time, index) => time >= (times[index - 1] ?? before) && time <= after));
  assert.equal(new Set(ids.map((id) => id.slice(15))).size, ids.length);
});
