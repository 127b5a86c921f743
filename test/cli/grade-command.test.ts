/** The command of a client in its process group: output, signals, time limits, and nothing left at the end. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandOptions, type EndedCommand, runCommand } from '../../src/cli/grade/command.ts';
import { createKeptBytes } from '../../src/cli/grade/kept-output.ts';

interface Run {
  readonly ended: Promise<EndedCommand>;
  readonly signals: EventEmitter;
  /** Resolves with what was passed through, once it contains the text. */
  printed(text: string): Promise<string>;
}

function run(script: string, options: Partial<CommandOptions> = {}): Run {
  const signals = new EventEmitter();
  const stdout = new PassThrough();
  let passed = '';
  stdout.on('data', (chunk) => {
    passed += chunk;
  });
  const ended = runCommand({
    command: [process.execPath, '-e', script],
    env: process.env,
    signals,
    stdout,
    stderr: stdout,
    graceMs: 100,
    ...options,
  });
  const printed = async (text: string): Promise<string> => {
    while (!passed.includes(text)) await once(stdout, 'data');
    return passed;
  };
  return { ended, signals, printed };
}

/** False for a process that has ended, even if its parent has not read its exit code yet. */
const isAlive = (pid: number): boolean => {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
};

async function expectGone(pids: readonly number[]): Promise<void> {
  // Longer than anything takes on a busy machine: it only bounds the wait of a test that fails.
  const deadline = performance.now() + 60_000;
  while (pids.some(isAlive) && performance.now() < deadline) await sleep(50);
  assert.deepEqual(pids.filter(isAlive), []);
}

/** A shell that ignores signals, as does its child; prints the ids of both. */
const stubborn = `trap '' TERM INT; sleep 1000 & echo "pids $$ $!."`;
const shell = (script: string) => ({ command: ['sh', '-c', script] });

const pidsOf = (text: string): number[] => /pids (\d+) (\d+)\./.exec(text)!.slice(1).map(Number);

test('the output is passed through and kept, the exit code is reported, and the environment is that of the run', async () => {
  const { ended, printed } = run('console.log(process.env.GREETING); console.error("err"); process.exitCode = 3', {
    env: { ...process.env, GREETING: 'hello' },
  });
  const { exitCode, signal, timedOut, output } = await ended;
  assert.deepEqual([exitCode, signal, timedOut], [3, null, false]);
  assert.equal(output, 'hello\nerr\n');
  assert.ok((await printed('err')).includes('hello\n'));
});

test('a command goes on when the reader of its output has gone', async () => {
  const closed = new Writable({ write: (_chunk, _encoding, done) => done(new Error('write EPIPE')) });
  // More than the buffers of pipes and streams hold.
  const script = 'for (let i = 0; i < 40; i += 1) process.stdout.write("x".repeat(20_000))';
  const { exitCode, output } = await run(script, { stdout: closed, timeoutMs: 60_000 }).ended;
  assert.deepEqual([exitCode, output.length], [0, 800_000]);
});

test('a command that does not exist, one that may not be run and one that crashed have different messages', async () => {
  const missing = await run('', { command: ['no-such-command-here'] }).ended;
  assert.equal(missing.startFailure, 'the command no-such-command-here was not found');
  const forbidden = await run('', { command: [import.meta.dirname] }).ended;
  assert.match(forbidden.startFailure!, /is not a program that this user may run$/);
  const crashed = await run('process.kill(process.pid, "SIGSEGV")').ended;
  assert.deepEqual([crashed.exitCode, crashed.signal, crashed.startFailure], [null, 'SIGSEGV', undefined]);
});

test('after the time limit the group is ended, with processes that ignore SIGTERM and their children', async () => {
  const { ended, printed } = run('', { ...shell(`${stubborn}; wait`), timeoutMs: 500 });
  const pids = pidsOf(await printed('.'));
  const { timedOut, signal } = await ended;
  assert.deepEqual([timedOut, signal], [true, 'SIGKILL']);
  await expectGone(pids);
});

test('children that outlive the command are ended', async () => {
  const { ended, printed } = run('', shell(stubborn));
  const pids = pidsOf(await printed('.'));
  const { exitCode, timedOut } = await ended;
  assert.deepEqual([exitCode, timedOut], [0, false]);
  await expectGone(pids);
});

test('a signal is passed on, and a command that ignores it is killed', async () => {
  const polite = run('process.on("SIGINT", () => process.exit(7)); console.log("ready"); setInterval(() => {}, 1000)', {
    graceMs: 60_000,
  });
  await polite.printed('ready');
  polite.signals.emit('SIGINT');
  // A terminal and a launcher can both pass on one key press.
  polite.signals.emit('SIGINT');
  const first = await polite.ended;
  assert.deepEqual([first.interruptedBy, first.exitCode], ['SIGINT', 7]);
  assert.equal(polite.signals.listenerCount('SIGINT'), 0);

  const rude = run('', shell(`${stubborn}; wait`));
  const pids = pidsOf(await rude.printed('.'));
  rude.signals.emit('SIGINT');
  const second = await rude.ended;
  assert.deepEqual([second.interruptedBy, second.signal], ['SIGINT', 'SIGKILL']);
  await expectGone(pids);
});

test('a command is not started after a signal', async () => {
  const { interruptedBy, exitCode, output } = await run('console.log("started")', { interruptedBy: 'SIGTERM' }).ended;
  assert.deepEqual([interruptedBy, exitCode, output], ['SIGTERM', null, '']);
});

test('the first and the last bytes are kept, with a note of what is missing', () => {
  const kept = createKeptBytes(10);
  for (const chunk of ['01234', '56789', 'abc']) kept.add(Buffer.from(chunk));
  assert.equal(kept.read(), '0123456789abc');
  for (const chunk of ['def', 'ghijklmnopqrs', 'tuv']) kept.add(Buffer.from(chunk));
  assert.equal(kept.read(), '0123456789\n(12 bytes left out)\nmnopqrstuv');
  kept.add(Buffer.from('w'));
  assert.equal(kept.read(), '0123456789\n(13 bytes left out)\nnopqrstuvw');
});
