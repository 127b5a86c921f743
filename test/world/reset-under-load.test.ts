/** A reset while clients send requests: it refuses them, and the world works afterwards (OPI-079). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPayer } from '../support/payer.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

const CLIENTS = 6;
const RESETS = 4;

async function payOnce(world: TestWorld): Promise<string> {
  const environment = clientEnvironment(world);
  const payer = await createPayer(environment);
  const quote = await payer.quote(await payer.receive(environment.receiver, '100'), '100');
  const { status, body, text } = await payer.pay(quote.id);
  assert.equal(status, 201, text);
  await world.settled();
  const payment = await payer.read(body.id);
  assert.equal(payment.sentAmount.value, payment.debitAmount.value);
  return body.id;
}

const postReset = (world: TestWorld) =>
  fetch(`${world.controlUrl}/reset`, { method: 'POST', headers: { authorization: `Bearer ${world.controlToken}` } });

test('resets under load succeed, and payments settle afterwards', { skip: needsPostgres }, async (t) => {
  const { url, drop } = await createTestDatabase();
  t.after(drop);
  await using world = await startWorld({ database: { kind: 'postgresql', url }, seed: 'reset', consent: 'auto' });
  await payOnce(world);
  let isOver = false;
  let paid = 0;
  // A request that a reset meets may fail in any way; what counts is the state afterwards.
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!isOver)
      await payOnce(world).then(
        () => paid++,
        () => {},
      );
  });
  try {
    for (let round = 0; round < RESETS; round++) {
      assert.equal((await postReset(world)).status, 204, `reset ${round + 1}`);
    }
  } finally {
    isOver = true;
    await Promise.all(clients);
  }
  for (const { origin } of world.ases) assert.equal((await fetch(`${origin}/readyz`)).status, 200);
  await payOnce(world);
});

test('while a reset lasts, requests and /readyz get 503 with Retry-After, and /livez 200; a failed one starts again', async () => {
  await using world = await startWorld({ seed: 'reset' });
  const { origin } = world.ases[0]!;
  const answers: { path: string; status: number; retryAfter: string | null }[] = [];
  const clear = world.db.clear;
  world.db.clear = async () => {
    for (const path of ['/livez', '/readyz', '/alice']) {
      const { status, headers } = await fetch(origin + path);
      answers.push({ path, status, retryAfter: headers.get('retry-after') });
    }
    throw new Error('the database is away');
  };
  await assert.rejects(world.controls.reset(), /the database is away/);
  world.db.clear = clear;
  assert.deepEqual(answers, [
    { path: '/livez', status: 200, retryAfter: null },
    { path: '/readyz', status: 503, retryAfter: '1' },
    { path: '/alice', status: 503, retryAfter: '1' },
  ]);
  assert.equal((await fetch(`${origin}/readyz`)).status, 200);

  // A conflict with a transaction of another process is not a failure.
  const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' });
  let conflicts = 2;
  world.db.clear = (...rows) => (conflicts-- > 0 ? Promise.reject(deadlock) : clear.apply(world.db, rows));
  await world.controls.reset();
  await payOnce(world);
});

test('a reset keeps what clients have read at the start, also without a seed, and drops a secret that was added', async () => {
  await using world = await startWorld({ seed: undefined, signIn: true });
  const environment = clientEnvironment(world);
  const told = () => JSON.stringify([world.describeEnvironment(), world.clientKey, world.passphrases]);
  const before = told();
  const client = await fetch(`${environment.client}/jwks.json`);
  const keys = await client.json();
  const added = await fetch(`${world.controlUrl}/ases/granite/secrets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.controlToken}` },
  });
  assert.equal(added.status, 201);
  for (let resets = 0; resets < 2; resets += 1) {
    await world.controls.reset();
    assert.equal(told(), before);
    assert.deepEqual(await (await fetch(`${environment.client}/jwks.json`)).json(), keys);
    const rows = await world.db.query.selectFrom('ase').select(['secrets']).execute();
    assert.deepEqual(
      rows.map(({ secrets }) => secrets.length),
      [1, 1],
    );
  }
});
