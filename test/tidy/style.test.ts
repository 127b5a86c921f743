/** The style guide in CONTRIBUTING, as far as a machine can check it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listFiles, listStyleProblems } from './style.ts';

test('the sources follow the style guide', () => {
  const problems = listStyleProblems(listFiles()).map(({ file, line, problem }) => `${file}:${line} ${problem}`);
  assert.deepEqual(problems, []);
});
