/** Rotation of continuation tokens (RFC 9635 §5; AS-124). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compat } from '../../src/profile.ts';
import { createTestClient, type OneAuthServer, startAuthServer } from './support/one-auth-server.ts';

let as: OneAuthServer;
const client = createTestClient('shop');

before(async () => {
  as = await startAuthServer();
  Object.assign(as.world, { switches: { ...compat, rotateContinuation: true }, consent: 'manual' });
  as.world.keys.set(client.walletAddress, [client.jwk]);
  as.world.names.set(client.walletAddress, 'The Shop');
});
after(() => as.close());

async function pend(): Promise<{ uri: string; token: string }> {
  const access = [{ type: 'outgoing-payment', actions: ['create'], identifier: as.alice }];
  const body = { client: client.walletAddress, access_token: { access }, interact: { start: ['redirect'] } };
  const answer = await as.send({ url: as.authServer, by: client, body });
  assert.equal(answer.status, 200, answer.text);
  return { uri: answer.body.continue.uri, token: answer.body.continue.access_token.value };
}

const poll = (uri: string, token: string) => as.send({ url: uri, token, by: client });

test('AS-124: of two concurrent polls with one token, one succeeds and returns the valid token', async () => {
  for (let round = 0; round < 5; round += 1) {
    const { uri, token } = await pend();
    const answers = await Promise.all([poll(uri, token), poll(uri, token)]);
    const [answered, ...more] = answers.filter(({ status }) => status === 200);
    const [refused] = answers.filter(({ status }) => status !== 200);
    assert.ok(answered && more.length === 0, `${answers.map(({ status }) => status)}`);
    assert.deepEqual([refused?.status, refused?.body.error.code], [401, 'invalid_continuation']);
    assert.equal((await poll(uri, answered.body.continue.access_token.value)).status, 200);
  }
});

test('AS-124: a rejected poll does not rotate the token', async () => {
  const { uri, token } = await pend();
  const refused = await as.send({ url: uri, token, by: client, body: { interact_ref: 'no such' } });
  assert.equal(refused.status, 401, refused.text);
  assert.equal((await poll(uri, token)).status, 200);
});
