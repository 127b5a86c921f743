/** The style guide in CONTRIBUTING, as far as a machine can check it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listFiles, listStyleProblems } from './style.ts';

/** Areas that are not rewritten yet. */
const pending: readonly string[] = [
  'conformance',
  'docs/options.md',
  'src/ase',
  'src/cli',
  'src/clock.ts',
  'src/crypto',
  'src/database',
  'src/errors.ts',
  'src/events',
  'src/faults.ts',
  'src/http',
  'src/ids.ts',
  'src/index.ts',
  'src/net',
  'src/open-payments',
  'src/payments',
  'src/profile.ts',
  'src/world',
  'test',
];

test('the sources follow the style guide', () => {
  const files = listFiles().filter((file) => !pending.some((path) => file === path || file.startsWith(`${path}/`)));
  const problems = listStyleProblems(files).map(({ file, line, problem }) => `${file}:${line} ${problem}`);
  assert.deepEqual(problems, []);
});
