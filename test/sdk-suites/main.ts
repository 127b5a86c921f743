/**
 * `make sdk-suites`: follows the READMEs of `examples/` literally, each from a clone of an official SDK at a pinned commit
 * to its unmodified integration suite under `touchstone grade`, in a network without anything else.
 *
 * `--only PATTERN` selects suites. `--from DIR` takes the repositories from the clones in that directory instead of
 * GitHub. `--figures FILE` writes the results down. Suites whose toolchain is absent are skipped. Exit status: 1 if a
 * test failed, a requirement that the baseline of the suite does not list is violated, or nothing was run.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { Report } from '../../src/grade/report.ts';
import { countLevels } from '../../src/grade/reports/summary.ts';
import { linkPackages } from '../examples/packages.ts';
import { type Figures, writeFigures } from './figures.ts';
import { readCommands, type Suite, type SuiteCounts, suites } from './suites.ts';

const root = join(import.meta.dirname, '..', '..');
/** Survives the checkout, as the caches of the compilers do: the dependencies of the Rust suite take minutes to build. */
const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'touchstone', 'sdk-suites');
const SILENT = { stdio: 'ignore', timeout: 30_000 } as const;

/** Ends with everything that was started in it, and has no network but its loopback interface. */
const isolation = ['--map-root-user', '--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** Chromium has no display here and cannot be root without these flags. */
const prepareNetwork = `
ip link set lo up
if [ -d /etc/chromium.d ]; then
  cp -r /etc/chromium.d "$WORK/chromium.d"
  echo 'export CHROMIUM_FLAGS="$CHROMIUM_FLAGS --headless=new --no-sandbox"' > "$WORK/chromium.d/headless"
  mount --bind "$WORK/chromium.d" /etc/chromium.d
fi
`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    from: { type: 'string' },
    figures: { type: 'string' },
  },
});
/** Git reads the clones of `--from` in place of GitHub. */
const git: Readonly<Record<string, string>> = options.from
  ? {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `url.${resolve(options.from)}/.insteadOf`,
      GIT_CONFIG_VALUE_0: 'https://github.com/interledger/',
    }
  : {};

const UNREACHABLE = options.from ? `no clone in ${options.from}` : 'GitHub cannot be reached';

function findObstacle({ repository, needs }: Suite): string | undefined {
  const common = {
    git: 'git --version',
    ip: 'ip -V',
    'unprivileged namespaces': `unshare ${isolation.join(' ')} true`,
  };
  const missing = Object.entries({ ...common, ...needs }).find(
    ([, command]) => spawnSync('sh', ['-c', command], SILENT).status !== 0,
  );
  if (missing) return `no ${missing[0]}`;
  const env = { ...process.env, ...git };
  const isReachable = spawnSync('git', ['ls-remote', repository, 'HEAD'], { ...SILENT, env }).status === 0;
  return isReachable ? undefined : UNREACHABLE;
}

interface Ended {
  readonly code: number;
  readonly output: string;
}

async function runScript(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number>((done) => child.once('close', (code) => done(code ?? 1)));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, output: `${stdout}\n${stderr}` };
}

interface Outcome {
  readonly counts: SuiteCounts;
  readonly report?: Report;
  readonly commit: string;
  /** Why the suite failed, if it did. */
  readonly failure?: string;
}

async function follow(suite: Suite): Promise<Outcome> {
  const readme = await readFile(join(root, 'examples', suite.name, 'README.md'), 'utf8');
  const { build, run } = readCommands(readme, suite.heading);
  const [, commit = 'HEAD'] = /^git checkout (\S+)$/m.exec(build) ?? [];
  const work = await mkdtemp(join(tmpdir(), 'touchstone-sdk-'));
  try {
    await linkPackages(work);
    const target = join(cache, suite.name);
    await mkdir(target, { recursive: true });
    const PATH = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH']}`;
    const env = { ...process.env, ...git, PATH, CARGO_TARGET_DIR: target, WORK: work };
    const steps = build.replace('npm install touchstone\n', '');
    const built = await runScript(['sh', '-e', '-c', steps], work, env);
    const nothing = { passed: 0, failed: suite.tests, skipped: 0 };
    if (built.code !== 0) return { counts: nothing, commit, failure: `it cannot be built:\n${built.output}` };
    const clone = join(work, suite.repository.slice(suite.repository.lastIndexOf('/') + 1));
    const script = `${prepareNetwork}\ncd "${clone}"\n${run}`;
    const ran = await runScript(['unshare', ...isolation, 'sh', '-e', '-c', script], work, env);
    return { commit, ...(await judge(suite, ran, join(clone, 'touchstone-report', 'report.json'))) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function judge(suite: Suite, { code, output }: Ended, file: string): Promise<Omit<Outcome, 'commit'>> {
  const counted = suite.count(output);
  const missing = Math.max(0, suite.tests - counted.passed - counted.failed - counted.skipped);
  const counts = { ...counted, failed: counted.failed + missing };
  if (!existsSync(file)) return { counts, failure: `exit ${code}, without a report\n${output}` };
  const report: Report = JSON.parse(await readFile(file, 'utf8'));
  const isGood = code === 0 && report.exitCode === 0 && counts.passed >= suite.tests;
  return { counts, report, ...(!isGood && { failure: `exit ${code}; ${report.reasons.join('; ')}\n${output}` }) };
}

const describe = ({ counts: { passed, failed, skipped }, report }: Outcome): string => {
  const tests = `${passed} passed, ${failed} failed, ${skipped} skipped`;
  if (!report) return tests;
  const { must, should } = countLevels(report);
  return `${tests}   must ${must.met}/${must.judged}  should ${should.met}/${should.judged}`;
};

const totals = { passed: 0, failed: 0, skipped: 0 };
const figures: Figures[] = [];
const obstacles = new Set<string>();
for (const suite of suites.filter(({ name }) => new RegExp(options.only, 'i').test(name))) {
  const obstacle = findObstacle(suite);
  if (obstacle !== undefined) {
    obstacles.add(obstacle);
    totals.skipped += suite.tests;
    console.log(`skipped ${suite.name.padEnd(7)} ${obstacle}`);
    continue;
  }
  const outcome = await follow(suite);
  for (const each of ['passed', 'failed', 'skipped'] as const) totals[each] += outcome.counts[each];
  // A violated requirement is a failure too, even if each test of the suite passed.
  if (outcome.failure !== undefined && outcome.counts.failed === 0) totals.failed += 1;
  const kind = outcome.failure === undefined ? 'passed' : 'failed';
  console.log(`${kind.padEnd(7)} ${suite.name.padEnd(7)} ${describe(outcome)}`);
  if (outcome.failure !== undefined) console.log(outcome.failure);
  figures.push({ suite, ...outcome });
}
if (options.figures !== undefined) await writeFigures(options.figures, figures);
if (!options.from && obstacles.has(UNREACHABLE)) {
  console.log('Without GitHub, put clones of the repositories in a directory DIR, and run it with ARGS=--from=DIR.');
}
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
