/** The comparison of a run of `make bench` with the committed figures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRatios, MARGIN, missedTargets, readFigures } from '../../bench/support/figures.ts';
import { operations } from '../../bench/support/operations.ts';
import { rafiki } from '../../bench/support/rafiki.ts';

test('every operation has a committed ratio, and figures of Rafiki', () => {
  const names = operations.map(({ name }) => name);
  assert.deepEqual([...readFigures().keys()], names);
  assert.deepEqual(Object.keys(rafiki), names);
});

test('a ratio may exceed its figure by the margin and no more', () => {
  const figures = readFigures(
    '\n## Ratio to the floor\n\n| operation | ratio |\n|---|---|\n| quote POST | 2.00 | 1 |\n',
  );
  assert.deepEqual([...figures], [['quote POST', 2]]);
  assert.deepEqual(compareRatios(new Map([['quote POST', 2 * (1 + MARGIN)]]), figures), []);
  assert.match(compareRatios(new Map([['quote POST', 2.41]]), figures).join(), /^quote POST: 2\.41 times the floor/);
  assert.match(compareRatios(new Map([['list of 10', 1]]), figures).join(), /has no ratio/);
});

test('each target that an operation misses is one sentence', () => {
  const reached = { rate: 1, p50: 2, p99: 9, server: 0.5, database: 0.5, cpu: 1, statements: 1 };
  assert.deepEqual(missedTargets('quote POST', 1.25, reached), []);
  assert.deepEqual(missedTargets('jwks.json GET', 1, { ...reached, cpu: 1.2 }), [], 'is public');
  assert.deepEqual(missedTargets('quote POST', 1.26, { ...reached, p99: 11, cpu: 2 }), [
    'quote POST: 1.26 times the floor, more than 1.25',
    'quote POST: p99 is 5.5 times p50, more than 5',
    'quote POST: Rafiki takes 5.8 times as much CPU time, less than 10',
  ]);
});
