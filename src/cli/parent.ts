/**
 * Ends the program with the one that started it. npm, npx and make do not forward SIGTERM, and a test suite that is
 * killed sends no signal at all, so the processes above are watched, and standard input if it is a pipe.
 */
import { spawnSync } from 'node:child_process';
import { fstatSync, readFileSync } from 'node:fs';

interface Ancestor {
  readonly pid: number;
  readonly parent: number;
  /** Name of the program, as the system shortens it. */
  readonly name: string;
}

const POLL_MS = 250;
/** A pipe that is at its end this soon was never open: some CI systems give such a standard input. */
const CLOSED_PIPE_MS = 100;

const launchers = /^(npm|npx|pnpm|yarn|g?make|timeout|touchstone)\b/;
/** Programs between launchers. Node.js calls its main thread MainThread. */
const between = /^(sh|dash|bash|node|MainThread)$/;

export interface ParentWatch {
  /** Also ends with the program above the launchers, and when a pipe on standard input is closed. */
  readonly isSupervised: boolean;
  readonly onGone: () => void;
}

/** Calls `onGone` once, when a launcher of this process has ended, or its supervisor. Does not keep the process alive. */
export function watchParent({ isSupervised, onGone }: ParentWatch): void {
  const watched = selectWatched(listAncestors(), isSupervised);
  let isGone = false;
  const report = (): void => {
    if (isGone) return;
    isGone = true;
    clearInterval(timer);
    onGone();
  };
  const timer = setInterval(() => {
    if (!areInPlace(watched)) report();
  }, POLL_MS).unref();
  if (isSupervised && isPipe(0)) watchStandardInput(report);
}

/** The launchers, and with supervision the program that started the topmost one. */
export function selectWatched(ancestors: readonly Ancestor[], isSupervised: boolean): readonly Ancestor[] {
  const end = ancestors.findIndex(({ name }) => !launchers.test(name) && !between.test(name));
  const last = ancestors.slice(0, end === -1 ? undefined : end).findLastIndex(({ name }) => launchers.test(name));
  return ancestors.slice(0, last + (isSupervised ? 2 : 1));
}

/** From the parent upwards, without the first process of the system or container. */
function listAncestors(): Ancestor[] {
  const ancestors: Ancestor[] = [];
  for (let pid = process.ppid; pid > 1; ) {
    const ancestor = readProcess(pid);
    if (!ancestor) break;
    ancestors.push(ancestor);
    pid = ancestor.parent;
  }
  return ancestors;
}

/** Each process is still the parent of the one below, which a zombie is not. */
const areInPlace = (watched: readonly Ancestor[]): boolean =>
  watched.every(({ pid }, index) => {
    if (index === 0) return process.ppid === pid;
    const below = readStat(watched[index - 1]!.pid);
    return below === undefined ? isAlive(pid) : below.parent === pid;
  });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const readProcess = (pid: number): Ancestor | undefined => readStat(pid) ?? askPs(pid);

/** Linux only (proc(5)): `pid (name) state parent …`. */
function readStat(pid: number): Ancestor | undefined {
  try {
    const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return name === undefined ? undefined : { pid, name, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function askPs(pid: number): Ancestor | undefined {
  if (process.platform === 'linux' || process.platform === 'win32') return undefined;
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' });
  const [, parent, name] = /^\s*(\d+)\s+(?:.*\/)?(.+?)\s*$/.exec(stdout ?? '') ?? [];
  return name === undefined ? undefined : { pid, name, parent: Number(parent) };
}

function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

function watchStandardInput(onEnd: () => void): void {
  const started = performance.now();
  const { stdin } = process;
  const end = (): void => {
    if (performance.now() - started > CLOSED_PIPE_MS) onEnd();
  };
  stdin.once('end', end).once('error', end).resume();
  stdin.unref();
}
