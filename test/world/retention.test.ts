/** Old rows are deleted, and nothing that is still of use (`src/world/retention.ts`). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { toJson } from '../../src/database/columns.ts';
import {
  deleteDeadWorlds,
  deleteOldCounters,
  deleteOldRows,
  printRetentionTable,
  retentionRules,
} from '../../src/world/retention.ts';
import { prepareResources } from '../support/prepared-resources.ts';
import { send } from '../support/signed-fetch.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

const DAY_MS = 86_400_000;
let world: TestWorld;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

const count = async (table: string): Promise<number> => {
  const { rows } = await sql<{ n: string }>`select count(*) as n from ${sql.table(table)}`.execute(world.db.query);
  return Number(rows[0]!.n);
};

test('docs/retention.md comes from the table', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'retention.md'), 'utf8');
  const table = /<!-- retention -->\n([\s\S]*?)\n<!-- \/retention -->/.exec(page)?.[1];
  assert.equal(table, printRetentionTable(), 'put the output of printRetentionTable() into docs/retention.md');
});

test('rows stay for their time, and payments, spending and the ledger for ever', async () => {
  await prepareResources(world, clientEnvironment(world));
  await world.settled();
  const kept = ['outgoing_payment', 'incoming_payment', 'grant_spending', 'ledger_entry', 'ledger_transfer', 'account'];
  const beforehand = await Promise.all(kept.map(count));
  const tokens = await count('access_token');
  const grants = await count('gnap_grant');
  await sql`insert into signature_nonce (ase, key_thumbprint, nonce, expires_at) values
    ('granite', 'k', 'old', ${new Date(Date.now() - 1000).toISOString()}),
    ('granite', 'k', 'new', ${new Date(Date.now() + DAY_MS).toISOString()})`.execute(world.db.query);
  assert.ok(tokens >= 3);
  await world.deleteOldRows();
  assert.equal(await count('access_token'), tokens);
  assert.deepEqual(
    await world.db.query.selectFrom('signature_nonce').select('nonce').where('key_thumbprint', '=', 'k').execute(),
    [{ nonce: 'new' }],
  );

  // The quote that was paid stays, the other ones go a day after their expiry.
  await world.controls.changeClock({ action: 'advance', milliseconds: 2 * DAY_MS });
  await world.deleteOldRows();
  assert.equal(await count('quote'), await count('outgoing_payment'));
  assert.equal(await count('access_token'), tokens);
  await world.controls.changeClock({ action: 'advance', milliseconds: 40 * DAY_MS });
  await world.deleteOldRows();
  assert.equal(await count('access_token'), 0);
  // One was abandoned: it waited for consent.
  assert.equal(await count('gnap_grant'), grants - 1);
  await world.controls.changeClock({ action: 'advance', milliseconds: 60 * DAY_MS });
  await world.deleteOldRows();
  const left = await world.db.query.selectFrom('gnap_grant').select(['id', 'finalization']).execute();
  const paid = await world.db.query.selectFrom('outgoing_payment_grant').select('grant_id').execute();
  for (const { id, finalization } of left) {
    assert.ok(finalization === null || paid.some(({ grant_id }) => grant_id === id), `${id} ${finalization}`);
  }
  assert.deepEqual(await Promise.all(kept.map(count)), beforehand);
});

test('grants without a token go a day after their interaction has expired, and grants with a token stay', async () => {
  const environment = clientEnvironment(world);
  const { authServer: url } = (await (await fetch(environment.walletAddress)).json()) as { authServer: string };
  const access = [{ type: 'outgoing-payment', actions: ['create'], identifier: environment.walletAddress }];
  const body = { client: environment.client, access_token: { access }, interact: { start: ['redirect'] } };
  const { continue: continuation } = (await send(environment, { method: 'POST', url, body })).body;
  const quote = { client: environment.client, access_token: { access: [{ type: 'quote', actions: ['read'] }] } };
  assert.equal((await send(environment, { method: 'POST', url, body: quote })).status, 200);
  const states = async () => {
    const rows = await world.db.query.selectFrom('gnap_grant').select(['state', 'finalization']).execute();
    return rows.map(({ state, finalization }) => finalization ?? state).sort();
  };
  const poll = async () => {
    const token = continuation.access_token.value;
    return (await send(environment, { method: 'POST', url: continuation.uri, token })).body.error.code;
  };
  const later = async (hours: number) => {
    await world.controls.changeClock({ action: 'advance', milliseconds: hours * 3_600_000 });
    await world.deleteOldRows();
  };
  const before = await states();
  assert.ok(before.includes('issued') && before.includes('pending'));
  await later(23);
  assert.deepEqual(await states(), before);
  assert.equal(await poll(), 'request_denied');
  await later(2);
  const issued = before.filter((state) => state === 'issued');
  assert.deepEqual(await states(), issued);
  assert.equal(await poll(), 'invalid_continuation');
});

test('each run goes on behind the rows that the last one has looked at, and starts again at the end', async () => {
  const store = (nonces: readonly string[], at: number) =>
    world.db.query
      .insertInto('signature_nonce')
      .values(
        nonces.map((nonce) => ({ ase: 'swept', key_thumbprint: 'k', nonce, expires_at: new Date(at).toISOString() })),
      )
      .execute();
  const left = async () =>
    (await world.db.query.selectFrom('signature_nonce').select('nonce').where('ase', '=', 'swept').execute()).length;
  const now = Date.now();
  const clock = { businessNow: () => now, wallNow: () => now };
  const progress = new Map();
  await store(['1', '2', '3', '4'], now + DAY_MS);
  await store(['5', '6'], now - 1);
  const deleted: number[] = [];
  for (let run = 0; run < 3; run += 1) deleted.push(await deleteOldRows(world.db, 'swept', clock, progress, 2));
  assert.deepEqual(deleted, [0, 0, 2]);
  assert.equal(await left(), 4);
  await store(['0'], now - 1);
  assert.equal(await deleteOldRows(world.db, 'swept', clock, progress, 2), 1);
});

test('while most rows of a slice are old, a run looks at more of them', async () => {
  const now = Date.now();
  const expires_at = new Date(now - 1).toISOString();
  const nonces = Array.from({ length: 20 }, (_, index) => String(index).padStart(2, '0'));
  const rows = nonces.map((nonce) => ({ ase: 'crowded', key_thumbprint: 'k', nonce, expires_at }));
  await world.db.query.insertInto('signature_nonce').values(rows).execute();
  const clock = { businessNow: () => now, wallNow: () => now };
  const progress = new Map();
  assert.equal(await deleteOldRows(world.db, 'crowded', clock, progress, 3), 15);
  assert.equal(await deleteOldRows(world.db, 'crowded', clock, progress, 3), 5);
});

test('packets go half a year after an ended payment, never before its end', async () => {
  const prepared = async (state: 'completed' | 'pending') => {
    await world.db.query.updateTable('outgoing_payment').set({ state }).execute();
    await world.deleteOldRows();
    return count('outgoing_packet');
  };
  const packets = await count('outgoing_packet');
  const old = new Date(Date.now() - 181 * DAY_MS).toISOString();
  if (packets === 0) {
    const { id } = await world.db.query.selectFrom('outgoing_payment').select('id').executeTakeFirstOrThrow();
    await sql`insert into outgoing_packet (ase, payment_id, condition, sequence, peer, prepare, source_amount, amount, state, prepared_at)
      values ('granite', ${id}, 'c', 1, 'marble', '', 1, 1, 'fulfilled', ${old})`.execute(world.db.query);
  }
  await world.db.query.updateTable('outgoing_packet').set({ prepared_at: old }).execute();
  assert.ok((await prepared('pending')) > 0);
  assert.equal(await prepared('completed'), 0);
});

test('the answer to a packet goes half a year after it was given, and never before its copies have expired', async () => {
  const now = Date.now();
  if ((await count('incoming_payment')) === 0) await prepareResources(world, clientEnvironment(world));
  const { ase, id } = await world.db.query
    .selectFrom('incoming_payment')
    .select(['ase', 'id'])
    .executeTakeFirstOrThrow();
  const store = (condition: string, days: number, expiresInDays: number | null) =>
    world.db.query
      .insertInto('incoming_packet')
      .values({
        ...{ ase, peer: 'p', condition, incoming_payment_id: id, amount: '1', reply: Buffer.of(0) },
        booked_at: new Date(now - days * DAY_MS).toISOString(),
        expires_at: expiresInDays === null ? null : new Date(now + expiresInDays * DAY_MS).toISOString(),
      })
      .execute();
  const before = await count('incoming_packet');
  await store('young', 179, -179);
  await store('old', 181, -181);
  await store('old, stored before expiries were', 181, null);
  await store('old, of a packet that can still arrive', 181, 1);
  await store('old, of a packet that could lately', 360, -179);
  await world.deleteOldRows();
  const left = await world.db.query
    .selectFrom('incoming_packet')
    .select('condition')
    .where('peer', '=', 'p')
    .orderBy('condition')
    .execute();
  assert.deepEqual(
    left.map(({ condition }) => condition),
    ['old, of a packet that can still arrive', 'old, of a packet that could lately', 'young'],
  );
  assert.equal(await count('incoming_packet'), before + 3);
});

test('an idempotency key goes when it has expired by the wall clock, whatever the business clock says', async () => {
  const store = (key: string, milliseconds: number) =>
    world.db.query
      .insertInto('idempotency_key')
      .values({
        ...{
          ase: 'granite',
          client_id: 'c',
          operation: 'create-quote',
          key,
          request_digest: 'd',
          reply: toJson({ status: 201, body: null }),
        },
        expires_at: new Date(Date.now() + milliseconds).toISOString(),
      })
      .execute();
  await store('expired', -1000);
  await store('valid', 60_000);
  await world.controls.changeClock({ action: 'advance', milliseconds: 2 * DAY_MS });
  await world.deleteOldRows();
  const left = await world.db.query.selectFrom('idempotency_key').select('key').where('client_id', '=', 'c').execute();
  assert.deepEqual(left, [{ key: 'valid' }]);
});

test('a delivered event goes once nothing of its payment waits', async () => {
  const insert = (sequence: number, state: string) =>
    sql`insert into webhook_event (ase, subject, sequence, id, type, body, state, attempts, created_at, due_at)
      values ('granite', 's', ${sequence}, ${`e${sequence}`}, 't', '{}', ${state}, 1, '2020-01-01', '2020-01-01')`.execute(
      world.db.query,
    );
  await insert(1, 'delivered');
  await insert(2, 'undelivered');
  await world.deleteOldRows();
  assert.equal(await count('webhook_event'), 2);
  await world.db.query.updateTable('webhook_event').set({ state: 'delivered' }).execute();
  await world.deleteOldRows();
  assert.equal(await count('webhook_event'), 0);
});

test('the worlds of a killed process go, those of a live one and the main world stay', async () => {
  const create = async () => (await world.controls.worlds!.create({ consent: 'auto' })).id;
  const [dead, alive] = [await create(), await create()];
  const wall = Date.now();
  assert.deepEqual(await deleteDeadWorlds(world.db, [dead, alive], wall), []);
  assert.deepEqual(await deleteDeadWorlds(world.db, [], wall + 4 * 60_000), []);
  assert.deepEqual(await deleteDeadWorlds(world.db, [alive], wall + 6 * 60_000), [dead]);
  const rows = await world.db.query.selectFrom('account').select('ase').distinct().execute();
  const owners = new Set(rows.map(({ ase }) => ase.split('/').at(-2) ?? 'main'));
  assert.deepEqual(owners, new Set(['main', alive]));
});

test('counters of rate limits go when their time is over', async () => {
  await world.db.query
    .insertInto('rate_limit')
    .values([
      { key: 'a', points: 1, expire: '5' },
      { key: 'b', points: 1, expire: '15' },
    ])
    .execute();
  await deleteOldCounters(world.db, 10);
  assert.equal(await count('rate_limit'), 1);
});

test('each rule names a table with its key', async () => {
  for (const { table, key } of retentionRules) {
    const { rows } = await sql<{ name: string }>`select a.attname as name from pg_index x
      join pg_attribute a on a.attrelid = x.indrelid and a.attnum = any(x.indkey)
      where x.indisprimary and x.indrelid = ${table}::regclass`.execute(world.db.query);
    assert.deepEqual(new Set(rows.map(({ name }) => name)), new Set(['ase', ...key]), table);
  }
});
