/**
 * A process that runs conformance checks under mutants, for `main.ts`: each message names a mutant, or none, and the
 * checks, and is answered with what became of them. Ends when its parent disconnects.
 */
import pino from 'pino';
import { checks } from '../../conformance/checks/index.ts';
import { properties } from '../../conformance/properties/index.ts';
import { type Check, type Profile, profiles, runChecks, usualCases } from '../../conformance/runner/check.ts';
import { createRun } from '../../conformance/runner/run.ts';
import { parseTarget } from '../../conformance/runner/target.ts';
import { loadOperations } from '../../conformance/runner/validation.ts';
import { createDeployment } from '../../src/world/deployment.ts';
import { mainWorldId } from '../../src/world/naming.ts';
import { createFastestDatabase } from '../support/postgresql.ts';
import { mutants } from './index.ts';
import type { Mutant } from './mutant.ts';

export interface CheckRequest {
  readonly mutant: string | undefined;
  readonly checks: readonly string[];
}

export interface CheckReply {
  /** Why a check failed, by its id; null if it passed. An id that is missing has no check. */
  readonly failures: Readonly<Record<string, string | null>>;
  /** A check did not end in time. */
  readonly isLate: boolean;
  /** Why the checks could not be run. */
  readonly error?: string;
}

// A check may hang under a mutant: that is noticed as well.
const MAX_CHECK_MS = 30_000;
const TIMED_OUT = 'timed out';

const operations = await loadOperations();
const database = await createFastestDatabase();
const deployment = await createDeployment({
  host: '127.0.0.1',
  controlPort: 0,
  database: database.options,
  insecure: false,
  log: pino({ level: 'silent' }),
});
process.on('unhandledRejection', () => {});

/** Runs these checks, each under the mutant, in a fresh world of each profile that one of them asks for. */
async function judge(mutant: Mutant | undefined, checks: readonly Check[]): Promise<CheckReply> {
  const failures: Record<string, string | null> = {};
  for (const profile of profiles) {
    const fitting = checks.filter((check) => (check.profile ?? mutant?.profile ?? 'compat') === profile);
    if (fitting.length === 0) continue;
    // The result that judges all answers comes with each profile.
    for (const { id, failure } of await runIn(profile, mutant, fitting)) failures[id] ??= failure?.message ?? null;
  }
  return { failures, isLate: Object.values(failures).includes(TIMED_OUT) };
}

async function runIn(profile: Profile, mutant: Mutant | undefined, checks: readonly Check[]) {
  if (mutant?.from === 'founding') globalThis.touchstoneMutant = mutant.id;
  try {
    const world = await deployment.addWorld(mainWorldId, { consent: 'auto', profile });
    const run = await createRun(parseTarget(world.describeEnvironment()), operations, {
      random: { ...usualCases, shrinks: false },
    });
    globalThis.touchstoneMutant = mutant?.id;
    const results = await runChecks(checks.map(boundInTime), run.contextFor);
    await run.close();
    return results;
  } finally {
    globalThis.touchstoneMutant = undefined;
    await deployment.removeWorld(mainWorldId);
  }
}

const boundInTime = (check: Check): Check => ({
  ...check,
  run: (context) => {
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(TIMED_OUT)), MAX_CHECK_MS).unref();
    });
    return Promise.race([check.run(context), late]);
  },
});

const allChecks: readonly Check[] = [...checks, ...properties];

process.on('message', async (request: CheckRequest) => {
  const ids = new Set(request.checks);
  const mutant = mutants.find(({ id }) => id === request.mutant);
  const reply = await judge(
    mutant,
    allChecks.filter(({ id }) => ids.has(id)),
  ).catch((error): CheckReply => ({ failures: {}, isLate: false, error: String(error?.message ?? error) }));
  // An interrupted run waits for no verdict.
  if (process.connected) process.send!(reply);
});
async function end(): Promise<void> {
  await deployment.close();
  await database.drop();
  process.exit();
}
process.once('disconnect', end);
// The parent may have had no mutant left while this process started.
if (!process.connected) await end();
