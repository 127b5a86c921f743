/** The comparison of a run of `make bench` with the committed figures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRatios, MARGIN, readFigures } from '../../bench/support/figures.ts';
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
