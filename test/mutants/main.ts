/**
 * `node --import ./test/mutants/register.ts test/mutants/main.ts [--only PATTERN] [--discover]`: activates one mutant
 * after the other, each in a fresh world, and runs the conformance checks that must fail then. A mutant that leaves one
 * of them passing has survived, and a check without any mutant is not proven. Runs the tests that mutants name beside
 * that, in other processes. Exit status: 0 neither happened, else 1.
 */
import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import pino from 'pino';
import { checks } from '../../conformance/checks/index.ts';
import { properties } from '../../conformance/properties/index.ts';
import {
  answersCheckId,
  type Check,
  type Profile,
  profiles,
  runChecks,
  usualCases,
} from '../../conformance/runner/check.ts';
import { createRun } from '../../conformance/runner/run.ts';
import { parseTarget } from '../../conformance/runner/target.ts';
import { loadOperations } from '../../conformance/runner/validation.ts';
import { createDeployment } from '../../src/world/deployment.ts';
import { mainWorldId } from '../../src/world/naming.ts';
import { startPostgreSql } from '../support/postgresql-server.ts';
import { judgeByTests } from './by-test.ts';
import { mutants as allMutants } from './index.ts';
import type { Mutant } from './mutant.ts';

const { values: options } = parseArgs({
  options: {
    /** Mutants whose id or test file, or one of whose checks, matches. */
    only: { type: 'string' },
    /** Runs all checks under each mutant and prints those that fail. */
    discover: { type: 'boolean', default: false },
  },
});

const allChecks: readonly Check[] = [...checks, ...properties];
const only = new RegExp(options.only ?? '');
const checkIds = [...allChecks.map(({ id }) => id), answersCheckId];

/** The checks that entries such as `resource.*-unsigned` name. */
function expand(entries: readonly string[] = []): string[] {
  return entries.flatMap((entry) => {
    const pattern = new RegExp(`^${entry.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`);
    const matching = checkIds.filter((id) => pattern.test(id));
    return matching.length > 0 ? matching : [entry];
  });
}
const wanted = allMutants.filter(({ id, fails, test = id }) =>
  [id, test, ...expand(fails)].some((name) => only.test(name)),
);
// A check may hang under a mutant: that is noticed as well.
const longestMs = 30_000;
/** Mutants that are noticed by a time-out instead of an assertion. */
const late = new Set<string>();

const timedOut = 'timed out';

type Verdict = 'failed' | 'passed' | 'missing';

const log = pino({ level: 'silent' });
const operations = await loadOperations();
await using server = await startPostgreSql();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void Promise.resolve(server[Symbol.asyncDispose]()).then(() => process.exit(1)));
}
// Loaded only now, because it reads where the server is.
const { createFastestDatabase } = await import('../support/postgresql.ts');
const database = await createFastestDatabase();
const deployment = await createDeployment({
  host: '127.0.0.1',
  controlPort: 0,
  database: database.options,
  insecure: false,
  log,
});
process.on('unhandledRejection', () => {});

/** Runs these checks, each under the mutant, in a fresh world of each profile that one of them asks for. */
async function judge(mutant: Mutant | undefined, checks: readonly Check[]): Promise<Map<string, Verdict>> {
  const verdicts = new Map<string, Verdict>();
  for (const profile of profiles) {
    const fitting = checks.filter((check) => (check.profile ?? mutant?.profile ?? 'compat') === profile);
    if (fitting.length > 0) await judgeIn(profile, mutant, fitting, verdicts);
  }
  return verdicts;
}

async function judgeIn(
  profile: Profile,
  mutant: Mutant | undefined,
  checks: readonly Check[],
  verdicts: Map<string, Verdict>,
): Promise<void> {
  if (mutant?.from === 'founding') globalThis.touchstoneMutant = mutant.id;
  try {
    const world = await deployment.addWorld(mainWorldId, { consent: 'auto', profile });
    const run = await createRun(parseTarget(world.describeEnvironment()), operations, {
      random: { ...usualCases, shrinks: false },
    });
    globalThis.touchstoneMutant = mutant?.id;
    const results = await runChecks(checks.map(boundInTime), run.contextFor);
    for (const { id, failure } of results) {
      if (verdicts.get(id) !== 'failed') verdicts.set(id, failure ? 'failed' : 'passed');
      if (mutant && failure?.message === timedOut) late.add(mutant.id);
    }
    await run.close();
  } finally {
    globalThis.touchstoneMutant = undefined;
    await deployment.removeWorld(mainWorldId);
  }
}

