/**
 * A world on PostgreSQL behind a pooler of transactions: a small one for tests, which certainly changes connections,
 * and PgBouncer where it is installed. The world starts, migrates and pays as it does without one, its transactions
 * keep their time limits, and its sessions leave no settings to other clients.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { connectWithLimits } from '../../src/database/connection-limits.ts';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { payAcross } from '../end-to-end/support/official-client.ts';
import { needsPgbouncer, startPgbouncer } from '../support/pgbouncer.ts';
import { createEmptyDatabase, createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { openTransactionPooler } from '../support/transaction-pooler.ts';
import { clientEnvironment, startWorld } from '../support/world.ts';

const patienceMs = 12_345;
const poolers = [
  { name: 'a pooler of the tests', start: openTransactionPooler, skip: needsPostgres },
  { name: 'PgBouncer', start: startPgbouncer, skip: needsPostgres || needsPgbouncer() },
];

/** The limits of a session or transaction, in milliseconds; 0 for none. */
async function readLimits(db: Pick<Database, 'query'>): Promise<number[]> {
  const { rows } = await sql<{ setting: string }>`select setting from pg_settings
    where name in ('statement_timeout', 'idle_in_transaction_session_timeout') order by name`.execute(db.query);
  return rows.map(({ setting }) => Number(setting));
}

/** `pg` warns, once in a process, of a statement that is passed to a client while another one waits there. */
async function sendThreeAtOnce(url: string): Promise<void> {
  const { pool } = await connectWithLimits((limits) => new pg.Pool({ ...limits, connectionString: url }), patienceMs);
  const client = await pool.connect();
  await Promise.all([1, 2, 3].map((value) => client.query('select $1::int', [value])));
  client.release();
  await pool.end();
}

for (const { name, start, skip } of poolers) {
  describe(`behind ${name}`, { skip }, () => {
    test('a world starts on an empty database and pays; sessions keep no settings', async (t) => {
      const warnings: Error[] = [];
      const warn = (warning: Error) => void warnings.push(warning);
      process.on('warning', warn);
      const database = await createEmptyDatabase();
      const url = new URL(database.url);
      const pooler = await start(Number(url.port));
      t.after(async () => {
        process.off('warning', warn);
        await pooler.close();
        await database.drop();
      });
      url.port = `${pooler.port}`;
      const world = await startWorld({ consent: 'auto', database: { kind: 'postgresql', url: url.href, patienceMs } });
      try {
        await payAcross(clientEnvironment(world));
        await world.settled();
        for (const { origin } of world.ases) assert.equal((await fetch(`${origin}/readyz`)).status, 200);
        const { db } = world;
        // More transactions at once than the pooler has connections.
        const limits = await Promise.all(
          Array.from({ length: 12 }, () => db.transaction((tx) => readLimits({ query: tx }))),
        );
        for (const limit of limits) assert.deepEqual(limit, [patienceMs, patienceMs]);
        assert.deepEqual(await readLimits(db), [0, 0]);
        const failed = db.transaction((tx) => sql`select 1 / 0`.execute(tx).catch(() => {}));
        await assert.rejects(failed, /rolled back/);
        const abandoned = db.transaction((tx) =>
          Promise.all([
            sql`select pg_sleep(0.05)`.execute(tx),
            turn().then(() => Promise.reject(new Error('abandoned'))),
          ]),
        );
        await assert.rejects(abandoned, /abandoned/);
        await sendThreeAtOnce(url.href);
        const prepared = await sql`select name from pg_prepared_statements`.execute(db.query);
        assert.deepEqual(prepared.rows, []);
        for (const { books } of await world.controls.ledgers()) assert.equal(books.balanced, true);
        const { rows } = await sql`select name from pg_settings
          where source = 'session' and name not in ('client_encoding', 'application_name')`.execute(db.query);
        assert.deepEqual(rows, []);
      } finally {
        await world.close();
      }
      assert.deepEqual(warnings, []);
      if ('maxServersOfOneClient' in pooler) assert.ok((pooler.maxServersOfOneClient as () => number)() > 1);
    });
  });
}

describe('the pooler of the tests', { skip: needsPostgres }, () => {
  test('refuses startup parameters, as PgBouncer does, and keeps a connection for a transaction only', async (t) => {
    const database = await createTestDatabase();
    const url = new URL(database.url);
    const pooler = await openTransactionPooler(Number(url.port), 2);
    t.after(async () => {
      await pooler.close();
      await database.drop();
    });
    url.port = `${pooler.port}`;
    const refused = new pg.Client({ connectionString: url.href, statement_timeout: 1 });
    await assert.rejects(refused.connect(), { code: '08P01' });
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    const pid = async () => (await client.query('select pg_backend_pid() as pid')).rows[0].pid;
    const [first, second, third] = [await pid(), await pid(), await pid()];
    assert.notEqual(first, second);
    assert.equal(first, third);
    await client.query('begin');
    assert.equal(await pid(), await pid());
    await client.end();
  });
});

test('without a pooler, sessions have the limits', { skip: needsPostgres }, async (t) => {
  const database = await createTestDatabase();
  const db = await openDatabase({ kind: 'postgresql', url: database.url, patienceMs });
  t.after(async () => {
    await db.close();
    await database.drop();
  });
  assert.deepEqual(await readLimits(db), [patienceMs, patienceMs]);
});
