/** How mutants are put into a source. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { mutants } from './index.ts';
import { instrument, type Mutant, placesOf } from './mutant.ts';

const mutant = (id: string, at: string, by: string): Mutant => ({ id, file: 'x.ts', at, by });

const run = (source: string, active: string | undefined): unknown => {
  globalThis.touchstoneMutant = active;
  try {
    return new Function(source)();
  } finally {
    globalThis.touchstoneMutant = undefined;
  }
};

test('an expression is replaced while its mutant is active, also inside and beside another', () => {
  const source = instrument('return [1 + 2 * 3, 4];', [
    mutant('outer', 'return [«1 + 2 * 3», 4]', '0'),
    mutant('inner', '«2 * 3»', '5'),
    mutant('same', '«2 * 3»', '9'),
    mutant('beside', '«4»]', '8'),
  ]);
  assert.deepEqual(
    [undefined, 'outer', 'inner', 'same', 'beside'].map((active) => run(source, active)),
    [
      [7, 4],
      [0, 4],
      [6, 4],
      [10, 4],
      [7, 8],
    ],
  );
});

test('a place that is not there, there twice, or half inside another is an error', () => {
  for (const at of ['«b»', '«a»', 'a', '«a» + «a»']) {
    assert.throws(() => instrument('a + a', [mutant('m', at, '0')]), /^Error: m: /, at);
  }
  const crossing = [mutant('m', '«a + b» + c', '0'), mutant('n', 'a + «b + c»', '0')];
  assert.throws(() => instrument('a + b + c', crossing), /overlaps/);
});

test('each mutant has a unique id and its place in the source', () => {
  assert.equal(new Set(mutants.map(({ id }) => id)).size, mutants.length);
  for (const [file, here] of Map.groupBy(placesOf(mutants), (one) => one.file))
    instrument(readFileSync(file, 'utf8'), here);
});

test('a function is broken by its name, with a body of either form', () => {
  const named = (id: string, name: string, returns: string): Mutant => ({
    id,
    file: 'x.ts',
    function: name,
    returns,
  });
  const source = instrument(
    [
      'const isOpen = (n) => n > 1;',
      'function half(n) {\n  const by = 2;\n  return n / by;\n}',
      'return [isOpen(4), half(4)];',
    ].join('\n'),
    [
      named('open', 'isOpen', 'false'),
      named('half', 'half', 'n * 10'),
      mutant('quoted', 'return n / «by»;', '4'),
      named('other-half', 'half', '0'),
    ],
  );
  assert.deepEqual(
    [undefined, 'open', 'half', 'other-half', 'quoted'].map((active) => run(source, active)),
    [
      [true, 2],
      [false, 2],
      [true, 40],
      [true, 0],
      [true, 1],
    ],
  );
  assert.throws(() => instrument(source, [named('gone', 'isClosed', 'true')]), /gone: .*isClosed/);
});
