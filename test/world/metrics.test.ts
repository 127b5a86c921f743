/** `GET /metrics`: what it counts, and who may read it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/database/database.ts';
import { createMetrics } from '../../src/world/metrics.ts';
import { payAcross } from '../end-to-end/support/official-client.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

const read = (headers: Record<string, string> = { authorization: `Bearer ${world.controlToken}` }) =>
  fetch(`${world.controlUrl}/metrics`, { headers });

/** Sum of the samples of a metric whose labels include these. */
async function sum(name: string, labels: Record<string, string>): Promise<number> {
  const text = await (await read()).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .filter((line) => Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)))
    .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
}

test('a request counts under its operation and status', async () => {
  const name = 'touchstone_exchange_duration_seconds_count';
  const labels = { server: 'wallet-address-server', operation: 'get-wallet-address', status: '200' };
  const before = await sum(name, labels);
  const missing = await sum(name, { ...labels, status: '404' });
  const address = clientEnvironment(world).receiver;
  for (const _ of [1, 2, 3]) await (await fetch(address)).text();
  await (await fetch(`${address}-nobody`)).text();
  assert.equal((await sum(name, labels)) - before, 3);
  assert.equal((await sum(name, { ...labels, status: '404' })) - missing, 1);
  assert.ok((await sum('touchstone_exchange_duration_seconds_sum', labels)) > 0);
});

test('payments and packets count under their state', async () => {
  await payAcross(clientEnvironment(world));
  await world.settled();
  const { query } = world.db;
  const payments = await query.selectFrom('outgoing_payment').select('state').execute();
  const packets = await query.selectFrom('outgoing_packet').select('state').execute();
  assert.ok(payments.length > 0 && packets.length > 0);
  for (const state of ['pending', 'completed', 'failed']) {
    const expected = payments.filter((payment) => payment.state === state).length;
    assert.equal(await sum('touchstone_outgoing_payments', { ase: 'granite', state }), expected, state);
  }
  for (const state of ['prepared', 'fulfilled', 'rejected']) {
    const expected = packets.filter((packet) => packet.state === state).length;
    assert.equal(await sum('touchstone_outgoing_packets', { ase: 'granite', state }), expected, state);
  }
});

test('pending payments have their number, the age of the oldest and the money on hold', async () => {
  const read = async () => [
    await sum('touchstone_outgoing_payments_pending', { ase: 'granite' }),
    await sum('touchstone_outgoing_payments_due', { ase: 'granite' }),
    Math.floor((await sum('touchstone_outgoing_payments_oldest_pending_seconds', { ase: 'granite' })) / 3600),
    await sum('touchstone_outgoing_payments_held', { ase: 'granite', asset: 'USD', scale: '2' }),
  ];
  assert.deepEqual(await read(), [0, 0, 0, 0]);
  const { query } = world.db;
  const { id, debit_amount } = await query
    .selectFrom('outgoing_payment as payment')
    .innerJoin('quote', 'quote.id', 'payment.quote_id')
    .select(['payment.id', 'quote.debit_amount'])
    .executeTakeFirstOrThrow();
  const ended = query.selectFrom('outgoing_payment').select(['state', 'sent_amount', 'accepted_at', 'next_attempt_at']);
  const before = await ended.where('id', '=', id).executeTakeFirstOrThrow();
  const change = (row: object) => query.updateTable('outgoing_payment').set(row).where('id', '=', id).execute();
  // The row as it was before the first attempt, two and a half hours ago.
  const acceptedAt = new Date(Date.now() - 2.5 * 3_600_000).toISOString();
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  await change({ state: 'pending', sent_amount: '0', accepted_at: acceptedAt, next_attempt_at: inAnHour });
  assert.deepEqual(await read(), [1, 0, 2, Number(debit_amount)]);
  await change(before);
});

test('metrics of the process are included', async () => {
  const answer = await read();
  assert.match(answer.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
  assert.match(await answer.text(), /^process_cpu_user_seconds_total /m);
});

test('the control token is required, and requests from other origins are rejected', async () => {
  for (const headers of [{}, { authorization: 'Bearer x' }]) {
    const answer = await read(headers as Record<string, string>);
    const { error } = (await answer.json()) as { error: { code: string } };
    assert.deepEqual([answer.status, error.code], [401, 'unauthorized']);
  }
  const authorization = `Bearer ${world.controlToken}`;
  assert.equal((await read({ authorization, origin: 'http://evil.example' })).status, 403);
});

test('connections to PostgreSQL count as in use, idle and awaited', { skip: needsPostgres }, async () => {
  const { url, drop } = await createTestDatabase();
  const db = await openDatabase({ kind: 'postgresql', url, poolSize: 2 });
  const metrics = createMetrics(async () => db);
  const count = async (state: string): Promise<number> => {
    const { text } = await metrics.read();
    return Number(new RegExp(`touchstone_database_connections{state="${state}"} (\\d+)`).exec(text)?.[1]);
  };
  const released = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const held = db.transaction(async (tx) => {
    await tx.selectFrom('ase').select('ase').execute();
    started.resolve();
    await released.promise;
  });
  await started.promise;
  assert.deepEqual([(await count('in-use')) >= 1, await count('awaited')], [true, 0]);
  released.resolve();
  await held;
  assert.ok((await count('idle')) >= 1);
  metrics.close();
  await db.close();
  await drop();
});
