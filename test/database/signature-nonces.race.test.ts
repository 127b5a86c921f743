/**
 * One nonce in two processes at once on PostgreSQL (SIG-15): it is new to one of them. Run again with a mutant that looks
 * before it writes, to see that the test would notice.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openDatabase } from '../../src/database/database.ts';
import { nameDatabase, skipWithoutPostgres } from './support/open.ts';

const racerFile = join(import.meta.dirname, 'support', 'signature-nonces-racer.ts');
const mutantHook = join(import.meta.dirname, '..', 'mutants', 'register.ts');

/** How often a nonce was new to both processes, in so many rounds, or until that happened `enough` times. */
async function race(rounds: number, enough: number, mutant?: string): Promise<{ both: number; neither: number }> {
  const { url, drop } = nameDatabase('nonces');
  const db = await openDatabase({ kind: 'postgresql', url });
  const start = (): ChildProcess =>
    fork(racerFile, [url], {
      execArgv: mutant ? ['--import', mutantHook] : [],
      env: { ...process.env, ...(mutant && { TOUCHSTONE_MUTANT: mutant }) },
    });
  const racers = [start(), start()];
  try {
    await Promise.all(racers.map((racer) => once(racer, 'message')));
    const count = { both: 0, neither: 0 };
    for (let round = 0; round < rounds && count.both < enough; round += 1) {
      const answers = racers.map((racer) => once(racer, 'message'));
      for (const racer of racers) racer.send(`nonce-${round}`);
      const known = (await Promise.all(answers)).map(([wasThere]) => wasThere as boolean);
      if (known.every((wasThere) => !wasThere)) count.both += 1;
      if (known.every((wasThere) => wasThere)) count.neither += 1;
    }
    return count;
  } finally {
    const exits = racers.map((racer) => once(racer, 'exit'));
    for (const racer of racers) racer.disconnect();
    await Promise.all(exits);
    await db.close();
    await drop();
  }
}

describe('processes race for a nonce', { skip: skipWithoutPostgres, timeout: 120_000 }, () => {
  test('it is new to one of them', async () => {
    assert.deepEqual(await race(150, 1), { both: 0, neither: 0 });
  });

  test('looking first and writing then would let it pass twice', async () => {
    assert.equal((await race(2000, 1, 'signature.nonce-looked-up-first')).both, 1);
  });
});
