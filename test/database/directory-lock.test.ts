/** One process for each `--data` directory, which only its owner can read. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { lockDirectory } from '../../src/database/directory-lock.ts';
import { writePrivateFile } from '../../src/net/private-files.ts';

let parent: string;
let directory: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'touchstone-lock-'));
  directory = join(parent, 'data');
});
afterEach(() => rm(parent, { recursive: true }));

const modeOf = async (path: string) => (await lstat(path)).mode & 0o777;

test('the directory is made for its owner only, locked, and free again after the release', async () => {
  const unlock = await lockDirectory(directory);
  assert.equal(await modeOf(directory), 0o700);
  assert.equal(await modeOf(join(directory, 'lock')), 0o600);
  assert.equal(await readFile(join(directory, 'lock'), 'utf8'), String(process.pid));
  await assert.rejects(lockDirectory(directory), new RegExp(`in use by process ${process.pid}\\b`));
  await unlock();
  await (await lockDirectory(directory))();
});

test('the lock of another process holds while it lives, and ends with kill -9', async () => {
  const holder = spawn(process.execPath, [join(import.meta.dirname, 'support', 'lock-process.ts'), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(holder, 'exit');
  await once(holder.stdout, 'data');
  await assert.rejects(lockDirectory(directory), new RegExp(`in use by process ${holder.pid}\\b`));
  // In another container, or where the file was lost, its process id says nothing.
  for (const text of ['', '1', 'no number', String(process.pid)]) {
    await writeFile(join(directory, 'lock'), text);
    await assert.rejects(lockDirectory(directory), /in use by/);
  }
  holder.kill('SIGKILL');
  await exit;
  await (await lockDirectory(directory))();
});

test('a file that a dead process left does not block, even if its process id is alive again', async () => {
  await (await lockDirectory(directory))();
  for (const holder of ['1', String(process.ppid), String(process.pid), '', 'no number']) {
    await writeFile(join(directory, 'lock'), holder);
    const unlock = await lockDirectory(directory);
    assert.equal(await readFile(join(directory, 'lock'), 'utf8'), String(process.pid), holder);
    await unlock();
  }
});

test('a directory or lock that others can reach, or that is a link, is refused', async () => {
  await mkdir(directory);
  for (const mode of [0o755, 0o750, 0o701, 0o777]) {
    await chmod(directory, mode);
    await assert.rejects(lockDirectory(directory), new RegExp(`data \\(mode ${mode.toString(8)}\\).*chmod go=`));
  }
  await chmod(directory, 0o700);
  const link = join(parent, 'link');
  await symlink(directory, link);
  await assert.rejects(lockDirectory(link), /is a symbolic link/);
  const lock = join(directory, 'lock');
  await symlink(join(parent, 'elsewhere'), lock);
  await assert.rejects(lockDirectory(directory), /is a symbolic link/);
  await rm(lock);
  await writeFile(lock, '', { mode: 0o644 });
  await assert.rejects(lockDirectory(directory), /mode 644/);
});

test('a private file replaces a link and a looser file, and does not change the target of the link', async () => {
  const target = join(parent, 'target');
  const file = join(parent, 'client.pem');
  await writeFile(target, 'untouched', { mode: 0o666 });
  await symlink(target, file);
  await writePrivateFile(file, 'secret');
  assert.equal(await readFile(target, 'utf8'), 'untouched');
  for (const mode of [0o666, 0o600]) {
    await chmod(file, mode);
    await writePrivateFile(file, `secret ${mode}`);
    assert.equal(await readFile(file, 'utf8'), `secret ${mode}`);
    assert.equal(await modeOf(file), 0o600);
  }
});
