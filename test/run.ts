/**
 * `node test/run.ts [--seed N|random] [--concurrency N] [PATTERN…]`: runs the test files that match, by default all of
 * them, and reports failures, skipped tests and the slowest tests. Unless `TOUCHSTONE_TEST_POSTGRES` names a PostgreSQL server, starts one
 * for the time of the run. Properties and models draw from a fixed seed; `--seed random` prints the one it chose.
 * Exit status: 0 if every test passed, else 1.
 */
import { existsSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, join, relative } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { report } from './support/report.ts';

const root = join(import.meta.dirname, '..');
/** Beginnings of the names of files that take longest: they start first, so that the run does not end with one alone. */
const slowest = ['model/', 'end-to-end/', 'resource/', 'cli/', 'mutants/', 'grade/traps/', 'database/'];
/** A file that takes longer hangs. */
const MAX_FILE_MS = 240_000;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    // More files than cores, because many tests wait for a timeout or another process.
    concurrency: { type: 'string', default: String(3 * availableParallelism() + 2) },
  },
});

const listFiles = (patterns: readonly string[]): string[] =>
  globSync([...patterns], { cwd: root })
    .sort()
    .map((file) => join(root, file));

/** The place of a file in `slowest`. */
function rankOf(file: string): number {
  const index = slowest.findIndex((start) => relative(join(root, 'test'), file).startsWith(start));
  return index === -1 ? slowest.length : index;
}

/** Files that do not share a process, by reason. */
const ownProcess: Readonly<Record<string, readonly string[]>> = {
  'loads the program with mutants in it': ['model/grants/*'],
  'measures the time, memory or event loop of its process': [
    'control/worlds',
    'end-to-end/{event-loop,hostile-clients,hostile-key-servers,ready}',
    'http/{rate-limits,regular-expressions,request-validator}',
    'net/listener',
    'payments/outgoing/event-loop',
  ],
  'changes the environment or the certificates of its process': ['cli/mistakes', 'end-to-end/pay-across'],
  'waits for other processes or for timeouts, and would delay the others': [
    'auth/grant.race',
    'cli/{grade,parent,reconcile,start}',
    'end-to-end/{bad-database-network,crash-replay,readme}',
    'payments/outgoing/{crash,worker.race}',
    'resource/payment.race',
    'world/reset-under-load',
  ],
};
const FILES_PER_PROCESS = 16;
/** Fewer of the files that take longest, because those of one process run one after the other. */
const SLOW_FILES_PER_PROCESS = 6;

/**
 * Most files take longer to start a process and load the program than to run their tests. So the others share
 * processes: in each, one file imports several of them, as a suite each.
 */
function groupFiles(files: readonly string[]): string[] {
  const directory = join(root, 'node_modules', '.cache', 'touchstone', `tests-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const patterns = Object.values(ownProcess).flatMap((names) => names.map((name) => `test/${name}.test.ts`));
  const alone = new Set(globSync(patterns, { cwd: root }).map((file) => join(root, file)));
  const groups = files.filter((file) => alone.has(file)).map((file) => [file]);
  for (const members of Map.groupBy(
    files.filter((file) => !alone.has(file)),
    rankOf,
  ).values()) {
    const size = rankOf(members[0]!) === slowest.length ? FILES_PER_PROCESS : SLOW_FILES_PER_PROCESS;
    for (let start = 0; start < members.length; start += size) groups.push(members.slice(start, start + size));
  }
  return groups
    .sort(([one], [other]) => rankOf(one!) - rankOf(other!))
    .map((group, index) => {
      const folders = new Set(group.map((file) => relative(root, file).split('/').slice(1, -1)[0] ?? 'index'));
      const name = group.length === 1 ? basename(group[0]!, '.test.ts') : [...folders].join('+');
      const path = join(directory, `${index + 1}-${name}.test.mjs`);
      writeFileSync(path, declaration(group));
      return path;
    });
}

/** A module that declares the tests of these files. */
const declaration = (files: readonly string[]): string => `
import { declareFiles } from ${JSON.stringify(join(root, 'test', 'support', 'declare-files.ts'))};
declareFiles(${JSON.stringify(root)}, ${JSON.stringify(files)});
`;

const aborted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => aborted.abort());

if (options.seed !== undefined) {
  const seed = options.seed === 'random' ? String(Date.now() % 2 ** 31) : options.seed;
  process.env['TOUCHSTONE_TEST_SEED'] = seed;
  console.log(`seed ${seed}`);
}

const compiled = join(root, 'node_modules', '.cache', 'compiled');
const isFresh = !existsSync(compiled);
process.env['NODE_COMPILE_CACHE'] ??= compiled;
enableCompileCache(process.env['NODE_COMPILE_CACHE']);
// Loaded only now, so that the cache keeps them.
const [{ startPostgreSql }, { buildTemplate }, { templateFile }] = await Promise.all([
  import('./support/postgresql-server.ts'),
  import('../src/database/embedded.ts'),
  import('../src/database/template.ts'),
]);
await using _server = await startPostgreSql();
// In a fresh checkout each of the first processes would make these again.
if (!existsSync(templateFile)) await buildTemplate(templateFile);
if (isFresh) await import('../src/world/deployment.ts');
flushCompileCache();
const files = groupFiles(listFiles(positionals.length > 0 ? positionals : ['test/**/*.test.ts']));
if (files.length === 0) throw new Error(`no file matches ${positionals.join(' ')}`);
const concurrency = Number(options.concurrency);
// A larger space for young objects, which a test soon drops, is collected less often.
const execArgv = ['--max-semi-space-size=64'];
const tests = run({ files, concurrency, execArgv, timeout: MAX_FILE_MS, signal: aborted.signal });
const isPassed = await report(tests, root);
process.exitCode = isPassed && !aborted.signal.aborted ? 0 : 1;
