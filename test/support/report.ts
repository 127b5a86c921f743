/** The report of a test run: a line for each file, each failure in full, what was skipped and why, the slowest tests. */
import { relative } from 'node:path';
import type { EventData, run } from 'node:test';
import { inspect } from 'node:util';

const SLOWEST = 10;

interface Finished {
  readonly name: string;
  readonly file: string;
  readonly ms: number;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Prints the report while the tests run; resolves with true if all of them passed. */
export async function report(tests: ReturnType<typeof run>, root: string): Promise<boolean> {
  const finished: Finished[] = [];
  const failures: string[] = [];
  /** Files with skipped tests and how many, by the reason. */
  const skipped = new Map<string, Map<string, number>>();
  const totals = { passed: 0, failed: 0, skipped: 0 };
  /** Names of the suites around the test that is being reported. */
  const path: string[] = [];
  const started = performance.now();
  const short = (file: string | undefined): string => (file === undefined ? '' : relative(root, file));

  function record(data: EventData.TestPass | EventData.TestFail): void {
    const { name, nesting, file, skip, details } = data;
    const title = [...path.slice(0, nesting), name].join(' › ');
    if (skip !== undefined && skip !== false) {
      const reason = typeof skip === 'string' && skip !== '' ? skip : 'no reason given';
      const files = skipped.get(reason) ?? new Map<string, number>();
      skipped.set(reason, files.set(short(file), (files.get(short(file)) ?? 0) + 1));
      totals.skipped += 1;
    } else if ('error' in details && details.error) {
      const { error } = details;
      // A suite only repeats that one of its tests failed.
      if ('failureType' in error && error.failureType === 'subtestsFailed') return;
      totals.failed += 1;
      failures.push(`✖ ${title}\n  ${short(file)}:${data.line ?? ''}\n${inspect(error.cause ?? error)}`);
    } else if (details.type !== 'suite') {
      totals.passed += 1;
      finished.push({ name: title, file: short(file), ms: details.duration_ms });
    }
  }

  for await (const { type, data } of tests) {
    if (type === 'test:start') path[data.nesting] = data.name;
    if (type === 'test:pass' || type === 'test:fail') record(data);
    if (type === 'test:stderr') process.stderr.write(data.message);
    if (type === 'test:summary' && data.file !== undefined) {
      const { counts, duration_ms: ms, file, success } = data;
      const notRun = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
      console.log(`${success ? '✔' : '✖'} ${short(file)}: ${counts.passed} passed${notRun}, ${seconds(ms)}`);
    }
  }

  for (const failure of failures) console.log(`\n${failure}`);
  for (const [reason, files] of skipped) {
    console.log(`\nSkipped: ${reason}`);
    for (const [file, count] of files) console.log(`  ${file}: ${count}`);
  }
  console.log(`\nThe ${SLOWEST} slowest tests:`);
  const slowest = finished.sort((one, other) => other.ms - one.ms).slice(0, SLOWEST);
  for (const { name, file, ms } of slowest) console.log(`  ${seconds(ms).padStart(7)}  ${name} (${file})`);
  const { passed, failed, skipped: notRun } = totals;
  const time = seconds(performance.now() - started);
  console.log(`\n${passed} passed, ${failed} failed, ${notRun} skipped in ${time}`);
  return failed === 0 && passed > 0;
}
