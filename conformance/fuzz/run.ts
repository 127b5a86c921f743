/**
 * `node conformance/fuzz/run.ts`: schemathesis sends generated requests, valid and invalid, to a fresh world. Exit status:
 * 0 all findings are explained by the baseline, 1 some are not, 2 the run could not be carried out. `--short` runs for
 * half a minute and is skipped where Python or its packages cannot be had. `--seed N`, `--examples N` and
 * `--profile NAME` change the input.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { profiles } from '../runner/check.ts';
import { startTarget } from '../runner/start-target.ts';
import { type Finding, isExplained, readFindings, readKnownFindings } from './findings.ts';

const directory = import.meta.dirname;
const root = join(directory, '..', '..');
const requirements = join(directory, 'requirements.txt');
const interpretations = readFileSync(join(root, 'docs', 'interpretations.md'), 'utf8');
const known = readKnownFindings(new URL('baseline.yaml', import.meta.url), interpretations);

const documents = ['auth-server', 'resource-server', 'wallet-address-server'] as const;
type DocumentName = (typeof documents)[number];

interface Options {
  readonly short: boolean;
  readonly seed: string;
  readonly examples: string;
}

/** Seconds of a short run, for each document. */
const SHORT_S: Readonly<Record<DocumentName, number>> = {
  'auth-server': 9,
  'resource-server': 12,
  'wallet-address-server': 3,
};
const LONG_S = 240;

/**
 * Opinions of schemathesis on input, which depend on what it draws. A short run only prints those that the baseline
 * lacks, because how much it sends depends on the time that it gets.
 */
const opinions: ReadonlySet<string> = new Set(['RejectedPositiveData', 'AcceptedNegativeData']);

/** The packages cannot be had, in one sentence. */
class Unavailable extends Error {}

/** The path of schemathesis in a virtual environment, which is made once for each list of packages. */
function install(): string {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const environment = join(root, 'node_modules', '.cache', `fuzz-${hash}`);
  const program = join(environment, 'bin', 'schemathesis');
  if (existsSync(join(environment, 'installed'))) return program;
  rmSync(environment, { recursive: true, force: true });
  const python = spawnSync('python3', ['-m', 'venv', environment], { encoding: 'utf8' });
  if (python.error) throw new Unavailable('python3 is not installed');
  if (python.status !== 0) throw new Unavailable('python3 cannot make a virtual environment (python3-venv is missing)');
  const pip = spawnSync(
    join(environment, 'bin', 'python'),
    [
      '-m',
      'pip',
      'install',
      '-q',
      '--disable-pip-version-check',
      '--require-hashes',
      '--only-binary',
      ':all:',
      '-r',
      requirements,
    ],
    { encoding: 'utf8', timeout: 180_000 },
  );
  if (pip.status !== 0) throw new Unavailable(`pip cannot install the packages (${lastLine(pip.stderr)})`);
  writeFileSync(join(environment, 'installed'), '');
  return program;
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

async function findServers(variables: Readonly<Record<string, string>>): Promise<Record<DocumentName, string>> {
  const walletAddress = variables['TOUCHSTONE_WALLET_ADDRESS']!;
  const answer = await fetch(walletAddress, { headers: { accept: 'application/json' } });
  const { authServer, resourceServer } = (await answer.json()) as { authServer: string; resourceServer: string };
  return {
    'auth-server': authServer.replace(/\/$/, ''),
    'resource-server': resourceServer,
    'wallet-address-server': walletAddress,
  };
}

/** Runs schemathesis on one document. */
async function fuzz(
  program: string,
  document: DocumentName,
  url: string,
  variables: Readonly<Record<string, string>>,
  { short, seed, examples }: Options,
) {
  const work = mkdtempSync(join(tmpdir(), 'touchstone-fuzz-'));
  const report = join(work, 'report.ndjson');
  const limits = ['--seed', seed, '--max-examples', examples, '--max-time', String(short ? SHORT_S[document] : LONG_S)];
  const schema = join(root, 'generated', document, 'document.json');
  const args = ['run', schema, '--url', url, '--checks', 'all', '--continue-on-failure', '--no-color', ...limits];
  const reports = ['--report', 'ndjson', '--report-ndjson-path', report, '--output-sanitize', 'true'];
  const env = {
    ...{ ...process.env, ...variables, SCHEMATHESIS_HOOKS: 'hooks' },
    ...{ PYTHONPATH: directory, PYTHONDONTWRITEBYTECODE: '1' },
  };
  try {
    const child = spawn(program, [...args, ...reports], { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        output += data.toString();
      });
    await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
    const read = existsSync(report) ? readFindings(readFileSync(report, 'utf8')) : undefined;
    if (!read || read.requests === 0)
      throw new Error(`schemathesis sent nothing to ${document}:\n${output.slice(-3000)}`);
    return read;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const describe = ({ operation, type, message, status, description, example }: Finding): string =>
  `${operation} ${type}: ${message}\n  answered ${status} ${description}\n  ${example}`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      examples: { type: 'string', default: '30' },
      profile: { type: 'string' },
    },
  });
  const options = values.short ? { ...values, examples: '5' } : values;
  const program = install();
  const unexplained: Finding[] = [];
  const seen = new Set<object>();
  let passed = 0;
  const chosen = options.profile ?? (options.short ? 'compat' : undefined);
  for (const profile of profiles.filter((each) => chosen === undefined || each === chosen)) {
    const target = await startTarget({ profile });
    try {
      const servers = await findServers(target.variables);
      for (const document of documents) {
        const { findings, requests } = await fuzz(program, document, servers[document], target.variables, options);
        const fresh = findings.filter((finding) => {
          const explanations = known.filter((entry) => isExplained(finding, entry));
          for (const entry of explanations) seen.add(entry);
          return explanations.length === 0;
        });
        const failed = fresh.filter(({ type }) => !options.short || !opinions.has(type));
        unexplained.push(...failed);
        if (failed.length === 0) passed += 1;
        const counts = `${requests} requests, ${findings.length - fresh.length} explained findings, ${fresh.length} others`;
        const lines = fresh.map((each) => `${failed.includes(each) ? 'FAIL' : 'NOTE'} ${describe(each)}`);
        console.log([`${profile} ${document}: ${counts}`, ...lines].join('\n'));
      }
    } finally {
      await target.stop();
    }
  }
  const unseen = known.filter((entry) => !seen.has(entry));
  if (!options.short && unseen.length > 0)
    console.log(`not seen in this run: ${unseen.map(({ operation, type }) => `${type} of ${operation}`).join('; ')}`);
  console.log(`${passed} passed, ${unexplained.length} failed`);
  return unexplained.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const { message } = error as Error;
  if (error instanceof Unavailable && process.argv.includes('--short')) {
    console.log(`the fuzzing run is skipped: ${message}\n0 passed, 0 failed`);
  } else {
    console.error(message);
    process.exitCode = 2;
  }
}
