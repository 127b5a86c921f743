/** Runs the tests that mutants name, each in a process in which its mutant is active from the start. */
import { type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, glob, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Mutant } from './mutant.ts';

const root = join(import.meta.dirname, '..', '..');
/** A test may hang under a mutant, which is noticed as well: it gets as long as without the mutant several times. */
const MAX_SLOWDOWN = 5;
const MIN_TEST_MS = 5_000;
const MAX_TEST_MS = 120_000;

interface Outcome {
  /** `late`: it did not end in time. `broken`: no test ran to its end, which proves nothing. `skipped`: they need what is not installed. */
  readonly verdict: 'passed' | 'failed' | 'late' | 'broken' | 'skipped';
  readonly detail: string;
}

const patternOf = (title: string): string => title.replaceAll(/[^\w ]/g, '.');

/** Sends a signal to a process or, with a negative id, to a process group. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

/** Stops the PostgreSQL servers of a folder. Each runs in its own process group. */
async function stopServers(folder: string): Promise<void> {
  for await (const file of glob('**/postmaster.pid', { cwd: folder })) {
    const pid = Number.parseInt(await readFile(join(folder, file), 'utf8').catch(() => ''), 10);
    if (pid > 0) signal(pid, 'SIGQUIT');
  }
}

/** Runs the tests of a file with one of these titles, or all of them. Resolves with the report in TAP and the exit code. */
async function runTests(
  file: string,
  titles: readonly string[],
  { active, timeoutMs = MAX_TEST_MS }: { active?: string; timeoutMs?: number } = {},
): Promise<{ output: string; code: number | null }> {
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: inherited = '', ...inheritedEnv } = process.env;
  const folder = await mkdtemp(join(tmpdir(), 'touchstone-mutant-'));
  // PostgreSQL may run as another user.
  await chmod(folder, 0o755);
  const env = { ...inheritedEnv, TMPDIR: folder };
  // Processes that the tests start have the mutant as well.
  const withMutant = active !== undefined && {
    NODE_OPTIONS: `${inherited} --import=${import.meta.resolve('./register.ts')}`.trim(),
    TOUCHSTONE_MUTANT: active,
  };
  const only = titles.map((title) => `--test-name-pattern=${patternOf(title)}`);
  // A test does not close a world that only its mutant lets start.
  const args = [...only, '--test-force-exit', '--test-reporter=tap', join(root, file)];
  const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...env, ...withMutant }, stdio, detached: true });
  const killGroup = (): void => signal(-child.pid!, 'SIGKILL');
  const timer = setTimeout(killGroup, timeoutMs);
  // A failing test can leave processes behind.
  child.once('exit', killGroup);
  const [output, [code]] = await Promise.all([text(child.stdout!), once(child, 'close')]);
  clearTimeout(timer);
  await stopServers(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  return { output, code };
}

