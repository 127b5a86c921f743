/** Every key of the migrated schema starts with the ASE, so that no ASE's rows can collide with or point at another's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { useTestDatabase } from './support/open.ts';

/** Tables that all ASEs share on purpose. */
const shared = ['world', 'rate_limit', 'mikro_orm_migrations'];
/** Due payments of all ASEs; and hash indexes of what is unique on its own, or of an expression with the ASE. */
const sharedIndexes = [
  'outgoing_payment_due_index',
  'account_key_index',
  'incoming_payment_id_index',
  'wallet_address_id_index',
  'wallet_address_url_index',
];

const db = useTestDatabase();

test('primary keys, unique constraints and indexes start with the ASE', async () => {
  const { rows } = await sql<{ table: string; index: string; first: string | null }>`
    select t.relname as "table", i.relname as "index", a.attname as "first"
    from pg_index x
    join pg_class t on t.oid = x.indrelid
    join pg_class i on i.oid = x.indexrelid
    left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0]
    where t.relnamespace = 'public'::regnamespace`.execute(db.query);
  const wrong = rows.filter(({ table, index, first }) => {
    return first !== 'ase' && !shared.includes(table) && !sharedIndexes.includes(index);
  });
  assert.deepEqual(wrong, []);
  assert.ok(rows.length > 30, `${rows.length} indexes were seen`);
  for (const index of sharedIndexes)
    assert.ok(
      rows.some((row) => row.index === index),
      index,
    );
});

test('references start with the ASE on both sides', async () => {
  const { rows } = await sql<{ name: string; child: string; parent: string }>`
    select c.conname as name, ca.attname as child, pa.attname as parent
    from pg_constraint c
    join pg_attribute ca on ca.attrelid = c.conrelid and ca.attnum = c.conkey[1]
    join pg_attribute pa on pa.attrelid = c.confrelid and pa.attnum = c.confkey[1]
    where c.contype = 'f' and c.connamespace = 'public'::regnamespace`.execute(db.query);
  assert.deepEqual(
    rows.filter(({ child, parent }) => child !== 'ase' || parent !== 'ase'),
    [],
  );
  assert.ok(rows.length >= 10, `${rows.length} references were seen`);
});

test('every table has a primary key, and with it an ASE', async () => {
  const { rows } = await sql<{ table: string }>`
    select t.relname as "table" from pg_class t
    where t.relkind = 'r' and t.relnamespace = 'public'::regnamespace and not exists (
      select from pg_index x where x.indrelid = t.oid and x.indisprimary
    )`.execute(db.query);
  assert.deepEqual(rows, []);
});
