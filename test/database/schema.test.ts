/** The migrated schema: agrees with the entities and keeps the rules of the ledger whatever a statement asks for. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { defineConfig, MikroORM } from '@mikro-orm/pglite';
import { sql } from 'kysely';
import { buildTemplate } from '../../src/database/embedded.ts';
import { entities } from '../../src/database/entities.ts';
import { openTemplate, templateFile } from '../../src/database/template.ts';
import { useTestDatabase } from './support/open.ts';

const db = useTestDatabase();

beforeEach(async () => {
  await db.clear(['granite', 'marble'], 'world');
  await db.query
    .insertInto('account')
    .values([
      { ase: 'granite', id: 'customer:alice', kind: 'customer', asset_code: 'USD', asset_scale: 2, balance: '0' },
      { ase: 'granite', id: 'deposit:USD:2', kind: 'deposit', asset_code: 'USD', asset_scale: 2, balance: null },
      { ase: 'granite', id: 'deposit:EUR:2', kind: 'deposit', asset_code: 'EUR', asset_scale: 2, balance: null },
    ])
    .execute();
});

/** Books entries past the code, in one transaction. */
const book = (...entries: readonly (readonly [account: string, amount: string])[]): Promise<unknown> =>
  db.transaction(async (tx) => {
    await tx
      .insertInto('ledger_transfer')
      .values({ ase: 'granite', id: 't', created_at: '2024-01-01T00:00:00.000Z' })
      .execute();
    const rows = entries.map(([account_id, amount]) => ({ ase: 'granite', transfer_id: 't', account_id, amount }));
    await tx.insertInto('ledger_entry').values(rows).execute();
  });

// MikroORM compares columns, types, defaults, keys and indexes. The list holds what entities cannot express.
test('entities and migration agree, but for what only the migration can say', async () => {
  if (!existsSync(templateFile)) await buildTemplate(templateFile);
  const pglite = await PGlite.create({
    loadDataDir: new Blob([await openTemplate(templateFile, async () => assert.fail('made by now'))]),
  });
  const orm = await MikroORM.init(
    defineConfig({
      entities: [...entities],
      dbName: 'postgres',
      driverOptions: { pglite },
      schemaGenerator: { createForeignKeyConstraints: false },
    }),
  );
  const difference = await orm.schema.getUpdateSchemaSQL();
  await orm.close();
  await pglite.close();
  const statements = difference.split('\n').filter((line) => line !== '');
  assert.deepEqual(statements.filter((line) => !line.startsWith('drop function')).toSorted(), [
    'alter table "access_token" drop constraint "access_token_grant_id_foreign";',
    'alter table "account" drop constraint "account_customer_balance_check";',
    'alter table "grant_spending" drop constraint "grant_spending_grant_id_foreign";',
    'alter table "incoming_packet" drop constraint "incoming_packet_incoming_payment_id_foreign";',
    'alter table "incoming_payment" drop constraint "incoming_payment_wallet_address_id_foreign";',
    'alter table "ledger_transfer" drop constraint "ledger_transfer_reversal_check";',
    'alter table "outgoing_packet" drop constraint "outgoing_packet_payment_id_foreign";',
    'alter table "outgoing_payment" drop constraint "outgoing_payment_quote_id_foreign";',
    'alter table "outgoing_payment" drop constraint "outgoing_payment_spending_id_foreign";',
    'alter table "quote" drop constraint "quote_wallet_address_id_foreign";',
    'alter table "wallet_address" drop constraint "wallet_address_account_id_foreign";',
    'alter table "wallet_address_key" drop constraint "wallet_address_key_wallet_address_id_foreign";',
    'drop index "account_hold_index";',
    'drop index "account_key_index";',
    'drop index "gnap_grant_interaction_id_index";',
    'drop index "incoming_payment_id_index";',
    'drop index "incoming_payment_partly_paid_index";',
    'drop index "ledger_transfer_reversals_index";',
    'drop index "outgoing_packet_unresolved_index";',
    'drop index "outgoing_payment_due_index";',
    'drop index "wallet_address_id_index";',
    'drop index "wallet_address_url_index";',
    'drop index "webhook_event_due_index";',
    'drop trigger if exists "account_kept" on "account";',
    'drop trigger if exists "administrative_action_append_only" on "administrative_action";',
    'drop trigger if exists "ledger_entry_append_only" on "ledger_entry";',
    'drop trigger if exists "ledger_entry_balances" on "ledger_entry";',
    'drop trigger if exists "ledger_entry_peer_balance" on "ledger_entry";',
    'drop trigger if exists "ledger_entry_peer_lock" on "ledger_entry";',
    'drop trigger if exists "ledger_transfer_append_only" on "ledger_transfer";',
    "set names 'utf8';",
  ]);
});

