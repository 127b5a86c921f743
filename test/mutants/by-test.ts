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

interface Outcome {
  /** `late`: it did not end in time. `broken`: no test ran to its end, which proves nothing. `skipped`: they need what is not installed. */
  readonly verdict: 'passed' | 'failed' | 'late' | 'broken' | 'skipped';
  readonly detail: string;
}

async function runTests({ test, title }: Mutant, active?: string, timeoutMs = MAX_TEST_MS): Promise<Outcome> {
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
  const failed = output.match(/(?<=^ *not ok \d+ - ).*/gm);
  if (failed) return { verdict: 'failed', detail: failed.join(' · ') };
  if (code === null) return { verdict: 'late', detail: 'timed out' };
  if (code === 0 && /^# pass [1-9]/m.test(output)) return { verdict: 'passed', detail: 'passes' };
  if (code === 0 && /^# skipped [1-9]/m.test(output)) return { verdict: 'skipped', detail: 'skipped' };
  return { verdict: 'broken', detail: `exit code ${code}, and no such test ran` };
}

/**
 * Returns how many of the mutants that name a test are noticed by it, and which of these only by a time-out, and prints
 * the others; with `discover`, prints what fails.
 */
export async function judgeByTests(
  mutants: readonly Mutant[],
  discover: boolean,
): Promise<{ killed: number; survived: number; late: string[] }> {
  const outcome = { killed: 0, survived: 0, late: [] as string[] };
  const survives = (line: string): void => {
    console.log(line);
    outcome.survived += 1;
  };
  const byTest = Map.groupBy(mutants, ({ test, title }) => JSON.stringify([test, title]));
  for (const [name, group] of byTest) {
    // A test that fails without a mutant proves nothing.
    const start = performance.now();
    const sound = await runTests(group[0]!);
    const longestMs = Math.max(MIN_TEST_MS, MAX_SLOWDOWN * (performance.now() - start));
    if (sound.verdict === 'skipped') {
      console.log(`SKIPPED ${group.map(({ id }) => id).join(', ')}: ${name} is skipped here`);
      continue;
    }
    if (sound.verdict !== 'passed') survives(`UNSOUND ${name}: ${sound.detail}`);
    for (const mutant of group) {
      const stale = globalThis.staleMutants.get(mutant.id);
      const { verdict, detail } = await runTests(mutant, mutant.id, longestMs);
      const isNoticed = stale === undefined && (verdict === 'failed' || verdict === 'late');
      if (!isNoticed) survives(`SURVIVED ${mutant.id}: ${name} ${stale ?? detail}`);
      else outcome.killed += 1;
      if (verdict === 'late') outcome.late.push(mutant.id);
      if (discover) console.log(`${mutant.id}: ${detail}`);
    }
  }
  return outcome;
}
