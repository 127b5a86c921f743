/** No reply leaves unless its document allows it: each handler's is spoilt here, and the server's own 500 comes instead. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pino from 'pino';
import type { Reply } from '../../src/http/reply.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { type PreparedResources, prepareResources } from '../support/prepared-resources.ts';
import { type RequestParts, send } from '../support/signed-fetch.ts';
import { type ClientEnvironment, clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let environment: ClientEnvironment;
let prepared: PreparedResources;
let spoilt: string | undefined;
const logged: string[] = [];

/** No document allows null, or any body with 204. */
const spoil = (reply: Reply): Reply => ({ ...reply, body: reply.status === 204 ? {} : null });

before(async () => {
  const log = pino({ level: 'error' }, { write: (line: string) => void logged.push(line) });
  world = await startWorld({ log, tamper: (operationId, reply) => (operationId === spoilt ? spoil(reply) : reply) });
  environment = clientEnvironment(world);
  prepared = await prepareResources(world, environment);
});
after(() => world.close());

const amount = { value: '1', assetCode: 'USD', assetScale: 2 };

const requests: Record<string, () => RequestParts> = {
  'get-wallet-address': () => ({ method: 'GET', url: prepared.payer, signed: false }),
  'get-wallet-address-keys': () => ({ method: 'GET', url: `${prepared.payer}/jwks.json`, signed: false }),
  'get-wallet-address-did-document': () => ({ method: 'GET', url: `${prepared.payer}/did.json`, signed: false }),
  'post-request': () => ({
    method: 'POST',
    url: prepared.auth,
    body: { client: environment.client, access_token: { access: [{ type: 'quote', actions: ['create'] }] } },
  }),
  'post-continue': () => ({ method: 'POST', url: prepared.pending.continueUri, token: prepared.pending.continueToken }),
  'delete-continue': () => ({ method: 'DELETE', url: prepared.grant.continueUri, token: prepared.grant.continueToken }),
  'post-token': () => ({ method: 'POST', url: prepared.grant.manage, token: prepared.grant.token }),
  'delete-token': () => ({ method: 'DELETE', url: prepared.grant.manage, token: prepared.grant.token }),
  'create-incoming-payment': () => ({
    method: 'POST',
    url: `${prepared.rs}/incoming-payments`,
    token: prepared.tokens.incoming,
    body: { walletAddress: prepared.payer },
  }),
  'list-incoming-payments': () => list('incoming-payments', prepared.tokens.incoming),
  'get-incoming-payment': () => ({ method: 'GET', url: prepared.incomingPayment, token: prepared.tokens.incoming }),
  'complete-incoming-payment': () => ({
    method: 'POST',
    url: `${prepared.incomingPayment}/complete`,
    token: prepared.tokens.incoming,
  }),
  'create-quote': () => ({
    method: 'POST',
    url: `${prepared.rs}/quotes`,
    token: prepared.tokens.quote,
    body: { receiver: prepared.incomingPayment, walletAddress: prepared.payer, method: 'ilp', debitAmount: amount },
  }),
  'get-quote': () => ({ method: 'GET', url: prepared.quote, token: prepared.tokens.quote }),
  'create-outgoing-payment': () => ({
    method: 'POST',
    url: `${prepared.rs}/outgoing-payments`,
    token: prepared.tokens.outgoing,
    body: { quoteId: prepared.quote, walletAddress: prepared.payer },
  }),
  'list-outgoing-payments': () => list('outgoing-payments', prepared.tokens.outgoing),
  'get-outgoing-payment': () => ({ method: 'GET', url: prepared.outgoingPayment, token: prepared.tokens.outgoing }),
  'get-outgoing-payment-grant': () => ({
    method: 'GET',
    url: `${prepared.rs}/outgoing-payment-grant`,
    token: prepared.tokens.outgoing,
  }),
};

const list = (collection: string, token: string): RequestParts => ({
  method: 'GET',
  url: `${prepared.rs}/${collection}?wallet-address=${encodeURIComponent(prepared.payer)}`,
  token,
});

test('all 18 operations are here', () => assert.equal(Object.keys(requests).length, 18));

for (const [operationId, request] of Object.entries(requests)) {
  test(`${operationId}: a reply that its document does not allow becomes the 500 of its server`, async () => {
    const stored = await fingerprint(world.db);
    spoilt = operationId;
    const answer = await send(environment, request()).finally(() => {
      spoilt = undefined;
    });
    assert.equal(answer.status, 500, answer.text);
    const code = new URL(request().url).pathname.startsWith('/auth/') ? 'request_denied' : 'internal_error';
    assert.equal(answer.body.error.code, code);
    const [, failureId] = /^internal error ([0-9a-f-]{36})$/.exec(answer.body.error.description) ?? [];
    assert.ok(
      logged.some((line) => line.includes(`"failureId":"${failureId}"`)),
      'the log knows the failure',
    );
    assert.deepEqual(await fingerprint(world.db), stored, 'nothing was committed');
  });
}

test('an error reply is judged as well', async () => {
  spoilt = 'get-quote';
  const answer = await send(environment, { ...requests['get-quote']!(), token: 'unknown' }).finally(() => {
    spoilt = undefined;
  });
  assert.equal(answer.status, 500);
  assert.equal(answer.body.error.code, 'internal_error');
});

test('unspoilt, the same requests are answered well', async () => {
  // Operations that end something come last.
  const last = ['complete-incoming-payment', 'delete-token', 'delete-continue'];
  const others = Object.keys(requests).filter(
    (operationId) => !last.includes(operationId) && operationId !== 'post-token',
  );
  for (const operationId of [...others, ...last]) {
    const answer = await send(environment, requests[operationId]!());
    assert.ok(answer.status < 300, `${operationId}: ${answer.status} ${answer.text}`);
  }
});