test('a transfer that balances is booked', async () => {
  await book(['customer:alice', '5'], ['deposit:USD:2', '-5']);
  assert.equal((await db.query.selectFrom('ledger_entry').selectAll().execute()).length, 2);
});

test('a transfer that does not balance is refused', async () => {
  await assert.rejects(book(['customer:alice', '5']), /does not balance/);
  await assert.rejects(book(['customer:alice', '5'], ['deposit:USD:2', '-4']), /does not balance/);
  assert.deepEqual(await db.query.selectFrom('ledger_entry').selectAll().execute(), []);
});

test('it balances in each asset, not across assets', async () => {
  await assert.rejects(book(['customer:alice', '5'], ['deposit:EUR:2', '-5']), /does not balance/);
});

test('each of the transfers that a statement books has to balance', async () => {
  const insert = (...entries: readonly (readonly [transfer: string, account: string, amount: string])[]) =>
    db.transaction(async (tx) => {
      const ids = [...new Set(entries.map(([id]) => id))];
      const created_at = '2024-01-01T00:00:00.000Z';
      await tx
        .insertInto('ledger_transfer')
        .values(ids.map((id) => ({ ase: 'granite', id, created_at })))
        .execute();
      const rows = entries.map(([transfer_id, account_id, amount]) => ({ transfer_id, account_id, amount }));
      await tx
        .insertInto('ledger_entry')
        .values(rows.map((row) => ({ ase: 'granite', ...row })))
        .execute();
    });
  // Together they balance.
  await assert.rejects(
    insert(['t', 'customer:alice', '5'], ['t', 'deposit:USD:2', '-4'], ['u', 'deposit:USD:2', '-1']),
    /transfer [tu] does not balance/,
  );
  await insert(
    ...([
      ['t', 'customer:alice', '5'],
      ['t', 'deposit:USD:2', '-5'],
    ] as const),
    ...([
      ['u', 'customer:alice', '-1'],
      ['u', 'deposit:USD:2', '1'],
    ] as const),
  );
});

test('an entry that comes later has to balance as well', async () => {
  await book(['customer:alice', '5'], ['deposit:USD:2', '-5']);
  const entry = { ase: 'granite', transfer_id: 't', account_id: 'deposit:EUR:2', amount: '1' };
  await assert.rejects(db.query.insertInto('ledger_entry').values(entry).execute(), /does not balance/);
});

test('an entry needs its transfer and its account, of the same ASE', async () => {
  await book(['customer:alice', '0']);
  const refused = { code: '23503', table: 'ledger_entry' };
  const entry = { ase: 'granite', transfer_id: 't', account_id: 'customer:alice', amount: '0' };
  const insert = (...rows: (typeof entry)[]) => db.query.insertInto('ledger_entry').values(rows).execute();
  const account_id = 'deposit:USD:2';
  for (const other of [{ account_id: 'customer:bob' }, { account_id, transfer_id: 'u' }, { ase: 'marble' }])
    await assert.rejects(insert({ ...entry, ...other }), refused, JSON.stringify(other));
  // The missing account is the one to be opened, so it counts before the balance.
  const missing = { ...entry, account_id: 'customer:bob' };
  await assert.rejects(insert({ ...entry, account_id, amount: '1' }, { ...missing, amount: '-1' }), refused);
  await insert({ ...entry, account_id });
});

test('accounts never go, and keep their names', async () => {
  await assert.rejects(db.query.deleteFrom('account').execute(), /append-only/);
  await assert.rejects(db.query.updateTable('account').set({ id: 'other' }).execute(), /append-only/);
  await assert.rejects(sql`truncate account cascade`.execute(db.query), /append-only/);
});

