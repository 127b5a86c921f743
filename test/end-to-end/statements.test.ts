/** SQL statements per operation, `begin` and `commit` apart, whose number grows only on purpose, and their ASE. */
import assert from 'node:assert/strict';
import { after, before, mock, test } from 'node:test';
import { PostgresQueryCompiler } from 'kysely';
import { defaultWorld } from '../../src/world/definition/definition.ts';
import { type PreparedResources, prepareResources } from '../support/prepared-resources.ts';
import { type RequestParts, send } from '../support/signed-fetch.ts';
import { type ClientEnvironment, clientEnvironment, embedded, startWorld, type TestWorld } from '../support/world.ts';

/** The text of every statement since the world has started. */
const texts = new Set<string>();
const { compileQuery } = PostgresQueryCompiler.prototype;

/** Statements that were sent. */
let counted = 0;
const measured: Record<string, number> = {};

let world: TestWorld;
let environment: ClientEnvironment;
let prepared: PreparedResources;

before(async () => {
  // The worker's poll once a second would be counted with the operation under way.
  mock.timers.enable({ apis: ['setInterval'] });
  world = await startWorld({
    // The keys of clients are read once, however slow the machine is.
    definition: { ...defaultWorld, switches: { clientKeyMaxAgeMs: 3_600_000 } },
    // So that each statement is compiled each time that it is sent.
    database: { ...embedded, onStatement() {} },
    // Statements of the worker, which come after it, are not the operation's. Other operations cause no later work.
    failpoint: (name) => {
      if (name === 'payment-stored') measured['create-outgoing-payment'] ??= counted;
    },
  });
  type Arguments = Parameters<typeof compileQuery>;
  mock.method(
    PostgresQueryCompiler.prototype,
    'compileQuery',
    function (this: PostgresQueryCompiler, ...args: Arguments) {
      const query = compileQuery.apply(this, args);
      texts.add(query.sql);
      counted += 1;
      return query;
    },
  );
  environment = clientEnvironment(world);
  prepared = await prepareResources(world, environment);
});
after(async () => {
  await world.close();
  mock.reset();
});

const amount = { value: '1', assetCode: 'USD', assetScale: 2 };
const list = (collection: string, token: string): RequestParts => ({
  method: 'GET',
  url: `${prepared.rs}/${collection}?wallet-address=${encodeURIComponent(prepared.payer)}`,
  token,
});

const budget: Record<string, readonly [statements: number, request: () => RequestParts]> = {
  'get-wallet-address': [1, () => ({ method: 'GET', url: prepared.payer, signed: false })],
  'get-wallet-address-keys': [1, () => ({ method: 'GET', url: `${prepared.payer}/jwks.json`, signed: false })],
  'post-request': [
    1,
    () => ({
      method: 'POST',
      url: prepared.auth,
      body: { client: environment.client, access_token: { access: [{ type: 'quote', actions: ['create'] }] } },
    }),
  ],
  'create-incoming-payment': [
    3,
    () => ({
      method: 'POST',
      url: `${prepared.rs}/incoming-payments`,
      token: prepared.tokens.incoming,
      body: { walletAddress: prepared.payer },
    }),
  ],
  'get-incoming-payment': [
    2,
    () => ({ method: 'GET', url: prepared.incomingPayment, token: prepared.tokens.incoming }),
  ],
  'list-incoming-payments': [3, () => list('incoming-payments', prepared.tokens.incoming)],
  'create-quote': [
    4,
    () => ({
      method: 'POST',
      url: `${prepared.rs}/quotes`,
      token: prepared.tokens.quote,
      body: { receiver: prepared.incomingPayment, walletAddress: prepared.payer, method: 'ilp', debitAmount: amount },
    }),
  ],
  'get-quote': [2, () => ({ method: 'GET', url: prepared.quote, token: prepared.tokens.quote })],
  'list-outgoing-payments': [3, () => list('outgoing-payments', prepared.tokens.outgoing)],
  'get-outgoing-payment': [
    2,
    () => ({ method: 'GET', url: prepared.outgoingPayment, token: prepared.tokens.outgoing }),
  ],
  'get-outgoing-payment-grant': [
    2,
    () => ({ method: 'GET', url: `${prepared.rs}/outgoing-payment-grant`, token: prepared.tokens.outgoing }),
  ],
  'create-outgoing-payment': [
    // One of them makes repetitions safe (OPI-071).
    7,
    () => ({
      method: 'POST',
      url: `${prepared.rs}/outgoing-payments`,
      token: prepared.tokens.outgoing,
      body: { quoteId: prepared.quote, walletAddress: prepared.payer },
    }),
  ],
  'complete-incoming-payment': [
    3,
    () => ({ method: 'POST', url: `${prepared.incomingPayment}/complete`, token: prepared.tokens.incoming }),
  ],
  'post-token': [2, () => ({ method: 'POST', url: prepared.grant.manage, token: prepared.grant.token })],
};

test('no operation takes more statements than its budget', async () => {
  await world.settled();
  for (const operationId of Object.keys(measured)) delete measured[operationId];
  for (const [operationId, [, request]] of Object.entries(budget)) {
    counted = 0;
    const answer = await send(environment, request());
    measured[operationId] ??= counted;
    assert.ok(answer.status < 300, `${operationId}: ${answer.text}`);
    await world.settled();
  }
  const taken = Object.fromEntries(Object.keys(budget).map((operationId) => [operationId, measured[operationId]]));
  const allowed = Object.fromEntries(
    Object.entries(budget).map(([operationId, [statements]]) => [operationId, statements]),
  );
  assert.deepEqual(taken, allowed);
});

test('each request of an interactive grant takes two statements', async () => {
  await world.controls.setConsent('auto');
  const outgoing = { type: 'outgoing-payment', actions: ['read'], identifier: prepared.payer };
  const finish = { method: 'redirect', uri: 'http://localhost:1/', nonce: 'n' };
  const count = async (parts: RequestParts) => {
    counted = 0;
    const answer = await send(environment, parts);
    assert.ok(answer.status < 400, answer.text);
    return { answer, statements: counted };
  };

  const requested = await count({
    method: 'POST',
    url: prepared.auth,
    body: {
      client: environment.client,
      access_token: { access: [outgoing] },
      interact: { start: ['redirect'], finish },
    },
  });
  const { interact, continue: continuation } = requested.answer.body;
  const consented = await count({ method: 'GET', url: interact.redirect, signed: false });
  const location = new URL(consented.answer.headers.get('location')!);
  const continued = await count({
    method: 'POST',
    url: continuation.uri,
    token: continuation.access_token.value,
    body: { interact_ref: location.searchParams.get('interact_ref') },
  });
  assert.equal(typeof continued.answer.body.access_token.value, 'string');
  assert.deepEqual(
    [requested, consented, continued].map(({ statements }) => statements),
    [2, 2, 2],
  );
});

/** Read or written once a second and process, whatever the number of requests. */
const ofTheWorld = /"world"/;

test('every statement of a request or payment names the ASE, by which a database can be distributed', () => {
  const namesAse = /"ase" (= \$\d|in \(\$\d)|\binsert into "\w+" \(("\w+", )*"ase"/;
  assert.ok(texts.size > 30, `${texts.size} statements were seen`);
  assert.deepEqual(
    [...texts].filter((text) => /"\w+"/.test(text) && !ofTheWorld.test(text) && !namesAse.test(text)),
    [],
  );
});
