/** Processes that race for rows of one PostgreSQL database; each race may run with a mutant, to see that a test would notice. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { on, once } from 'node:events';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { type Database, openDatabase } from '../../src/database/database.ts';
import type { RacerMessage } from './held-transaction.ts';
import { createTestDatabase } from './postgresql.ts';

const mutantHook = join(import.meta.dirname, '..', 'mutants', 'register.ts');

/** Starts a process that can activate mutants. */
export const forkWithMutants = (file: string, args: readonly string[]): ChildProcess =>
  fork(file, args, { execArgv: ['--import', mutantHook] });

export interface Racers {
  /**
   * One process for each action. Each begins when the one before it has done its work and holds its transaction open,
   * or waits for a lock, or was refused; then all may commit. Returns what each was at then (`done`, `waits` or a code
   * of an error), and how it ended.
   */
  race(
    actions: readonly (readonly string[])[],
    mutant?: string,
  ): Promise<{ readonly early: readonly string[]; readonly late: readonly string[] }>;
  close(): Promise<void>;
}

/** A new database and as many processes as a race has actions, for the tests of a suite; `file` calls `serveRaces`. */
export function useRacers(file: string, count: number): { readonly db: Database; readonly racers: Racers } {
  const db = {} as Database;
  const racers = {} as Racers;
  let drop: (() => Promise<void>) | undefined;
  before(async () => {
    const database = await createTestDatabase();
    drop = database.drop;
    Object.assign(db, await openDatabase({ kind: 'postgresql', url: database.url }));
    Object.assign(racers, await openRacers(file, { db, url: database.url }, count));
  });
  after(async () => {
    await racers.close?.();
    await db.close?.();
    await drop?.();
  });
  return { db, racers };
}

async function openRacers(file: string, { db, url }: { db: Database; url: string }, count: number) {
  const racers = Array.from({ length: count }, () => {
    const child = forkWithMutants(file, [url]);
    const messages = on(child, 'message', { close: ['exit'] });
    const next = async (): Promise<string> => (await messages.next()).value?.[0] ?? 'the process ended';
    const send = (message: RacerMessage | 'go' | 'commit') => child.send(message);
    return { child, send, next };
  });
  for (const { next } of racers) assert.equal(await next(), 'started');

  /** Resolves when so many sessions wait for a lock; stops when `isOver`. */
  async function locksAwaited(sessions: number, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const { rows } = await sql`select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(db.query);
      if (rows.length >= sessions) return;
      await pause(5);
    }
  }

  return {
    async race(actions, mutant) {
      const racing = actions.map((args, i) => ({ args, ...racers[i]! }));
      for (const { args, send, next } of racing) {
        send({ args, mutant });
        assert.equal(await next(), 'ready');
      }
      const early: string[] = [];
      const answers: Promise<string>[] = [];
      for (const { send, next } of racing) {
        let isAnswered = false;
        const answer = next().finally(() => {
          isAnswered = true;
        });
        answers.push(answer);
        send('go');
        const waiting = early.filter((outcome) => outcome === 'waits').length;
        const watching = locksAwaited(waiting + 1, () => isAnswered);
        early.push(await Promise.race([answer, watching.then(() => (isAnswered ? answer : 'waits'))]));
        if (isAnswered) await watching;
      }
      const late = racing.map(async ({ send, next }, i) => {
        const outcome = await answers[i]!;
        if (outcome === 'done') send('commit');
        assert.equal(await next(), 'over');
        return outcome;
      });
      return { early, late: await Promise.all(late) };
    },
    async close() {
      const exits = racers.map(({ child }) => once(child, 'exit'));
      for (const { child } of racers) child.disconnect();
      await Promise.all(exits);
    },
  } satisfies Racers;
}