function judge(output: string, code: number | null): Outcome {
  const failed = output.match(/(?<=^ *not ok \d+ - ).*/gm);
  if (failed) return { verdict: 'failed', detail: failed.join(' · ') };
  if (code === null) return { verdict: 'late', detail: 'timed out' };
  if (code === 0 && /^# pass [1-9]/m.test(output)) return { verdict: 'passed', detail: 'passes' };
  if (code === 0 && /^# skipped [1-9]/m.test(output)) return { verdict: 'skipped', detail: 'skipped' };
  return { verdict: 'broken', detail: `exit code ${code}, and no such test ran` };
}

interface Soundness extends Outcome {
  /** How long the tests take without a mutant. */
  readonly ms: number;
}

/**
 * Runs all tests of a file that mutants name, without a mutant: a test that fails then proves nothing. If one fails,
 * they run again, and this is reported: a busy machine has made it fail if it passes then. Returns the outcome by
 * title; undefined stands for the whole file.
 */
async function judgeSoundness(
  file: string,
  titles: readonly (string | undefined)[],
): Promise<(title: string | undefined) => Soundness> {
  const named = titles.filter((title) => title !== undefined);
  const run = async () => {
    const start = performance.now();
    const { output, code } = await runTests(file, named.length < titles.length ? [] : named);
    return { output, whole: judge(output, code), totalMs: performance.now() - start };
  };
  const first = await run();
  const hasFailed = first.whole.verdict === 'failed';
  if (hasFailed) console.log(`REPEATED ${file}: ${first.whole.detail}`);
  const { output, whole, totalMs } = hasFailed ? await run() : first;
  const ended = [...output.matchAll(/^( *)ok \d+ - (.*?)( # SKIP.*)?\n +---\n +duration_ms: ([\d.]+)/gm)].map(
    ([, indent, name, skip, ms]) => ({
      isTop: indent === '',
      name: name!,
      isSkipped: skip !== undefined,
      ms: Number(ms),
    }),
  );
  const sum = (tests: typeof ended): number => tests.reduce((ms, test) => ms + test.ms, 0);
  const startMs = Math.max(0, totalMs - sum(ended.filter(({ isTop }) => isTop)));
  return (title) => {
    if (title === undefined || whole.verdict !== 'passed') return { ...whole, ms: totalMs };
    const pattern = new RegExp(patternOf(title));
    const matching = ended.filter(({ name }) => pattern.test(name));
    const ms = startMs + sum(matching);
    if (matching.length === 0) return { verdict: 'broken', detail: 'no such test ran', ms };
    return matching.every(({ isSkipped }) => isSkipped)
      ? { verdict: 'skipped', detail: 'skipped', ms }
      : { verdict: 'passed', detail: 'passes', ms };
  };
}

/** How many mutants were noticed and how many were not. */
export interface Judgement {
  readonly killed: number;
  readonly survived: number;
  /** Those that are noticed by a time-out instead of an assertion. */
  readonly late: readonly string[];
}

/** Runs up to so many at once, in the order in which they are asked for. */
function inTurns(places: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let free = places;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

/** Judges the mutants that name a test, and prints those that it does not notice; with `discover`, prints what fails. */
export async function judgeByTests(
  mutants: readonly Mutant[],
  { processes, discover }: { readonly processes: number; readonly discover: boolean },
): Promise<Judgement> {
  const inTurn = inTurns(processes);
  const outcome = { killed: 0, survived: 0, late: [] as string[] };
  const survives = (line: string): void => {
    console.log(line);
    outcome.survived += 1;
  };
  async function judgeMutant(file: string, mutant: Mutant, sound: Soundness): Promise<void> {
    const name = [file, mutant.title ?? []].flat().join(' › ');
    if (sound.verdict === 'skipped') return console.log(`SKIPPED ${mutant.id}: ${name} is skipped here`);
    if (sound.verdict !== 'passed') survives(`UNSOUND ${name}: ${sound.detail}`);
    const stale = globalThis.staleMutants.get(mutant.id);
    const timeoutMs = Math.max(MIN_TEST_MS, MAX_SLOWDOWN * sound.ms);
    const { output, code } = await runTests(file, [mutant.title ?? []].flat(), { active: mutant.id, timeoutMs });
    const { verdict, detail } = judge(output, code);
    const isNoticed = stale === undefined && (verdict === 'failed' || verdict === 'late');
    if (!isNoticed) survives(`SURVIVED ${mutant.id}: ${name} ${stale ?? detail}`);
    else outcome.killed += 1;
    if (verdict === 'late') outcome.late.push(mutant.id);
    if (discover) console.log(`${mutant.id}: ${detail}`);
  }

  async function judgeFile([file, group]: [string, readonly Mutant[]]): Promise<void> {
    const titles = [...new Set(group.map(({ title }) => title))];
    const soundness = await inTurn(() => judgeSoundness(file, titles));
    await Promise.all(group.map((mutant) => inTurn(() => judgeMutant(file, mutant, soundness(mutant.title)))));
  }

  await Promise.all([...Map.groupBy(mutants, ({ test }) => test!)].map(judgeFile));
  return outcome;
}
