/**
 * `node test/examples/main.ts [--only PATTERN]`: follows each section “In each language” of docs/grade.md literally,
 * in an empty directory, where it grades an example. Sections whose toolchain is absent are skipped; with `CI` in the
 * environment only those of PHP and .NET may be. Exit status: 0 if all others pass.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Report } from '../../src/grade/report.ts';
import { countLevels } from '../../src/grade/reports/summary.ts';
import { listSections, type Section } from './sections.ts';

const root = join(import.meta.dirname, '..', '..');
/** Survives the checkout, as the caches of the compilers do: the dependencies of the Rust library take a minute to build. */
const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'touchstone', 'examples');

/** Fails where the section cannot be followed. */
const toolchains: Readonly<Record<string, readonly string[]>> = {
  Node: [process.execPath, '--version'],
  Go: ['go', 'version'],
  Rust: ['cargo', '--version'],
  PHP: ['php', '-r', 'exit(extension_loaded("curl") && extension_loaded("sodium") ? 0 : 1);'],
  '.NET': ['dotnet', '--version'],
  Python: ['python3', '-m', 'pip', '--version'],
  Java: ['java', '--version'],
};
const optional: ReadonlySet<string> = new Set(['PHP', '.NET']);

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

async function follow(section: Section): Promise<Outcome> {
  const [program = '', ...args] = toolchains[section.name] ?? [];
  if (spawnSync(program, args, { stdio: 'ignore' }).status !== 0) {
    const isAllowed = optional.has(section.name) || !process.env['CI'];
    return { kind: isAllowed ? 'skipped' : 'failed', text: 'its toolchain is not installed' };
  }
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-example-'));
  try {
    await linkPackages(directory);
    const { code, output } = await runScript(section.script, directory);
    const file = join(directory, 'touchstone-report', 'report.json');
    if (code !== 0 || !existsSync(file)) return { kind: 'failed', text: `exit ${code}\n${output}` };
    return judge(JSON.parse(await readFile(file, 'utf8')), output);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** In place of `npm install`: the packages of this checkout. */
async function linkPackages(directory: string): Promise<void> {
  const packages = join(directory, 'node_modules');
  await mkdir(join(packages, '.bin'), { recursive: true });
  await symlink(root, join(packages, 'touchstone'));
  await symlink(join(root, 'bin', 'touchstone.mjs'), join(packages, '.bin', 'touchstone'));
  await symlink(join(root, 'node_modules', '@interledger'), join(packages, '@interledger'));
}

function runScript(script: string, cwd: string): Promise<{ code: number; output: string }> {
  // The Node.js of the checkout comes first.
  const PATH = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH']}`;
  const env = { ...process.env, PATH, CARGO_TARGET_DIR: join(cache, 'rust') };
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

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const only = new RegExp(options.only, 'i');
const sections = listSections(await readFile(join(root, 'docs', 'grade.md'), 'utf8'));
const unknown = sections.filter(({ name }) => !toolchains[name]).map(({ name }) => name);
if (unknown.length > 0 || sections.length !== Object.keys(toolchains).length) {
  throw new Error(`docs/grade.md has other languages than this file: ${unknown.join(', ')}`);
}
const counts = { passed: 0, failed: 0, skipped: 0 };
const queue = sections.filter(({ name }) => only.test(name));
await Promise.all(
  Array.from({ length: CONCURRENCY }, async () => {
    for (let section = queue.shift(); section; section = queue.shift()) {
      const started = performance.now();
      const { kind, text } = await follow(section);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${kind.padEnd(7)} ${section.name.padEnd(7)} ${seconds.padStart(5)} s  ${text}`);
      counts[kind] += 1;
    }
  }),
);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
