/** Statements that are compiled once, and how they reach a PostgreSQL server: prepared, pipelined, and after a lost connection. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sql } from 'kysely';
import type { Queryable } from '../../src/database/database.ts';
import { commitTogether } from '../../src/database/guarded-dialect.ts';
import { recompileStatements, statement } from '../../src/database/statement.ts';
import { needsPostgres } from '../support/postgresql.ts';
import { useTestDatabase } from './support/open.ts';

const db = useTestDatabase();

interface Grant {
  readonly ase: string;
  readonly grant_id: string;
}

const insert = statement((db, grant: Grant) =>
  db
    .insertInto('outgoing_payment_grant')
    .values(grant)
    .onConflict((conflict) => conflict.doNothing()),
);
const select = statement((db, { ase, ids }: { ase: string; ids: readonly string[] }) =>
  db
    .selectFrom('outgoing_payment_grant')
    .select('grant_id')
    .where('ase', '=', ase)
    .where(sql<boolean>`grant_id = any(${ids}::text[])`)
    .orderBy('grant_id'),
);
const sleep = statement((db, { ase }: { ase: string }) =>
  db
    .selectFrom('outgoing_payment_grant')
    .select([sql<string>`pg_sleep(600)::text`.as('slept'), sql<number>`pg_backend_pid()`.as('pid')])
    .where('ase', '=', ase),
);

test('values change, rows and counts are those of each run, inside a transaction and outside', async () => {
  for (const grant_id of ['first', 'second']) assert.equal(await insert.change(db.query, { ase: 'one', grant_id }), 1);
  assert.equal(await insert.change(db.query, { ase: 'one', grant_id: 'second' }), 0);
  await db.transaction(async (tx) => {
    await insert.change(tx, { ase: 'one', grant_id: 'third' });
    const ids = ['first', 'third', 'absent'];
    assert.deepEqual(await select.all(tx, { ase: 'one', ids }), [{ grant_id: 'first' }, { grant_id: 'third' }]);
    assert.deepEqual(await select.all(tx, { ase: 'one', ids: [] }), []);
  });
  assert.deepEqual(await select.first(db.query, { ase: 'one', ids: ['third'] }), { grant_id: 'third' });
  assert.equal(await select.first(db.query, { ase: 'two', ids: ['third'] }), undefined);
});

test('a statement is built once for each set of values, and again after recompileStatements', async () => {
  let built = 0;
  const counted = statement((db: Queryable, { ase, id }: { ase: string; id?: string }) => {
    built += 1;
    const rows = db.selectFrom('outgoing_payment_grant').select('grant_id').where('ase', '=', ase);
    return id === undefined ? rows : rows.where('grant_id', '=', id);
  });
  await insert.change(db.query, { ase: 'counted', grant_id: 'a' });
  await insert.change(db.query, { ase: 'counted', grant_id: 'b' });
  assert.equal((await counted.all(db.query, { ase: 'counted' })).length, 2);
  assert.equal((await counted.all(db.query, { ase: 'counted', id: 'a' })).length, 1);
  assert.equal((await counted.all(db.query, { ase: 'counted', id: 'c' })).length, 0);
  assert.equal(built, 2);
  recompileStatements();
  await counted.all(db.query, { ase: 'counted', id: 'a' });
  assert.equal(built, 3);
});

test('a value that is converted while its statement is built is an error', async () => {
  const converting = statement((db, { id }: { id: string }) =>
    db.selectFrom('outgoing_payment_grant').select('ase').where('grant_id', '=', `grant ${id}`),
  );
  await assert.rejects(converting.all(db.query, { id: 'x' }), /the value id of a statement was used/);
});

test('reads at the same time share a connection; the ones after a lost connection get another', {
  skip: needsPostgres,
}, async () => {
  await insert.change(db.query, { ase: 'shared', grant_id: 'x' });
  const slow = sleep.all(db.query, { ase: 'shared' });
  const behind = select.all(db.query, { ase: 'shared', ids: ['x'] });
  const lost = Promise.allSettled([slow, behind]);
  const findSleeper = async (): Promise<number> => {
    const { rows } = await sql<{ pid: number }>`select pid from pg_stat_activity
      where datname = current_database() and query like '%pg_sleep(600)%' and pid <> pg_backend_pid()`.execute(
      db.query,
    );
    return rows[0]?.pid ?? findSleeper();
  };
  await sql`select pg_terminate_backend(${await findSleeper()})`.execute(db.query);
  assert.deepEqual(
    (await lost).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual(await select.all(db.query, { ase: 'shared', ids: ['x'] }), [{ grant_id: 'x' }]);
});

test('a statement is prepared once for a connection', { skip: needsPostgres }, async () => {
  await db.transaction(async (tx) => {
    for (const id of ['a', 'b']) await select.all(tx, { ase: 'prepared', ids: [id] });
    const { rows } = await sql<{ statement: string }>`select statement from pg_prepared_statements
      where statement like '%grant_id = any%' and statement not like '%pg_prepared_statements%'`.execute(tx);
    assert.equal(rows.length, 1);
  });
});

test('of statements that a transaction runs together, the first one that fails is the error', {
  skip: needsPostgres,
}, async () => {
  const twice = statement((db, grant: Grant) => db.insertInto('outgoing_payment_grant').values(grant));
  await insert.change(db.query, { ase: 'together', grant_id: 'x' });
  const together = db.transaction(async (tx) => {
    const deeper = async () => Promise.all([twice.change(tx, { ase: 'together', grant_id: 'x' })]);
    await Promise.all([deeper(), select.all(tx, { ase: 'together', ids: ['x'] })]);
  });
  await assert.rejects(together, { code: '23505' });
  assert.equal((await select.all(db.query, { ase: 'together', ids: ['x'] })).length, 1);
});

describe('a commit that is sent together with the last statements', { skip: needsPostgres }, () => {
  const insertNew = statement((db, grant: Grant) => db.insertInto('outgoing_payment_grant').values(grant));
  const stored = (ase: string) => select.all(db.query, { ase, ids: ['x', 'y', 'z'] });
  const store = (ase: string, ids: readonly string[]) =>
    db.transaction(async (tx) => {
      await Promise.all([...ids.map((grant_id) => insertNew.change(tx, { ase, grant_id })), commitTogether(tx)]);
    });

  test('commits them, and no statement comes after it', async () => {
    await store('committed', ['x', 'y']);
    assert.equal((await stored('committed')).length, 2);
    const late = db.transaction(async (tx) => {
      await Promise.all([insertNew.change(tx, { ase: 'committed', grant_id: 'z' }), commitTogether(tx)]);
      // The transaction is over although its work is not.
      assert.equal((await stored('committed')).length, 3);
      await insertNew.change(tx, { ase: 'late', grant_id: 'x' });
    });
    await assert.rejects(late, /after the end of its transaction/);
    assert.equal((await stored('late')).length, 0);
  });

  test('becomes a rollback if one of them fails, whichever it is, and the error is the one of that', async () => {
    await store('failed', ['y']);
    for (const ids of [
      ['x', 'y', 'z'],
      ['y', 'x'],
      ['x', 'z', 'y'],
    ]) {
      await assert.rejects(store('failed', ids), { code: '23505' });
      assert.deepEqual(await stored('failed'), [{ grant_id: 'y' }]);
    }
  });
});

test('a statement that comes after the end of its transaction is not run', { skip: needsPostgres }, async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let late: Promise<number> | undefined;
  const transaction = db.transaction(async (tx) => {
    await insert.change(tx, { ase: 'late', grant_id: 'in time' });
    late = ended.then(() => insert.change(tx, { ase: 'late', grant_id: 'late' }));
    late.catch(() => {});
    throw new Error('another part has failed');
  });
  await assert.rejects(transaction, /another part/);
  end();
  await assert.rejects(late!, /after the end of its transaction/);
  assert.deepEqual(await select.all(db.query, { ase: 'late', ids: ['in time', 'late'] }), []);
});

test('statements that a transaction runs together are run in their order', { skip: needsPostgres }, async () => {
  const found = await db.transaction(async (tx) => {
    const [, rows] = await Promise.all([
      insert.change(tx, { ase: 'ordered', grant_id: 'x' }),
      select.all(tx, { ase: 'ordered', ids: ['x'] }),
    ]);
    return rows;
  });
  assert.deepEqual(found, [{ grant_id: 'x' }]);
});
