/** Runs the tests that mutants name, each in a process in which its mutant is active from the start. */
import { type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Mutant } from './mutant.ts';

const root = join(import.meta.dirname, '..', '..');
/** A test may hang under a mutant, which is noticed as well: it gets as long as without the mutant several times. */
const MAX_SLOWDOWN = 5;
const MIN_TEST_MS = 5_000;
const MAX_TEST_MS = 120_000;

/** The failing tests of the file, one a line, or how it ended otherwise; undefined if all of them pass. */
async function runTests(
  { test, title }: Mutant,
  active?: string,
  timeoutMs = MAX_TEST_MS,
): Promise<string | undefined> {
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: inherited = '', ...env } = process.env;
  // Processes that the tests start have the mutant as well.
  const withMutant = active !== undefined && {
    NODE_OPTIONS: `${inherited} --import=${import.meta.resolve('./register.ts')}`.trim(),
    TOUCHSTONE_MUTANT: active,
  };
  const only = title === undefined ? [] : [`--test-name-pattern=${title.replaceAll(/[^\w ]/g, '.')}`];
  // A test does not close a world that only its mutant lets start.
  const args = [...only, '--test-force-exit', '--test-reporter=tap', join(root, test!)];
  const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...env, ...withMutant }, stdio, detached: true });
  const killGroup = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // All of its processes have ended.
    }
  };
  const timer = setTimeout(killGroup, timeoutMs);
  // A failing test can leave processes behind.
  child.once('exit', killGroup);
  const [output, [code]] = await Promise.all([text(child.stdout!), once(child, 'close')]);
  clearTimeout(timer);
  if (code === 0) return /^# pass [1-9]/m.test(output) ? undefined : 'no such test ran';
  return output.match(/(?<=^ *not ok \d+ - ).*/gm)?.join('\n') ?? (code === null ? 'timed out' : `exit code ${code}`);
}

/**
 * Returns how many of the mutants that name a test are noticed by it, and prints the others; with `discover`, prints
 * what fails.
 */
export async function judgeByTests(
  mutants: readonly Mutant[],
  discover: boolean,
): Promise<{ killed: number; survived: number }> {
  const outcome = { killed: 0, survived: 0 };
  const survives = (line: string): void => {
    console.log(line);
    outcome.survived += 1;
  };
  const byTest = Map.groupBy(
    mutants.filter(({ test }) => test !== undefined),
    ({ test, title }) => JSON.stringify([test, title]),
  );
  for (const [name, group] of byTest) {
    // A test that fails without a mutant proves nothing.
    const start = performance.now();
    const unsound = await runTests(group[0]!);
    const longestMs = Math.max(MIN_TEST_MS, MAX_SLOWDOWN * (performance.now() - start));
    if (unsound !== undefined) survives(`UNSOUND ${name}: ${unsound}`);
    for (const mutant of group) {
      const stale = globalThis.staleMutants.get(mutant.id);
      const failure = stale === undefined ? await runTests(mutant, mutant.id, longestMs) : undefined;
      if (failure === undefined) survives(`SURVIVED ${mutant.id}: ${stale ?? `${name} passes`}`);
      else outcome.killed += 1;
      if (discover && failure !== undefined) console.log(`${mutant.id}: ${failure.replaceAll('\n', ' · ')}`);
    }
  }
  return outcome;
}