test('the ledger is never changed', async () => {
  await book(['customer:alice', '5'], ['deposit:USD:2', '-5']);
  for (const table of ['ledger_entry', 'ledger_transfer'] as const) {
    await assert.rejects(db.query.deleteFrom(table).execute(), /append-only/, table);
    await assert.rejects(db.query.updateTable(table).set({ ase: 'granite' }).execute(), /append-only/, table);
  }
});

test('customers have a balance that is never negative, other accounts have none', async () => {
  const set = (id: string, balance: string | null) =>
    db.query.updateTable('account').set({ balance }).where('id', '=', id).execute();
  await set('customer:alice', '1');
  await assert.rejects(set('customer:alice', '-1'), /account_customer_balance_check/);
  await assert.rejects(set('customer:alice', null), /account_customer_balance_check/);
  await assert.rejects(set('deposit:USD:2', '0'), /account_customer_balance_check/);
});

test('a transfer is reversed with a reason, and nothing that was recorded changes, goes or is emptied', async () => {
  const reversal = { ase: 'granite', id: 'reversal:t', created_at: '2024-01-01T00:00:00.000Z', reverses: 't' };
  const store = (reason: string | null) =>
    db.query
      .insertInto('ledger_transfer')
      .values({ ...reversal, reason })
      .execute();
  await assert.rejects(store(null), /ledger_transfer_reversal_check/);
  await store('booked twice');
  await db.query
    .insertInto('administrative_action')
    .values({ ase: 'granite', id: 'a', at: '2024-01-01T00:00:00.000Z', operation: 'reverse', status: 201, detail: {} })
    .execute();
  const { updateTable, deleteFrom } = {
    updateTable: db.query.updateTable('ledger_transfer').set({ reason: 'another' }),
    deleteFrom: db.query.deleteFrom('administrative_action'),
  };
  await assert.rejects(updateTable.execute(), /append-only/);
  await assert.rejects(deleteFrom.execute(), /append-only/);
  await assert.rejects(db.query.updateTable('administrative_action').set({ status: 1 }).execute(), /append-only/);
  for (const table of ['ledger_entry', 'ledger_transfer', 'administrative_action']) {
    await assert.rejects(sql`truncate ${sql.table(table)} cascade`.execute(db.query), /append-only/, table);
  }
});

test('a row of one ASE cannot point at a row of another', async () => {
  const address = { id: 'w', path: '/w', url: 'https://w.example', account_id: 'customer:alice', active: true };
  const insert = (ase: string) =>
    db.query
      .insertInto('wallet_address')
      .values({ ...address, ase, public_name: null, created_at: '2024-01-01T00:00:00.000Z' })
      .execute();
  await insert('granite');
  await assert.rejects(insert('marble'), /foreign key/);
});

test('metadata keeps any JSON as it was, also a NUL and the order of members', async () => {
  const metadata = { z: 'a\u0000b', a: [1, { deep: '\ud83d\ude00' }], ['__proto__']: 1, '10': true };
  const instant = '2024-01-01T00:00:00.000Z';
  await db.query
    .insertInto('wallet_address')
    .values({
      ase: 'granite',
      id: 'w',
      path: '/w',
      url: 'https://w.example',
      public_name: null,
      account_id: 'customer:alice',
      active: true,
      created_at: instant,
    })
    .execute();
  await sql`insert into incoming_payment
    (ase, id, wallet_address_id, account_id, client_id, asset_code, asset_scale, received_amount, completed,
      expires_at, created_at, metadata)
    values ('granite', 'p', 'w', 'customer:alice', 'c', 'USD', 2, 0, false, ${instant}, ${instant}, ${JSON.stringify(metadata)})`.execute(
    db.query,
  );
  const { rows } = await sql<{ text: string }>`select metadata::text as text from incoming_payment`.execute(db.query);
  assert.equal(rows[0]?.text, JSON.stringify(metadata));
  const row = await db.query.selectFrom('incoming_payment').select('metadata').executeTakeFirstOrThrow();
  assert.deepEqual(row.metadata, JSON.parse(JSON.stringify(metadata)));
});
