/** The resource server introspects tokens at another process (INT-04…13). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { Problem } from '../../src/errors.ts';
import type { OutboundRequest, OutboundResponse } from '../../src/net/outbound.ts';
import { createIntrospectionClient } from '../../src/resource/introspection-client.ts';
import {
  createTestClient,
  type OneAuthServer,
  openLoopbackOutbound,
  startAuthServer,
} from '../auth/support/one-auth-server.ts';

let as: OneAuthServer;
const client = createTestClient('shop');
const outbound = openLoopbackOutbound();
const quote = { type: 'quote', actions: ['create', 'read-all'] };
const incoming = { type: 'incoming-payment', actions: ['create'] };

before(async () => {
  as = await startAuthServer();
  as.world.keys.set(client.walletAddress, [client.jwk]);
});
after(async () => {
  outbound.close();
  await as.close();
});

const grant = async (form: unknown = client.walletAddress) => {
  const body = { client: form, access_token: { access: [quote, incoming] } };
  return (await as.send({ url: as.authServer, by: client, body })).body;
};
const createClient = (options: { secret?: string; outbound?: { request: () => Promise<OutboundResponse> } } = {}) =>
  createIntrospectionClient({
    endpoint: `${as.urls.introspection}/`,
    secret: as.secrets.introspection,
    outbound,
    ...options,
  });

test('returns the grant, the client and the access items that the operation can use', async () => {
  const introspect = createClient();
  const { access_token: token } = await grant();
  const caller = await introspect(token.value, { type: 'quote', action: 'read' });
  assert.deepEqual(caller, {
    grantId: caller?.grantId,
    clientId: client.walletAddress,
    client: { walletAddress: client.walletAddress },
    access: [quote],
  });
  assert.deepEqual((await introspect(token.value, { type: 'outgoing-payment', action: 'create' }))?.access, []);
  const again = await introspect(token.value, { type: 'incoming-payment', action: 'create' });
  assert.deepEqual([again?.grantId, again?.access], [caller?.grantId, [incoming]]);
});

test('identifies a client that presents only a key by its thumbprint', async () => {
  const { access_token: token } = await grant({ jwk: client.jwk });
  const caller = await createClient()(token.value, { type: 'quote', action: 'read' });
  assert.match(caller!.clientId, /^[\w-]{43}$/);
  assert.deepEqual(caller!.client, { jwk: client.jwk });
});

test('caches nothing: a revoked token is inactive at the next request', async () => {
  const introspect = createClient();
  const { access_token: token } = await grant();
  const ask = () => introspect(token.value, { type: 'quote', action: 'read' });
  assert.ok(await ask());
  await as.send({ method: 'DELETE', url: token.manage, token: token.value, by: client });
  assert.equal(await ask(), undefined);
});

test('treats an unusable response as a failure, never as an invalid token', async () => {
  const answer = (status: number, body: unknown) => ({
    async request(): Promise<OutboundResponse> {
      return {
        status,
        isPublic: false,
        headers: {},
        body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      };
    },
  });
  const key = { kid: 'k', kty: 'OKP', crv: 'Ed25519', x: 'short' };
  for (const broken of [
    createClient({ secret: 'wrong' }),
    createClient({ outbound: { request: () => Promise.reject(new Error('refused')) } }),
    createClient({ outbound: answer(500, { active: false }) }),
    createClient({ outbound: answer(200, '<html>') }),
    createClient({ outbound: answer(200, {}) }),
    createClient({ outbound: answer(200, { active: true }) }),
    createClient({ outbound: answer(200, { active: 'false' }) }),
    createClient({ outbound: answer(200, { active: true, grant: 'g', access: [], client: { jwk: key } }) }),
  ]) {
    await assert.rejects(broken('a-token', undefined), (error) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.code, 'introspection_unavailable');
      assert.doesNotMatch(inspect(error), /a-token/);
      return true;
    });
  }
});

test('sends the token in the body and the secret in a header, only to the endpoint', async () => {
  const sent: OutboundRequest[] = [];
  const recording = {
    async request(request: OutboundRequest): Promise<OutboundResponse> {
      sent.push(request);
      return { status: 200, isPublic: false, headers: {}, body: Buffer.from('{"active":false}') };
    },
  };
  const introspect = createIntrospectionClient({ endpoint: 'http://as.example/', secret: 's', outbound: recording });
  assert.equal(await introspect('a-token', { type: 'quote', action: 'create' }), undefined);
  assert.deepEqual(
    sent.map(({ url, method, headers, body }) => [url, method, headers?.['authorization'], JSON.parse(`${body}`)]),
    [
      [
        'http://as.example/',
        'POST',
        'Bearer s',
        { access_token: 'a-token', access: [{ type: 'quote', actions: ['create'] }] },
      ],
    ],
  );
});
