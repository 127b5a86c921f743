/** Runs the command of a client in its own process group, with its output passed through, until nothing of it is left. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandEnd } from '../../grade/report.ts';
import { passOutput } from './kept-output.ts';
import { createProcessGroup, type ProcessGroup } from './process-group.ts';

/** Time between SIGTERM and SIGKILL. */
const GRACE_MS = 5000;
/** A terminal and the launcher above this process can both pass on one key press. */
const REPEATED_SIGNAL_MS = 1000;
/** A process that has left the group can keep the pipes open. */
const DRAIN_MS = 500;

const forwardedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type ForwardedSignal = (typeof forwardedSignals)[number];

/** `process`, or a substitute in tests. */
export interface Signals {
  on(signal: ForwardedSignal, listener: () => void): unknown;
  off(signal: ForwardedSignal, listener: () => void): unknown;
}

export interface SignalWatch {
  received(): ForwardedSignal | undefined;
  readonly aborted: AbortSignal;
  stop(): void;
}

/** Remembers the first signal, so that one which comes while no command runs does not end this process. */
export function watchForSignal(signals: Signals): SignalWatch {
  let first: ForwardedSignal | undefined;
  const interruption = new AbortController();
  const remember = (signal: ForwardedSignal): void => {
    first ??= signal;
    interruption.abort();
  };
  return { received: () => first, aborted: interruption.signal, stop: listenForSignals(signals, remember) };
}

/** Returns the function that ends it. */
function listenForSignals(signals: Signals, onSignal: (signal: ForwardedSignal) => void): () => void {
  const listeners = forwardedSignals.map((signal) => [signal, () => onSignal(signal)] as const);
  for (const [signal, listener] of listeners) signals.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) signals.off(signal, listener);
  };
}

export interface CommandOptions {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Undefined for no limit. */
  readonly timeoutMs?: number | undefined;
  /** Default: 5 s. */
  readonly graceMs?: number | undefined;
  /** A signal that came before the command: it is not started. */
  readonly interruptedBy?: ForwardedSignal | undefined;
  readonly signals: Signals;
  /** Ends the command. */
  readonly stop?: AbortSignal;
  /** Standard input of the command. Default: that of this process. */
  readonly input?: 'inherit' | 'ignore';
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export interface EndedCommand extends CommandEnd {
  /** Why the command could not be started, if so. */
  readonly startFailure?: string;
  /** The signal that this process received, and passed on. */
  readonly interruptedBy?: ForwardedSignal;
  /** Standard output and standard error, the first and last mebibyte of each. */
  readonly output: string;
}

export async function runCommand(options: CommandOptions): Promise<EndedCommand> {
  const { command, env, signals, stop, graceMs = GRACE_MS, input = 'inherit' } = options;
  const unstarted = { command, exitCode: null, signal: null, timedOut: false, output: '' };
  if (options.interruptedBy) return { ...unstarted, interruptedBy: options.interruptedBy };
  const [file = '', ...args] = command;
  const child = spawn(file, args, { env, detached: true, stdio: [input, 'pipe', 'pipe'] });
  const output = [passOutput(child.stdout, options.stdout), passOutput(child.stderr, options.stderr)];
  const closed = once(child, 'close').catch(() => {});
  const failure = await started(child);
  if (failure) return { ...unstarted, startFailure: describeStartFailure(file, failure) };

  const group = createProcessGroup(child.pid!);
  const limits = watchLimits(group, signals, options.timeoutMs, graceMs);
  const onStop = () => void group.end(graceMs);
  if (stop?.aborted) onStop();
  stop?.addEventListener('abort', onStop, { once: true });
  const [exitCode, signal] = (await once(child, 'exit')) as [number | null, string | null];
  await group.end(graceMs);
  limits.stop();
  stop?.removeEventListener('abort', onStop);
  await Promise.race([closed, sleep(DRAIN_MS, undefined, { ref: false })]);
  child.stdout.destroy();
  child.stderr.destroy();
  return { command, exitCode, signal, ...limits.result(), output: output.map((read) => read()).join('') };
}

/** Resolves with the error of a command that did not start. */
const started = (child: ChildProcess): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    child.once('spawn', () => resolve(undefined));
    child.once('error', resolve);
  });

function describeStartFailure(file: string, { code }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return `the command ${file} was not found`;
  if (code === 'EACCES') return `${file} is not a program that this user may run`;
  return `${file} could not be started (${code})`;
}

/** Passes signals on to the group, and ends it after the timeout, after a second signal, and with this process. */
function watchLimits(group: ProcessGroup, signals: Signals, timeoutMs: number | undefined, graceMs: number) {
  let timedOut = false;
  let interruptedBy: ForwardedSignal | undefined;
  let interruptedAt = 0;
  const kill = () => void group.signal('SIGKILL');
  const timers: NodeJS.Timeout[] = [];
  const onTimeout = () => {
    timedOut = true;
    void group.end(graceMs);
  };
  if (timeoutMs !== undefined) timers.push(setTimeout(onTimeout, timeoutMs));
  const interrupt = (signal: ForwardedSignal): void => {
    const now = performance.now();
    if (interruptedBy === undefined) {
      [interruptedBy, interruptedAt] = [signal, now];
      group.signal(signal);
      timers.push(setTimeout(kill, graceMs));
    } else if (now - interruptedAt > REPEATED_SIGNAL_MS) kill();
  };
  const ignore = listenForSignals(signals, interrupt);
  process.once('exit', kill);
  return {
    result: () => ({ timedOut, ...(interruptedBy && { interruptedBy }) }),
    stop() {
      for (const timer of timers) clearTimeout(timer);
      ignore();
      process.off('exit', kill);
    },
  };
}
