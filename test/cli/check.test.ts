/** `touchstone check`: the launcher starts the conformance checks, which are a separate program. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'touchstone.mjs');
const run = (...args: string[]) => promisify(execFile)(process.execPath, [launcher, ...args]);

test('the launcher passes the options on to the checks, and lists the command', async () => {
  assert.match(
    (await run('check', '--help')).stdout,
    /^usage: touchstone check \[options\], or touchstone explain CHECK-ID\n/,
  );
  assert.match((await run('--help')).stdout, /touchstone check +run the conformance checks/);
});