const boundInTime = (check: Check): Check => ({
  ...check,
  run: (context) => {
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(timedOut)), longestMs).unref();
    });
    return Promise.race([check.run(context), late]);
  },
});

/** Tests a mutant at the top level of a module in a separate process. */
async function judgeInProcess({ id }: Mutant): Promise<boolean> {
  const args = ['--import', import.meta.resolve('./register.ts'), import.meta.filename, '--only', `^${id}$`];
  const env = { ...process.env, TOUCHSTONE_MUTANT: id };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env }).catch((error) => error);
  process.stdout.write(stdout.replace(/^mutants .*\n/gm, ''));
  return !stdout.includes('SURVIVED') && stdout.includes('mutants killed');
}

/** Prints what survived; true if nothing did. */
async function test(mutant: Mutant): Promise<boolean> {
  const reason = globalThis.staleMutants.get(mutant.id);
  if (reason !== undefined) throw new Error(reason);
  if (mutant.from === 'loading' && process.env['TOUCHSTONE_MUTANT'] !== mutant.id) return judgeInProcess(mutant);
  const { id, after = [] } = mutant;
  const fails = expand(mutant.fails);
  const ids = new Set([...fails, ...after]);
  const checks = options.discover ? allChecks : allChecks.filter((check) => ids.has(check.id));
  const verdicts = await judge(mutant, checks);
  if (options.discover) {
    console.log(
      `${id}: ${[...verdicts].flatMap(([check, verdict]) => (verdict === 'failed' ? [check] : [])).join(' ')}`,
    );
    return true;
  }
  const survivors = fails.filter((check) => verdicts.get(check) !== 'failed');
  for (const check of survivors) console.log(`SURVIVED ${id}: ${check} ${verdicts.get(check) ?? 'is not there'}`);
  return survivors.length === 0;
}

let [killed, survived] = [0, 0];
const byTest = wanted.filter(({ test }) => test !== undefined && !process.env['TOUCHSTONE_MUTANT']);
const judgingByTests = judgeByTests(byTest, options.discover);
// A check that fails without a mutant proves nothing.
if (!options.discover && !process.env['TOUCHSTONE_MUTANT']) {
  const ids = new Set(wanted.flatMap(({ fails, after = [] }) => [...expand(fails), ...after]));
  const sound = await judge(
    undefined,
    allChecks.filter(({ id }) => ids.has(id)),
  );
  for (const [id, verdict] of sound) {
    if (verdict === 'passed') continue;
    console.log(`UNSOUND ${id}: it fails without a mutant`);
    survived += 1;
  }
}
for (const mutant of wanted.filter(({ fails, test }) => fails || (options.discover && !test))) {
  const isNoticed = await test(mutant).catch((error) => {
    console.log(`SURVIVED ${mutant.id}: ${error instanceof Error ? error.message : error}`);
    return false;
  });
  if (isNoticed) killed += 1;
  else survived += 1;
}
const byTests = await judgingByTests;
killed += byTests.killed;
survived += byTests.survived;
for (const id of byTests.late) late.add(id);
if (late.size > 0) console.log(`noticed by a time-out: ${[...late].join(', ')}`);
const proven = new Set(allMutants.flatMap(({ fails }) => expand(fails)));
const unproven = checkIds.filter((id) => only.test(id) && !proven.has(id));
if (!options.discover && !process.env['TOUCHSTONE_MUTANT']) {
  for (const id of unproven) console.log(`UNPROVEN ${id}: no mutant makes it fail`);
}
console.log(`mutants killed ${killed} · survived ${survived} · checks without one ${unproven.length}`);
await deployment.close();
await database.drop();
process.exitCode = survived + unproven.length > 0 ? 1 : 0;
