/** `/readyz` tells whether the database can be written, and asking often costs the database little. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { sql } from 'kysely';
import pino from 'pino';
import { createReadiness } from '../../src/ase/readiness.ts';
import { toJson } from '../../src/database/columns.ts';
import type { Database } from '../../src/database/database.ts';
import { useTestDatabase } from '../database/support/open.ts';
import { testAse } from '../support/test-ase.ts';

const key = 'granite';
const log = pino({ level: 'silent' });

const db = useTestDatabase(prepare);
let wall: number;
async function prepare(): Promise<void> {
  await db.query
    .insertInto('ase')
    .values({ ase: key, secrets: toJson([]), settings_version: 0 })
    .execute();
}
beforeEach(() => {
  wall = 1_000_000;
});

/** Readiness over the database, or over one whose transactions are replaced. */
function readiness(transaction: Database['transaction'] = (work) => db.transaction(work)) {
  let probes = 0;
  const counting: Database = {
    ...db,
    transaction: (work) => {
      probes += 1;
      return transaction(work);
    },
  };
  const whyNotReady = createReadiness({ key, db: counting, clock: { wallNow: () => wall }, log });
  return { whyNotReady, probes: () => probes };
}

/** For all sessions, those of the pool included. */
const setReadOnly = (value: 'on' | 'off') =>
  db.query.connection().execute(async (session) => {
    await sql`set default_transaction_read_only = off`.execute(session);
    const { rows } = await sql<{ name: string }>`select current_database() as name`.execute(session);
    const database = sql.id(rows[0]!.name);
    await sql`alter database ${database} set default_transaction_read_only = ${sql.lit(value)}`.execute(session);
    await sql`set default_transaction_read_only = ${sql.lit(value)}`.execute(session);
    await sql`select pg_terminate_backend(pid, 10000) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`.execute(session);
  });

test('a database that takes no writes makes /readyz 503 with the reason, until it takes them again', async () => {
  const clock = { wallNow: () => wall, businessNow: () => wall };
  const ase = await testAse({ db, key, clock, servers: ['wallet-address'] });
  const ask = async () => {
    wall += 10_000;
    const response = await fetch(`${ase.origin}/readyz`);
    return [response.status, await response.text(), response.headers.get('retry-after')];
  };
  try {
    assert.deepEqual(await ask(), [200, '', null]);
    await setReadOnly('on');
    assert.deepEqual(await ask(), [503, '{"ready":false,"reason":"database_read_only"}', '1']);
    await setReadOnly('off');
    assert.deepEqual(await ask(), [200, '', null]);
  } finally {
    await setReadOnly('off');
    await ase.close();
  }
});

test('the probe leaves nothing behind', async () => {
  const tables = async () => {
    const { rows } = await sql`select relname from pg_class where relname like 'write_probe%'`.execute(db.query);
    return rows;
  };
  assert.equal(await readiness().whyNotReady(), undefined);
  assert.deepEqual(await tables(), []);
});

for (const [error, reason] of [
  [{ code: '53100' }, 'database_full'],
  [{ code: '58030' }, 'database_cannot_write'],
  [{ code: '57P03' }, 'database_unreachable'],
  [{ code: 'ECONNREFUSED' }, 'database_unreachable'],
  [{ code: '42501' }, undefined],
] as const) {
  test(`an error ${error.code} of the probe means ${reason ?? 'that the role may not create tables, which is fine'}`, async () => {
    const { whyNotReady } = readiness(() => Promise.reject(Object.assign(new Error('a fault'), error)));
    assert.equal(await whyNotReady(), reason);
  });
}

test('an ASE that is not in the database is not ready', async () => {
  const whyNotReady = createReadiness({ key: 'gneiss', db, clock: { wallNow: () => wall }, log });
  assert.equal(await whyNotReady(), 'not_provisioned');
});

test('a thousand requests within two seconds cost one probe, and later ones cost one each two seconds', async () => {
  const { whyNotReady, probes } = readiness();
  await Promise.all(Array.from({ length: 500 }, whyNotReady));
  wall += 1_999;
  await Promise.all(Array.from({ length: 500 }, whyNotReady));
  assert.equal(probes(), 1);
  wall += 1;
  await whyNotReady();
  assert.equal(probes(), 2);
});
