/** The program ends with whatever started it, and leaves no file behind. */
import assert from 'node:assert/strict';
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { selectWatched } from '../../src/cli/parent.ts';
import { createFastestDatabase } from '../support/postgresql.ts';

const root = join(import.meta.dirname, '..', '..');
const launcher = join(root, 'bin', 'touchstone.mjs');
const start = ['start', '--json', '--port', '0'];

interface Started {
  readonly child: ChildProcess;
  readonly keyFile: string;
  /** Resolves when every process that could print has ended. */
  readonly ended: Promise<void>;
}

async function startWith(file: string, args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore'): Promise<Started> {
  const stdio: StdioOptions = [stdin, 'pipe', 'inherit'];
  const { options, drop } = await createFastestDatabase();
  const env = { ...process.env, ...(options.kind === 'postgresql' && { TOUCHSTONE_DATABASE_URL: options.url }) };
  const child = spawn(file, args, { cwd: root, stdio, env });
  const ended = new Promise<void>((done) => child.stdout!.once('close', () => done())).then(drop);
  const line = await Promise.race([
    new Promise<string>((done) => createInterface(child.stdout!).once('line', done)),
    ended.then(() => Promise.reject(new Error('ended before it was ready'))),
  ]);
  const { pid, env: printed } = JSON.parse(line);
  assert.ok(pid > 1);
  return { child, keyFile: printed.TOUCHSTONE_PRIVATE_KEY_FILE, ended };
}

async function expectEnd({ keyFile, ended }: Started): Promise<void> {
  await ended;
  assert.ok(!existsSync(keyFile), keyFile);
}

const program = [process.execPath, launcher, ...start];
/** Starts the program as its child and does nothing more, as a test suite in any language. */
const parent = `require('node:child_process').spawn(process.argv[1], process.argv.slice(2), { stdio: ['ignore', 'inherit', 'inherit'] });
  setInterval(() => {}, 1000);`;

const commands: Readonly<Record<string, readonly string[]>> = {
  'npm run': ['npm', 'run', '-s', 'touchstone', '--', ...start],
  'make start': ['make', '-s', 'start', 'ARGS=--json --port 0'],
  'another program': [process.execPath, '-e', parent, ...program],
  'sh -c': ['sh', '-c', `${program.map((word) => `'${word}'`).join(' ')}; true`],
};

for (const [name, [file, ...args]] of Object.entries(commands)) {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`${name}: ${signal}`, { timeout: 180_000 }, async () => {
      const started = await startWith(file!, args);
      started.child.kill(signal);
      await expectEnd(started);
    });
  }
}

test('a launcher passes signals on', { timeout: 180_000 }, async () => {
  const started = await startWith(process.execPath, [launcher, ...start]);
  const code = new Promise((done) => started.child.once('exit', done));
  started.child.kill('SIGINT');
  await expectEnd(started);
  assert.equal(await code, 0);
});

test('a pipe on standard input that is closed ends it, unless it is detached', { timeout: 180_000 }, async () => {
  const started = await startWith(process.execPath, [launcher, ...start], 'pipe');
  started.child.stdin!.end();
  await expectEnd(started);

  const detached = await startWith(process.execPath, [launcher, ...start, '--detached'], 'pipe');
  detached.child.stdin!.end();
  detached.child.kill('SIGTERM');
  const code = await new Promise((done) => detached.child.once('exit', done));
  assert.equal(code, 0);
});

test('only launchers are watched, and with supervision the program above them', () => {
  const chain = (...names: string[]) => names.map((name, index) => ({ pid: 100 - index, parent: 99 - index, name }));
  const watched = (isSupervised: boolean, ...names: string[]) =>
    selectWatched(chain(...names), isSupervised).map(({ name }) => name);
  assert.deepEqual(watched(false, 'bash', 'sshd'), []);
  assert.deepEqual(watched(true, 'bash', 'sshd'), ['bash']);
  assert.deepEqual(watched(false, 'sh', 'npm run touchsto', 'bash', 'sshd'), ['sh', 'npm run touchsto']);
  assert.deepEqual(watched(true, 'sh', 'npm run touchsto', 'pytest', 'bash'), ['sh', 'npm run touchsto', 'pytest']);
  assert.deepEqual(watched(false, 'MainThread', 'make', 'timeout', 'python3'), ['MainThread', 'make', 'timeout']);
  assert.deepEqual(watched(false, 'python3', 'make'), []);
  assert.deepEqual(watched(true), []);
});
