/** A third party reads payments that it did not make, with the owner's consent (RS-L-13, RS-L-14): the example program. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startWorld } from '../support/world.ts';

const example = join(import.meta.dirname, '..', '..', 'examples', 'node', 'history.mjs');

async function runExample(env: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-history-'));
  const key = join(directory, 'key.pem');
  try {
    await writeFile(key, env['TOUCHSTONE_PRIVATE_KEY']!, { mode: 0o600 });
    const variables = { ...process.env, ...env, TOUCHSTONE_PRIVATE_KEY_FILE: key };
    return (await promisify(execFile)(process.execPath, [example], { env: variables })).stdout;
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('the history of a wallet, newest first, page by page, for an application that made none of it', async () => {
  await using world = await startWorld();
  const lines = (await runExample(world.env)).trim().split('\n');
  const [times, amounts] = [lines.map((line) => line.slice(0, 24)), lines.map((line) => line.slice(24, 36).trim())];
  assert.deepEqual(times, times.toSorted().reverse());
  assert.deepEqual(amounts, ['4 USD', '22 USD', '544 USD']);
});
