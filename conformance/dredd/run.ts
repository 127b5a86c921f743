/**
 * `node conformance/dredd/run.ts`: starts a world and lets Dredd compare every answer that the documents declare. Exit
 * status: 0 all are as declared, 1 some are not or were not tried, 2 the run could not be carried out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTarget } from '../runner/start-target.ts';
import { declaredAnswers } from '../steps/declared-answers.ts';

interface Result {
  readonly name: string;
  readonly operation: string;
  readonly expected: number;
  readonly isValid: boolean;
  /** Status of the answer; null without one. */
  readonly status?: number | null;
  readonly problem?: string;
}

const directory = import.meta.dirname;
const documents = ['wallet-address-server', 'auth-server', 'resource-server'].map((name) =>
  join(directory, '..', '..', 'generated', 'dredd', `${name}.json`),
);
const dredd = join(directory, 'node_modules', 'dredd', 'bin', 'dredd');
/** The hooks set the address of each request. */
const ENDPOINT = 'http://127.0.0.1:9';

function install(): void {
  if (existsSync(dredd)) return;
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', options, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('the packages of Dredd could not be installed');
}

function runDredd(variables: Record<string, string>): Result[] {
  const work = mkdtempSync(join(tmpdir(), 'touchstone-dredd-'));
  const results = join(work, 'results.jsonl');
  try {
    const [first, ...others] = documents as [string, ...string[]];
    const options = ['--hookfiles', join(directory, 'hooks.cjs'), '--loglevel', 'error'];
    const paths = others.flatMap((path) => ['--path', path]);
    const env = { ...process.env, ...variables, TOUCHSTONE_DREDD_RESULTS: results, NODE_NO_WARNINGS: '1' };
    const { stdout, stderr } = spawnSync(process.execPath, [dredd, first, ENDPOINT, ...paths, ...options], {
      ...{ cwd: work, env, encoding: 'utf8', timeout: 240_000 },
    });
    if (!existsSync(results)) throw new Error(`Dredd tried nothing:\n${stdout}${stderr}`);
    const lines = readFileSync(results, 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as Result);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  install();
  const target = await startTarget();
  const results = await Promise.resolve(runDredd(target.variables)).finally(target.stop);
  const failed = results.filter(({ isValid }) => !isValid);
  for (const { name, status, problem } of failed) {
    process.stdout.write(`FAIL ${name}\n  answered ${status ?? 'nothing'}\n  ${problem?.replaceAll('\n', '\n  ')}\n`);
  }
  const untried = declaredAnswers.filter(
    ({ operation, status }) => !results.some((result) => result.operation === operation && result.expected === status),
  );
  for (const { operation, status } of untried) process.stdout.write(`FAIL ${operation} ${status}\n  was not tried\n`);
  process.stdout.write(`Dredd: ${results.length} transactions of ${declaredAnswers.length} declared answers\n`);
  const failures = failed.length + untried.length;
  process.stdout.write(`${results.length - failed.length} passed, ${failures} failed\n`);
  return failures === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
