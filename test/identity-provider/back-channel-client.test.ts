/** The back channel client gives the same answers as function calls in one process (AS-78…84, AS-N05). */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createBackChannelClient } from '../../src/identity-provider/back-channel-client.ts';
import {
  createTestClient,
  type OneAuthServer,
  openLoopbackOutbound,
  startAuthServer,
} from '../auth/support/one-auth-server.ts';

let as: OneAuthServer;
const client = createTestClient('shop');
const outbound = openLoopbackOutbound();
const limits = { debitAmount: { value: '1250', assetCode: 'USD', assetScale: 2 } };

before(async () => {
  as = await startAuthServer();
  as.world.keys.set(client.walletAddress, [client.jwk]);
  as.world.names.set(client.walletAddress, 'The Shop');
});
after(async () => {
  outbound.close();
  await as.close();
});
beforeEach(() => {
  as.world.consent = 'manual';
});

const createClient = (secret = as.secrets.backChannel) =>
  createBackChannelClient({ endpoint: as.urls.backChannel, secret, outbound });

async function requestGrant(finish = true) {
  const access = [{ type: 'outgoing-payment', actions: ['create'], identifier: as.alice, limits }];
  const interact = {
    start: ['redirect'],
    ...(finish && { finish: { method: 'redirect', uri: 'https://shop.example/done', nonce: 'n' } }),
  };
  const body = { client: client.walletAddress, access_token: { access }, subject: subjectOf(as.alice), interact };
  const answer = await as.send({ url: as.authServer, by: client, body });
  assert.equal(answer.status, 200, answer.text);
  const [, , , id, nonce] = new URL(answer.body.interact.redirect).pathname.split('/') as string[];
  return { id: id!, nonce: nonce!, continuation: answer.body.continue };
}

const subjectOf = (id: string) => ({ sub_ids: [{ id, format: 'uri' }] });

test('reads the same view as in one process', async () => {
  for (const finish of [true, false]) {
    const { id, nonce } = await requestGrant(finish);
    const read = await createClient().read(id, nonce);
    assert.deepEqual(
      JSON.parse(JSON.stringify(read)),
      JSON.parse(JSON.stringify(await as.interactions.read(id, nonce))),
    );
  }
});

test('decides finally', async () => {
  for (const [choice, state] of [
    ['accept', 'approved'],
    ['reject', 'denied'],
  ] as const) {
    const { id, nonce } = await requestGrant();
    const interactions = createClient();
    await interactions.decide(id, nonce, { choice });
    assert.equal((await interactions.read(id, nonce)).state, state);
    await assert.rejects(interactions.decide(id, nonce, { choice: 'accept' }), { code: 'interaction_closed' });
  }
});

test('AS-N05: passes the holder of a decision on', async () => {
  const { id, nonce } = await requestGrant();
  await assert.rejects(createClient().decide(id, nonce, { choice: 'accept', holder: 'bob' }), {
    code: 'foreign_holder',
  });
  assert.equal((await createClient().read(id, nonce)).state, 'pending');
  await createClient().decide(id, nonce, { choice: 'accept', holder: 'alice' });
  assert.equal((await createClient().read(id, nonce)).state, 'approved');
});

test('passes lower limits on, which the server checks', async () => {
  const { id, nonce } = await requestGrant();
  const allow = (value: string) => {
    const debitAmount = { ...limits.debitAmount, value };
    return createClient().decide(id, nonce, { choice: 'accept', limits: [{ identifier: as.alice, debitAmount }] });
  };
  await assert.rejects(allow('1251'), { code: 'unacceptable_limits' });
  await allow('250');
  const [item] = (await createClient().read(id, nonce)).access;
  assert.equal(item?.limits?.debitAmount?.value, '250');
});

test('AS-N05: passes the holder of a read on', async () => {
  const { id, nonce } = await requestGrant();
  await assert.rejects(createClient().read(id, nonce, 'bob'), { code: 'foreign_holder' });
  assert.equal((await createClient().read(id, nonce, 'alice')).state, 'pending');
});

test('maps errors to the same problem codes', async () => {
  const { id, nonce, continuation } = await requestGrant();
  await assert.rejects(createClient().read(id, 'x'), { code: 'unknown_interaction' });
  await assert.rejects(createClient().decide('../../x?', 'y/z', { choice: 'accept' }), { code: 'unknown_interaction' });
  await as.send({ method: 'DELETE', url: continuation.uri, token: continuation.access_token.value, by: client });
  await assert.rejects(createClient().decide(id, nonce, { choice: 'accept' }), { code: 'user_denied' });
});

test('a wrong secret is an internal error, not a problem of the person who decides', async () => {
  const { id, nonce } = await requestGrant();
  const wrong = createClient('wrong');
  for (const call of [wrong.read(id, nonce), wrong.decide(id, nonce, { choice: 'accept' })]) {
    await assert.rejects(call, { message: 'the back channel answered 401' });
  }
});
