/**
 * `node test/examples/main.ts [--only PATTERN] [--slow]`: follows sections of the documentation literally, each in an empty
 * directory: those of docs/grade.md for each language, which grade an example, and those of docs/fixtures.md that end
 * with a command; with `--slow` those that need packages of npm or Maven instead. Sections whose toolchain is absent are
 * skipped; with `CI` in the environment only some may be. Exit status: 0 if all others pass.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Report } from '../../src/grade/report.ts';
import { countLevels } from '../../src/grade/reports/summary.ts';
import { linkPackages } from './packages.ts';
import { listFixtures, listLanguages, type Section } from './sections.ts';

const root = join(import.meta.dirname, '..', '..');
/** Survives the checkout, as the caches of the compilers do: the dependencies of the Rust library take a minute to build. */
const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'touchstone', 'examples');

const chromium = '/usr/bin/chromium';
/** A shell command. */
const fetches = (url: string): string => `curl -sfo /dev/null --max-time 20 ${url}`;
/** Fails where the section cannot be followed. */
const toolchains: Readonly<Record<string, readonly string[]>> = {
  Node: [process.execPath, '--version'],
  Go: ['go', 'version'],
  // The Rust library comes from crates.io.
  Rust: ['sh', '-c', `cargo --version && ${fetches('https://index.crates.io/config.json')}`],
  PHP: ['php', '-r', 'exit(extension_loaded("curl") && extension_loaded("sodium") ? 0 : 1);'],
  '.NET': ['dotnet', '--version'],
  // Its cryptography comes from PyPI.
  Python: ['sh', '-c', `python3 -m pip --version && ${fetches('https://pypi.org/simple/pip/')}`],
  Java: ['java', '--version'],
  'node:test': [process.execPath, '--version'],
  pytest: ['python3', '-m', 'pytest', '--version'],
  'go test': ['go', 'version'],
  vitest: ['npm', 'ping'],
  'vitest, a world per worker': ['npm', 'ping'],
  jest: ['npm', 'ping'],
  'JUnit 5': ['sh', '-c', 'java --version && mvn --version'],
  Playwright: ['sh', '-c', `test -x ${chromium} && npm ping`],
  // Its browser is downloaded, or unpacked from the archive that its own variable names.
  Cypress: [
    'sh',
    '-c',
    `which Xvfb && npm ping && { test -f "$CYPRESS_INSTALL_BINARY" || ${fetches('https://download.cypress.io/desktop.json')}; }`,
  ],
};
/** Run with `--slow` only: they download packages, and take minutes. */
const slow: ReadonlySet<string> = new Set([
  'vitest',
  'vitest, a world per worker',
  'jest',
  'JUnit 5',
  'Playwright',
  'Cypress',
]);
const optional: ReadonlySet<string> = new Set(['PHP', '.NET', 'Rust', 'Python', 'pytest', 'Cypress']);

/** The steps that all examples show. */
const flow = [
  'get-wallet-address',
  'post-request',
  'create-incoming-payment',
  'create-quote',
  'post-continue',
  'create-outgoing-payment',
  'post-token',
];

const CONCURRENCY = 2;
const TIMEOUT_MS = 280_000;

interface Outcome {
  readonly kind: 'passed' | 'failed' | 'skipped';
  readonly text: string;
}

async function follow(section: Section, isGraded: boolean): Promise<Outcome> {
  const [program = '', ...args] = toolchains[section.name] ?? [];
  if (spawnSync(program, args, { stdio: 'ignore' }).status !== 0) {
    const isAllowed = optional.has(section.name) || !process.env['CI'];
    return { kind: isAllowed ? 'skipped' : 'failed', text: 'its toolchain is not installed, or has no network' };
  }
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-example-'));
  try {
    // npm removes packages that no manifest names, so the linked ones come afterwards.
    const [installation, script] = splitInstallation(section.script);
    if (installation !== '') await runScript(installation, directory);
    await linkPackages(directory);
    for (const { name, text } of section.files) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), text);
    }
    const { code, output } = await runScript(script, directory);
    if (!isGraded) return { kind: code === 0 ? 'passed' : 'failed', text: code === 0 ? '' : `exit ${code}\n${output}` };
    const file = join(directory, 'touchstone-report', 'report.json');
    if (code !== 0 || !existsSync(file)) return { kind: 'failed', text: `exit ${code}\n${output}` };
    return judge(JSON.parse(await readFile(file, 'utf8')), output);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function splitInstallation(script: string): readonly [installation: string, rest: string] {
  const lines = script.split('\n');
  const installs = (line: string) => line.startsWith('npm install ');
  return [lines.filter(installs).join('\n'), lines.filter((line) => !installs(line)).join('\n')];
}

function runScript(script: string, cwd: string): Promise<{ code: number; output: string }> {
  // The Node.js of the checkout comes first.
  const PATH = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH']}`;
  const env = { ...process.env, PATH, CARGO_TARGET_DIR: join(cache, 'rust'), CHROMIUM: chromium };
  return new Promise((resolve) => {
    execFile('sh', ['-e', '-c', script], { cwd, env, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
    });
  });
}

/** The command of `grade` has passed: each `must` that the example exercises is met. */
function judge(report: Report, output: string): Outcome {
  const missing = flow.filter((operation) => report.coverage.missing.includes(operation));
  if (missing.length > 0) return { kind: 'failed', text: `it did not call ${missing.join(', ')}\n${output}` };
  const { must, should } = countLevels(report);
  return { kind: 'passed', text: `must ${must.met}/${must.judged}  should ${should.met}/${should.judged}` };
}

const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, slow: { type: 'boolean', default: false } },
});
const only = new RegExp(options.only, 'i');
const read = (page: string) => readFile(join(root, 'docs', page), 'utf8');
const languages = listLanguages(await read('grade.md'));
const fixtures = listFixtures(await read('fixtures.md')).filter(({ script }) => script !== '');
const sections = [
  ...languages.map((section) => ({ section, isGraded: true })),
  ...fixtures.map((section) => ({ section, isGraded: false })),
];
const names = sections.map(({ section }) => section.name);
if (names.toSorted().join() !== Object.keys(toolchains).toSorted().join()) {
  throw new Error(
    `docs/grade.md and docs/fixtures.md have sections that this file does not know, or lack some: ${names}`,
  );
}
const counts = { passed: 0, failed: 0, skipped: 0 };
const queue = sections.filter(({ section: { name } }) => only.test(name) && slow.has(name) === options.slow);
await Promise.all(
  Array.from({ length: CONCURRENCY }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const started = performance.now();
      const { kind, text } = await follow(next.section, next.isGraded);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${kind.padEnd(7)} ${next.section.name.padEnd(9)} ${seconds.padStart(5)} s  ${text}`);
      counts[kind] += 1;
    }
  }),
);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
