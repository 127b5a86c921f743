/** How many connections to PostgreSQL a process opens. */
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { chooseDatabase } from '../../src/cli/deployment-options.ts';
import { parseConfig } from '../../src/cli/parse-config.ts';
import { openDatabase } from '../../src/database/database.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';

const TRANSACTIONS = 20;

for (const { name, args, expected } of [
  { name: 'as many as the option says', args: ['--database-connections', '2'], expected: 2 },
  { name: 'else two for each core and one more', args: [], expected: Math.min(2 * availableParallelism() + 1, 10) },
]) {
  test(`at most so many transactions are under way: ${name}`, { skip: needsPostgres }, async (t) => {
    const { url, drop } = await createTestDatabase();
    const db = await openDatabase(chooseDatabase(parseConfig('start', ['--database-url', url, ...args], {})));
    t.after(async () => {
      await db.close();
      await drop();
    });
    const [full, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let started = 0;
    const transactions = Array.from({ length: TRANSACTIONS }, () =>
      db.transaction(async (tx) => {
        await tx.selectFrom('ase').select('ase').execute();
        started += 1;
        if (started === expected) full.resolve();
        await released.promise;
      }),
    );
    await full.promise;
    const counted = db.connections!();
    released.resolve();
    await Promise.all(transactions);
    assert.deepEqual(counted, { inUse: expected, idle: 0, awaited: TRANSACTIONS - expected });
    assert.equal(started, TRANSACTIONS);
  });
}
