/** Each mutant is started by something: a conformance check, a test that it names, a race, a model, or chaos. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { grantModelMutants } from './grant-model.ts';
import { mutants } from './index.ts';
import { moneyMutants } from './money.ts';

const root = join(import.meta.dirname, '..', '..');

test('a mutant without a check is started by a test', () => {
  const sources = globSync('test/**/*.ts', { cwd: root, exclude: ['test/mutants/**'] });
  const text = sources.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  // `make chaos` starts these, named by an argument.
  const chaos = /^settlement\.(books-after-it-fulfils|unresolved-packet-forgotten|refund-in-doubt)$/;
  // `test/model/mutants.ts` starts all of its mutants.
  const started = new Set([...grantModelMutants, ...moneyMutants].map(({ id }) => id));
  const idle = mutants.filter(
    ({ id, fails, test }) =>
      fails === undefined && test === undefined && !started.has(id) && !chaos.test(id) && !text.includes(`'${id}'`),
  );
  assert.deepEqual(
    idle.map(({ id }) => id),
    [],
    'give them `test` or `fails`, or start them in a test',
  );
});

test('the test file that a mutant names exists', () => {
  for (const { id, test } of mutants) assert.ok(test === undefined || existsSync(join(root, test)), `${id}: ${test}`);
});
