/** Runs the tests that mutants name, each in a process in which its mutant is active from the start. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { Mutant } from './mutant.ts';

const root = join(import.meta.dirname, '..', '..');
/** A test may hang under a mutant: that is noticed as well. */
const MAX_TEST_MS = 120_000;

/** The failing tests of the file, one a line, or how it ended otherwise; undefined if all of them pass. */
function runTests({ test, title }: Mutant, active: string | undefined): Promise<string | undefined> {
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: inherited = '', ...env } = process.env;
  // Processes that the tests start have the mutant as well.
  const withMutant = active !== undefined && {
    NODE_OPTIONS: `${inherited} --import=${import.meta.resolve('./register.ts')}`.trim(),
    TOUCHSTONE_MUTANT: active,
  };
  const only = title === undefined ? [] : [`--test-name-pattern=${title.replaceAll(/[^\w ]/g, '.')}`];
  // A test does not close a world that only its mutant lets start.
  const args = [...only, '--test-force-exit', '--test-reporter=tap', join(root, test!)];
  const options = { env: { ...env, ...withMutant }, timeout: MAX_TEST_MS, maxBuffer: 2 ** 26 } as const;
  return new Promise((resolve) => {
    execFile(process.execPath, args, { ...options, cwd: root, killSignal: 'SIGKILL' }, (error, stdout) => {
      const failed = stdout.match(/(?<=^ *not ok \d+ - ).*/gm) ?? [];
      if (!error) resolve(/^# pass [1-9]/m.test(stdout) ? undefined : 'no such test ran');
      else resolve(failed.join('\n') || error.message);
    });
  });
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
    const unsound = await runTests(group[0]!, undefined);
    if (unsound !== undefined) survives(`UNSOUND ${name}: ${unsound}`);
    for (const mutant of group) {
      const stale = globalThis.staleMutants.get(mutant.id);
      const failure = stale === undefined ? await runTests(mutant, mutant.id) : undefined;
      if (failure === undefined) survives(`SURVIVED ${mutant.id}: ${stale ?? `${name} passes`}`);
      else outcome.killed += 1;
      if (discover && failure !== undefined) console.log(`${mutant.id}: ${failure.replaceAll('\n', ' · ')}`);
    }
  }
  return outcome;
}
