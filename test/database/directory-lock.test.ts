/** One process for each `--data` directory. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { lockDirectory } from '../../src/database/directory-lock.ts';

let directory: string;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'touchstone-lock-')), 'data');
});
afterEach(() => rm(join(directory, '..'), { recursive: true }));

test('the directory is made, locked with our pid, and free again after the release', async () => {
  const unlock = await lockDirectory(directory);
  assert.deepEqual(await readdir(directory), ['lock']);
  assert.equal(await readFile(join(directory, 'lock'), 'utf8'), String(process.pid));
  await assert.rejects(lockDirectory(directory), /in use/);
  await unlock();
  assert.deepEqual(await readdir(directory), []);
  await (await lockDirectory(directory))();
});

test('a live process keeps its lock', async () => {
  await (await lockDirectory(directory))();
  await writeFile(join(directory, 'lock'), String(process.ppid));
  await assert.rejects(lockDirectory(directory), new RegExp(`in use by process ${process.ppid}`));
});

test('the lock of a dead process is taken over, also if it had our pid or left an empty file', async () => {
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  for (const holder of [String(dead), String(process.pid), '', 'no number']) {
    await (await lockDirectory(directory))();
    await writeFile(join(directory, 'lock'), holder);
    const unlock = await lockDirectory(directory);
    assert.equal(await readFile(join(directory, 'lock'), 'utf8'), String(process.pid), holder);
    await unlock();
  }
});
