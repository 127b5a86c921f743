/** Runs the conformance checks that mutants name, in several processes, each of which takes one mutant after the other. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Judgement } from './by-test.ts';
import type { CheckReply, CheckRequest } from './check-worker.ts';
import type { Mutant } from './mutant.ts';

/** A mutant and the ids of the checks that must notice it. */
export interface MutantOfChecks {
  readonly mutant: Mutant;
  readonly fails: readonly string[];
}

interface JudgeOptions {
  readonly processes: number;
  /** Ids of all checks: runs them all under each mutant and prints those that fail. Otherwise undefined. */
  readonly discover: readonly string[] | undefined;
}

const register = import.meta.resolve('./register.ts');

/** Starts a process; one that loads only this mutant, active from the start, if it is named. */
function startWorker(loading?: string): ChildProcess {
  const { TOUCHSTONE_MUTANT: _, ...env } = process.env;
  return fork(join(import.meta.dirname, 'check-worker.ts'), {
    execArgv: ['--import', register],
    env: { ...env, ...(loading !== undefined && { TOUCHSTONE_MUTANT: loading }) },
  });
}

async function ask(worker: ChildProcess, request: CheckRequest): Promise<CheckReply> {
  const over = new AbortController();
  worker.send(request);
  try {
    return await Promise.race([
      once(worker, 'message', { signal: over.signal }).then(([reply]) => reply as CheckReply),
      once(worker, 'exit', { signal: over.signal }).then(([code, signal]) => {
        throw new Error(`its process ended with ${signal ?? code}`);
      }),
    ]);
  } finally {
    over.abort();
  }
}

async function stopWorker(worker: ChildProcess): Promise<void> {
  if (!worker.connected) return;
  worker.disconnect();
  await once(worker, 'exit');
}

/** Returns how many are noticed, and which of these by a time-out, and prints the others. */
export async function judgeByChecks(
  mutants: readonly MutantOfChecks[],
  { processes, discover }: JudgeOptions,
): Promise<Judgement> {
  const outcome = { killed: 0, survived: 0, late: [] as string[] };
  const survives = (line: string): void => {
    console.log(line);
    outcome.survived += 1;
  };

  /** Those of the checks that fail without a mutant, and why. */
  async function findFailing(worker: ChildProcess, checks: readonly string[]): Promise<[string, string][]> {
    const { failures, error } = await ask(worker, { mutant: undefined, checks });
    if (error !== undefined) survives(`UNSOUND: ${error}`);
    return Object.entries(failures).filter((failure): failure is [string, string] => failure[1] !== null);
  }

  /**
   * A check that fails without a mutant proves nothing. It is repeated, and this is reported: a busy machine has made
   * it fail if it passes then.
   */
  async function judgeSoundness(worker: ChildProcess): Promise<void> {
    const ids = new Set(mutants.flatMap(({ mutant, fails }) => [...fails, ...(mutant.after ?? [])]));
    const failing = await findFailing(worker, [...ids]);
    if (failing.length === 0) return;
    for (const [id, message] of failing) console.log(`REPEATED ${id}: ${message}`);
    const repeated = await findFailing(
      worker,
      failing.map(([id]) => id),
    );
    for (const [id, message] of repeated) survives(`UNSOUND ${id}: it fails without a mutant: ${message}`);
  }

  async function judge(worker: ChildProcess, { mutant, fails }: MutantOfChecks): Promise<void> {
    const { id, after = [] } = mutant;
    const stale = globalThis.staleMutants.get(id);
    if (stale !== undefined) return survives(`SURVIVED ${id}: ${stale}`);
    const { failures, isLate, error } = await ask(worker, { mutant: id, checks: discover ?? [...fails, ...after] });
    if (error !== undefined) return survives(`SURVIVED ${id}: ${error}`);
    if (isLate) outcome.late.push(id);
    if (discover) {
      const failed = Object.keys(failures).filter((check) => failures[check] !== null);
      console.log(`${id}: ${failed.join(' ')}`);
    }
    const survivors = discover ? [] : fails.filter((check) => typeof failures[check] !== 'string');
    if (survivors.length === 0) outcome.killed += 1;
    else
      survives(
        survivors
          .map((check) => `SURVIVED ${id}: ${check} ${failures[check] === null ? 'passed' : 'is not there'}`)
          .join('\n'),
      );
  }

  const rest = mutants.filter(({ mutant }) => mutant.from !== 'loading').values();
  async function work(isFirst: boolean): Promise<void> {
    let worker = startWorker();
    if (isFirst && !discover) await judgeSoundness(worker);
    for (const one of rest) {
      if (!worker.connected) worker = startWorker();
      await judge(worker, one).catch((error) => survives(`SURVIVED ${one.mutant.id}: ${error.message}`));
    }
    await stopWorker(worker);
  }
  async function workOnLoading(): Promise<void> {
    for (const one of mutants.filter(({ mutant }) => mutant.from === 'loading')) {
      const worker = startWorker(one.mutant.id);
      await judge(worker, one).catch((error) => survives(`SURVIVED ${one.mutant.id}: ${error.message}`));
      await stopWorker(worker);
    }
  }
  const workers = mutants.length === 0 ? [] : Array.from({ length: processes }, (_, index) => work(index === 0));
  await Promise.all(workers);
  await workOnLoading();
  return outcome;
}
