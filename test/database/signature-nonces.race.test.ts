/**
 * One nonce in two processes at once on PostgreSQL (SIG-15): it is new to one of them. Run again with a mutant that
 * reads before it writes, to see that the test would notice.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/database/database.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { forkWithMutants } from '../support/racers.ts';

const racerFile = join(import.meta.dirname, 'support', 'signature-nonces-racer.ts');

describe('processes race for a nonce', { skip: needsPostgres, timeout: 120_000 }, () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let racers: ChildProcess[];
  before(async () => {
    database = await createTestDatabase();
    await (await openDatabase({ kind: 'postgresql', url: database.url })).close();
    racers = [1, 2].map(() => forkWithMutants(racerFile, [database.url]));
    await Promise.all(racers.map((racer) => once(racer, 'message')));
  });
  after(async () => {
    const exits = racers.map((racer) => once(racer, 'exit'));
    for (const racer of racers) racer.disconnect();
    await Promise.all(exits);
    await database.drop();
  });

  /** How often a nonce was new to both processes, or known to both, in so many rounds, or until it was new to both. */
  async function race(rounds: number, mutant?: string): Promise<{ both: number; neither: number }> {
    const count = { both: 0, neither: 0 };
    for (let round = 0; round < rounds && count.both === 0; round += 1) {
      const answers = racers.map((racer) => once(racer, 'message'));
      for (const racer of racers) racer.send({ nonce: `${mutant ?? 'nonce'}-${round}`, mutant });
      const known = (await Promise.all(answers)).map(([wasKnown]) => wasKnown as boolean);
      if (known.every((wasKnown) => !wasKnown)) count.both += 1;
      if (known.every((wasKnown) => wasKnown)) count.neither += 1;
    }
    return count;
  }

  test('it is new to one of them', async () => {
    assert.deepEqual(await race(150), { both: 0, neither: 0 });
  });

  test('a process that reads first and writes then would let it pass twice', async () => {
    assert.equal((await race(2000, 'signature.nonce-looked-up-first')).both, 1);
  });
});
