/** The control API: state, clock, consent, reset, ledgers and access control. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { fingerprint } from '../support/fingerprint.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { prepareResources } from '../support/prepared-resources.ts';
import { send } from '../support/signed-fetch.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
before(async () => {
  world = await startWorld({ seed: '42' });
});
after(() => world.close());

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(world.controlUrl + path, {
    method,
    headers: {
      authorization: `Bearer ${world.controlToken}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers };
}

test('the state names the ASEs, their wallets and the clock', async () => {
  const { status, body } = await call('GET', '/');
  assert.equal(status, 200);
  assert.deepEqual([body.spec, body.seed, body.clock.mode, body.consent.mode], ['1.3.0', '42', 'running', 'auto']);
  assert.deepEqual(
    body.ases.map(({ name }: { name: string }) => name),
    ['granite', 'marble'],
  );
});

// The embedded database serialises transactions, so it cannot show the race.
test('concurrent changes of the clock all take effect', { skip: needsPostgres }, async () => {
  const { url, drop } = await createTestDatabase();
  try {
    await using other = await startWorld({ database: { kind: 'postgresql', url } });
    const { controls } = other;
    await controls.changeClock({ action: 'freeze' });
    const before = controls.clock().now;
    const changes = Array.from({ length: 20 }, () => controls.changeClock({ action: 'advance', milliseconds: 10 }));
    await Promise.all(changes);
    assert.equal(controls.clock().now - before, 200);
  } finally {
    await drop();
  }
});

test('requests without the token, or from a foreign Host or Origin, are rejected', async () => {
  for (const authorization of ['', 'Bearer x', `Bearer ${world.controlToken}x`, `GNAP ${world.controlToken}`]) {
    const { status, body } = await call('GET', '/', undefined, { authorization });
    assert.deepEqual([status, body.error.code], [401, 'unauthorized'], authorization);
  }
  assert.equal((await call('GET', '/', undefined, { origin: 'http://evil.example' })).status, 403);
  const { port } = new URL(world.controlUrl);
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    'localhost',
    `a@localhost:${port}`,
    `localhost.evil:${port}`,
  ])
    assert.equal(await statusWithHost(host), 403, host);
  for (const host of [`LOCALHOST:${port}`, `localhost.:${port}`, `127.0.0.1:${port}`])
    assert.equal(await statusWithHost(host), 200, host);
  // The authority of the target counts, not Host (RFC 9112 §3.2.2), and forwarded hosts do not.
  assert.equal(await statusWithHost(`localhost:${port}`, `http://evil.example:${port}/`), 403);
  assert.equal(await statusWithHost('evil.example', `http://localhost:${port}/`), 200);
  assert.equal(await statusWithHost('evil.example', '/', { 'x-forwarded-host': `localhost:${port}` }), 403);
  assert.equal((await call('GET', '/')).headers.get('access-control-allow-origin'), null);
});

/** `fetch` cannot set the Host header. */
function statusWithHost(host: string, path = '/', more: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host, authorization: `Bearer ${world.controlToken}`, ...more };
    request(world.controlUrl, { headers, path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

test('invalid input is 400', async () => {
  for (const body of [{}, { advance: -1 }, { advance: 1.5 }, { set: 'tomorrow' }, { freeze: true, advance: 1 }, []]) {
    assert.equal((await call('POST', '/clock', body)).status, 400, JSON.stringify(body));
  }
  assert.equal((await call('POST', '/consent', { mode: 'perhaps' })).status, 400);
  assert.equal((await call('PUT', '/clock', {})).status, 405);
});

test('the clock of both ASEs can be frozen, moved and resumed; tokens expire by it', async () => {
  const environment = clientEnvironment(world);
  const frozen = (await call('POST', '/clock', { freeze: true })).body;
  const { tokens, incomingPayment } = await prepareResources(world, environment);
  const read = async () =>
    (await send(environment, { method: 'GET', url: incomingPayment, token: tokens.incoming })).status;
  assert.equal(frozen.mode, 'frozen');
  assert.equal(
    (await call('POST', '/clock', { advance: 599 })).body.now,
    new Date(Date.parse(frozen.now) + 599_000).toISOString(),
  );
  assert.equal(await read(), 200);
  await call('POST', '/clock', { advance: 1 });
  assert.equal(await read(), 401);
  const set = '2030-02-28T23:59:59.999Z';
  assert.equal((await call('POST', '/clock', { set })).body.now, set);
  const running = (await call('POST', '/clock', { run: true })).body;
  assert.equal(running.mode, 'running');
  assert.ok(Date.parse(running.now) >= Date.parse(set));
});

test('the consent mode can be changed', async () => {
  assert.deepEqual((await call('POST', '/consent', { mode: 'deny' })).body, { mode: 'deny' });
  assert.equal((await call('GET', '/')).body.consent.mode, 'deny');
});

test('a reset restores the initial world, including ids and keys with a seed', async () => {
  assert.equal((await call('POST', '/reset')).status, 204);
  const first = await fingerprint(world.db);
  const prepared = await prepareResources(world, clientEnvironment(world));
  assert.notDeepEqual(await fingerprint(world.db), first);
  assert.equal((await call('POST', '/reset')).status, 204);
  const second = await fingerprint(world.db);
  for (const table of ['ase', 'account', 'outgoing_payment']) assert.deepEqual(second[table], first[table], table);
  assert.equal((await call('GET', '/')).body.consent.mode, 'auto');
  const again = await prepareResources(world, clientEnvironment(world));
  assert.equal(again.tokens.incoming, prepared.tokens.incoming);
  assert.equal(again.outgoingPayment, prepared.outgoingPayment);
});

test('the ledgers balance', async () => {
  const { body } = await call('GET', '/ledger');
  assert.deepEqual(
    body.ases.map(({ name, balanced }: { name: string; balanced: boolean }) => [name, balanced]),
    [
      ['granite', true],
      ['marble', true],
    ],
  );
  assert.ok(body.ases[0].accounts.length > 3);
});
