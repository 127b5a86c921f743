/** Runs Dredd over the declared answers in a world, or over some of them. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeclaredAnswer } from '../steps/declared-answers.ts';

export interface DreddResult {
  readonly name: string;
  readonly operation: string;
  readonly expected: number;
  readonly isValid: boolean;
  /** Status of the answer; null without one. */
  readonly status: number | null;
  readonly problem?: string;
}

const directory = import.meta.dirname;
const documents = ['wallet-address-server', 'auth-server', 'resource-server'].map((name) =>
  join(directory, '..', '..', 'generated', 'dredd', `${name}.json`),
);
const dredd = join(directory, 'node_modules', 'dredd', 'bin', 'dredd');
/** The hooks set the address of each request. */
const ENDPOINT = 'http://127.0.0.1:9';
const LONGEST_MS = 240_000;
const INSTALL_MS = 180_000;

/** Installs the packages of Dredd, if they are not there. Throws an error of one sentence. */
export function installDredd(): void {
  if (existsSync(dredd)) return;
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--fetch-retries=1'];
  const { status, stderr, error } = spawnSync('npm', options, {
    cwd: directory,
    encoding: 'utf8',
    timeout: INSTALL_MS,
  });
  if (status === 0) return;
  const reason = error?.message ?? /npm error (?!code)(.+)/.exec(stderr)?.[1] ?? `npm ended with status ${status}`;
  throw new Error(`the packages of Dredd cannot be installed (${reason}): try again online, or without --dredd`);
}

/** Tries these answers, by default all that are declared, in the world that the variables name. */
export async function runDredd(
  variables: Readonly<Record<string, string>>,
  only?: readonly DeclaredAnswer[],
): Promise<DreddResult[]> {
  const work = mkdtempSync(join(tmpdir(), 'touchstone-dredd-'));
  const results = join(work, 'results.jsonl');
  try {
    const [first, ...others] = documents as [string, ...string[]];
    const options = ['--hookfiles', join(directory, 'hooks.cjs'), '--loglevel', 'error'];
    const paths = others.flatMap((path) => ['--path', path]);
    const output = await run([dredd, first, ENDPOINT, ...paths, ...options], work, {
      ...process.env,
      ...variables,
      ...(only && { TOUCHSTONE_DREDD_ONLY: listed(only) }),
      TOUCHSTONE_DREDD_RESULTS: results,
      NODE_NO_WARNINGS: '1',
    });
    if (!existsSync(results)) throw new Error(`Dredd tried nothing:\n${output}`);
    const lines = readFileSync(results, 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as DreddResult);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const listed = (answers: readonly DeclaredAnswer[]): string =>
  answers.map(({ operation, status }) => `${operation} ${status}`).join('\n');

/** Runs Node and waits for its end. @returns what it wrote */
async function run(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, args, { cwd, env, timeout: LONGEST_MS, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  await new Promise<void>((resolve, reject) => child.once('close', () => resolve()).once('error', reject));
  return output;
}
