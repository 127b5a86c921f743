/** Token introspection (INT-02…11, AS-N04). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { covers } from '../../src/auth/introspection.ts';
import type { Access } from '../../src/open-payments/access.ts';
import { createTestClient, type OneAuthServer, startAuthServer } from './support/one-auth-server.ts';

let as: OneAuthServer;
const client = createTestClient('shop');
const quote = { type: 'quote', actions: ['create', 'read-all'] };
const incoming = { type: 'incoming-payment', actions: ['create'] };

before(async () => {
  as = await startAuthServer();
  as.world.keys.set(client.walletAddress, [client.jwk]);
});
after(() => as.close());

const grant = async (form: unknown = client.walletAddress) =>
  (
    await as.send({
      url: as.authServer,
      by: client,
      body: { client: form, access_token: { access: [quote, incoming] } },
    })
  ).body;
const introspect = (body: object, secret: string = as.secrets.introspection) =>
  as.send({ url: `${as.urls.introspection}/`, headers: { authorization: `Bearer ${secret}` }, body });

test('INT-05, INT-06: returns grant, client, and the items that match the request', async () => {
  const { access_token: token } = await grant();
  const asked = [{ type: 'quote', actions: ['read'] }];
  const { status, body } = await introspect({ access_token: token.value, access: asked });
  assert.equal(status, 200);
  assert.deepEqual(body, {
    active: true,
    grant: body.grant,
    access: [quote],
    client: { walletAddress: client.walletAddress },
  });
  assert.deepEqual((await introspect({ access_token: token.value })).body.access, []);
  const { access_token: ofKey } = await grant({ jwk: client.jwk });
  assert.deepEqual((await introspect({ access_token: ofKey.value })).body.client, { jwk: client.jwk });
});

test('INT-04, INT-11, AS-N04: all inactive tokens have the same answer', async () => {
  const assertInactive = async (value: string) =>
    assert.deepEqual((await introspect({ access_token: value })).body, { active: false });
  const isActive = async (value: string) => (await introspect({ access_token: value })).body.active;
  await assertInactive('unknown');
  const first = await grant();
  await assertInactive(first.continue.access_token.value);

  const { manage, value } = first.access_token;
  const rotated = (await as.send({ url: manage, token: value, by: client })).body.access_token;
  await assertInactive(value);
  assert.equal(await isActive(rotated.value), true);
  await as.send({ method: 'DELETE', url: rotated.manage, token: rotated.value, by: client });
  await assertInactive(rotated.value);

  const second = await grant();
  const token = second.continue.access_token.value;
  await as.send({ method: 'DELETE', url: second.continue.uri, token, by: client });
  await assertInactive(second.access_token.value);

  const third = await grant();
  as.world.now += 599_999;
  assert.equal(await isActive(third.access_token.value), true);
  as.world.now += 1;
  await assertInactive(third.access_token.value);
});

test('INT-03, INT-10: requires the secret of the resource server, and a token', async () => {
  const { status, body } = await introspect({ access_token: 'x' }, 'wrong');
  assert.deepEqual([status, body.error.code], [401, 'invalid_resource_server']);
  assert.equal((await introspect({}, 'wrong')).status, 401);
  assert.equal((await introspect({})).status, 400);
});

describe('INT-07…09: coverage of access items', () => {
  const granted: Access = {
    type: 'outgoing-payment',
    actions: ['create', 'read-all', 'list'],
    identifier: 'https://granite.example/alice',
    limits: { debitAmount: { value: '1', assetCode: 'USD', assetScale: 2 } },
  };
  type Asked = Parameters<typeof covers>[1];
  const ask = (change: Partial<Asked>): Asked => ({ type: 'outgoing-payment', actions: [], ...change });
  const cases: [string, Partial<Asked>, boolean][] = [
    ['another type', { type: 'quote' }, false],
    ['the same action', { actions: ['create'] }, true],
    ['less than read-all', { actions: ['read'] }, true],
    ['more than list', { actions: ['list-all'] }, false],
    ['one of two', { actions: ['create', 'complete'] }, false],
    ['the same wallet address', { identifier: 'https://granite.example/alice' }, true],
    ['another wallet address', { identifier: 'https://granite.example/bob' }, false],
    ['the same limits', { limits: { debitAmount: { assetScale: 2, assetCode: 'USD', value: '1' } } }, true],
    ['other limits', { limits: {} }, false],
  ];
  for (const [name, change, expected] of cases) {
    test(name, () => assert.equal(covers(granted, ask(change)), expected));
  }
});
