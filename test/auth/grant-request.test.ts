/** Grant requests over HTTP: without interaction, with each form of client, and rejected (AS-01…72, AS-94, AS-125). */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { importClientJwk } from '../../src/http/signatures/client-keys.ts';
import { compat, strict } from '../../src/profile.ts';
import type { Answer } from '../support/signed-fetch.ts';
import { createTestClient, type OneAuthServer, type Parts, startAuthServer } from './support/one-auth-server.ts';

let as: OneAuthServer;
const client = createTestClient('shop');
const quote = { type: 'quote', actions: ['create', 'read'] };
const incoming = { type: 'incoming-payment', actions: ['create', 'read', 'list', 'complete'] };
const finish = { method: 'redirect', uri: 'https://shop.example/done', nonce: 'n0nce' };

before(async () => {
  as = await startAuthServer();
});
after(() => as.close());
beforeEach(() => {
  Object.assign(as.world, { switches: compat, waitSeconds: 0 });
  as.world.keys.set(client.walletAddress, [client.jwk]);
  as.world.names.set(client.walletAddress, 'The Shop');
});

const outgoing = (more: object = {}) => ({
  type: 'outgoing-payment',
  actions: ['create', 'read'],
  identifier: as.alice,
  ...more,
});
const request = (body: object | string, parts: Partial<Parts> = {}): Promise<Answer> =>
  as.send({ url: as.authServer, by: client, body, ...parts });
const ask = (access: unknown, more: object = {}, parts: Partial<Parts> = {}): Promise<Answer> =>
  request({ client: client.walletAddress, access_token: { access }, ...more }, parts);
const interact = { interact: { start: ['redirect'], finish } };

const assertRefused = (answer: Answer, status: number, code: string): void => {
  assert.deepEqual([answer.status, answer.body?.error?.code], [status, code], answer.text);
  assert.deepEqual(Object.keys(answer.body.error), ['code', 'description']);
  assert.equal(answer.headers.get('cache-control'), 'no-store', 'AS-14');
};

const countGrants = async (): Promise<number> =>
  (await as.db.query.selectFrom('gnap_grant').select('id').execute()).length;

describe('without interaction', () => {
  test('AS-08…12, AS-56: returns a token and a continuation URI for cancelling', async () => {
    const { status, body, headers } = await ask([incoming, quote]);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ['access_token', 'continue']);
    assert.deepEqual(body.access_token.access, [incoming, quote]);
    assert.equal(body.access_token.expires_in, 600);
    assert.ok(body.access_token.manage.startsWith(`${as.authServer}token/`));
    assert.ok(body.continue.uri.startsWith(`${as.authServer}continue/`));
    assert.equal(headers.get('cache-control'), 'no-store');
  });

  test('AS-125: cannot be continued', async () => {
    const { continue: continuation } = (await ask([quote])).body;
    const token = continuation.access_token.value;
    assertRefused(await as.send({ url: continuation.uri, token, by: client }), 401, 'request_denied');
  });

  test('AS-131: cancelling revokes the token', async () => {
    const { access_token: token, continue: continuation } = (await ask([quote])).body;
    const cancel = { method: 'DELETE', url: continuation.uri, token: continuation.access_token.value, by: client };
    assert.equal((await as.send(cancel)).status, 204);
    assertRefused(await as.send({ url: token.manage, token: token.value, by: client }), 401, 'invalid_client');
  });

  test('AS-20, AS-27, AS-31: three forms of client; a jwk client is identified by its thumbprint', async () => {
    const access_token = { access: [quote] };
    const forms = [client.walletAddress, { walletAddress: `${client.walletAddress}/` }, { jwk: client.jwk }];
    for (const form of forms) assert.equal((await request({ client: form, access_token })).status, 200);
    const rows = await as.db.query.selectFrom('gnap_grant').select('client_id').distinct().execute();
    const clientIds = rows.map((row) => row.client_id);
    const { thumbprint } = await importClientJwk(client.jwk);
    assert.deepEqual(new Set(clientIds), new Set([client.walletAddress, thumbprint]));
  });

  test('AS-40: accepts wallet addresses in any spelling', async () => {
    const { body } = await ask([{ ...incoming, identifier: `${as.alice.toUpperCase().replace('HTTP', 'http')}/` }]);
    assert.equal(body.access_token?.access[0].identifier, as.alice);
  });
});

describe('AS-140…147: tokens', () => {
  const issue = async () => (await ask([quote])).body.access_token;

  test('AS-143: an expired token can be rotated', async () => {
    const token = await issue();
    as.world.now += 601_000;
    assert.equal((await as.send({ url: token.manage, token: token.value, by: client })).status, 200);
  });

  test('AS-145: accepts another token, or none, only if the switch allows it', async () => {
    const [token, other] = [await issue(), await issue()];
    as.world.switches = strict;
    assertRefused(await as.send({ url: token.manage, token: other.value, by: client }), 401, 'invalid_client');
    assertRefused(await as.send({ url: token.manage, by: client }), 401, 'invalid_client');
    as.world.switches = compat;
    const rotated = await as.send({ url: token.manage, token: other.value, by: client });
    assert.equal(rotated.status, 200, rotated.text);
    assert.equal((await as.send({ url: rotated.body.access_token.manage, by: client })).status, 200);
  });

  test('AS-147: one of two concurrent rotations succeeds', async () => {
    const token = await issue();
    const rotate = () => as.send({ url: token.manage, token: token.value, by: client });
    const statuses = (await Promise.all([rotate(), rotate()])).map(({ status }) => status).sort();
    assert.equal(statuses[0], 200);
    assert.ok([401, 404].includes(statuses[1]!), `${statuses}`);
  });

  test('AS-25: only the client of the grant manages its token', async () => {
    const token = await issue();
    const stranger = createTestClient('stranger');
    as.world.keys.set(stranger.walletAddress, [stranger.jwk]);
    for (const method of ['POST', 'DELETE']) {
      const call = { method, url: token.manage, token: token.value };
      assertRefused(await as.send({ ...call, by: stranger }), 400, 'invalid_client');
      assertRefused(await as.send({ ...call, by: { ...stranger, keyId: client.keyId } }), 401, 'invalid_client');
      assertRefused(await as.send(call), 401, 'invalid_client');
    }
  });
});

describe('rejected, with nothing stored', () => {
  const cases: Record<string, [() => Promise<Answer>, number, string]> = {
    'AS-02 unsigned': [() => ask([quote], {}, { by: undefined }), 401, 'invalid_client'],
    'AS-N01 unsigned and malformed': [() => request('{', { by: undefined }), 400, 'invalid_request'],
    'AS-N12 another content type': [
      () => request('{}', { headers: { 'content-type': 'text/plain' }, by: undefined }),
      400,
      'invalid_request',
    ],
    'AS-03 nothing asked for': [() => request({ client: client.walletAddress }), 400, 'invalid_request'],
    'AS-06 no access': [() => ask([]), 400, 'invalid_request'],
    'AS-04 several tokens': [
      () => request({ client: client.walletAddress, access_token: [{ access: [quote] }] }),
      400,
      'invalid_request',
    ],
    'AS-05 four items': [
      () => ask([1, 2, 3, 4].map((n) => ({ ...quote, actions: ['create', 'read'].slice(0, n % 2), n }))),
      400,
      'invalid_request',
    ],
    'AS-21 no client': [() => request({ access_token: { access: [quote] } }), 400, 'invalid_request'],
    'AS-21 text': [() => request({ client: 'foo', access_token: { access: [quote] } }), 400, 'invalid_client'],
    'AS-21 no URL': [
      () => request({ client: { walletAddress: 'urn:x:foo' }, access_token: { access: [quote] } }),
      400,
      'invalid_client',
    ],
    'AS-23 unknown key': [
      () => request({ client: 'https://nobody.example/', access_token: { access: [quote] } }),
      400,
      'invalid_client',
    ],
    'AS-27 another kid': [
      () => request({ client: { jwk: { ...client.jwk, kid: 'other' } }, access_token: { access: [quote] } }),
      401,
      'invalid_client',
    ],
    'AS-28 a key alone, interactive': [
      () => request({ client: { jwk: client.jwk }, access_token: { access: [outgoing()] }, ...interact }),
      400,
      'invalid_client',
    ],
    'AS-35 limits on an incoming payment': [() => ask([{ ...incoming, limits: {} }]), 400, 'invalid_request'],
    'AS-36 listing quotes': [() => ask([{ ...quote, actions: ['list'] }]), 400, 'invalid_request'],
    'AS-37 no wallet address': [() => ask([outgoing({ identifier: undefined })], interact), 400, 'invalid_request'],
    'AS-40 a wallet address elsewhere': [
      () => ask([outgoing({ identifier: 'https://elsewhere.example/alice' })], interact),
      400,
      'invalid_request',
    ],
    'AS-42 a receiver that is none': [
      () => ask([outgoing({ limits: { receiver: as.bob } })], interact),
      400,
      'invalid_request',
    ],
    'AS-60 subject without interact': [
      () => ask([quote], { subject: { sub_ids: [{ id: as.alice, format: 'uri' }] } }),
      400,
      'invalid_request',
    ],
    'AS-61 no interact': [() => ask([outgoing()]), 400, 'invalid_request'],
    'AS-70 no start mode': [() => ask([outgoing()], { interact: { start: [] } }), 400, 'invalid_request'],
    'AS-N08 twice the same wallet address': [
      () => ask([outgoing(), outgoing({ actions: ['list'], identifier: `${as.alice}/` })], interact),
      400,
      'invalid_request',
    ],
    'text that cannot be stored': [
      () => ask([outgoing({ limits: { debitAmount: { value: '1', assetCode: '\0', assetScale: 2 } } })], interact),
      400,
      'invalid_request',
    ],
  };
  for (const [name, [send, status, code]] of Object.entries(cases)) {
    test(name, async () => {
      const before = await countGrants();
      assertRefused(await send(), status, code);
      assert.equal(await countGrants(), before);
    });
  }

  const finishes: Record<string, object> = {
    'AS-71 push': { method: 'push' },
    'AS-72 another hash': { hash_method: 'sha3-512' },
    'AS-70 an empty nonce': { nonce: '' },
    'a nonce of two lines': { nonce: 'a\nb' },
    'a nonce of 3,000 characters': { nonce: 'a'.repeat(3_000) },
    'a URI of 3,000 characters': { uri: `https://shop.example/${'a'.repeat(3_000)}` },
    'AS-94 a fragment': { uri: 'https://shop.example/#x' },
    'AS-94 javascript:': { uri: 'javascript:alert(1)' },
    'AS-94 data:': { uri: 'data:text/html,x' },
    'AS-94 http: on another host': { uri: 'http://shop.example/' },
    'a host that would end a directive of a CSP': { uri: 'https://shop.example;script-src/' },
    'a host that would match any other in a CSP': { uri: 'https://*.example/' },
    'a URI with credentials': { uri: 'https://shop.example:x@evil.example/' },
    ...Object.fromEntries(
      [
        ...['//evil.example/', '/\\evil.example', '\\\\evil.example', 'evil.example', '', '?a', 'https:', 'https://'],
        ...['https:/evil.example', 'https:evil.example', 'https:///evil.example', 'https:\\\\evil.example'],
        ...['https://shop.example\\@evil.example', 'https://shop.example@evil.example', 'https://a:b@evil.example'],
        ...[
          'https://shop.example\r\nSet-Cookie: a=b',
          'https://shop.example/\n',
          ' https://shop.example',
          'https://sh\top.example',
        ],
        ...[
          'https://shop.example;default-src *',
          "https://shop.example'",
          'https://sh%6fp.example;',
          'https://shop.example#',
        ],
        ...['JavaScript:alert(1)', ' javascript:alert(1)', 'java\nscript:alert(1)', '\u0001javascript:alert(1)'],
        ...[
          'vbscript:a',
          'blob:https://shop.example/a',
          'about:blank',
          'view-source:https://shop.example',
          'intent://a',
        ],
        ...['ftp://shop.example/', 'ws://shop.example/', 'mailto:a@shop.example', 'chrome://settings', 'ms-settings:'],
        'https://shop.example/\u202e',
      ].map((uri) => [`AS-94 ${JSON.stringify(uri)}`, { uri }]),
    ),
  };
  for (const [name, change] of Object.entries(finishes)) {
    test(name, async () => {
      const answer = await ask([outgoing()], { interact: { start: ['redirect'], finish: { ...finish, ...change } } });
      assertRefused(answer, 400, 'invalid_request');
    });
  }

  test('AS-15, AMB-16: rejects a client without a name unless the switch replaces it by the address', async () => {
    as.world.names.clear();
    assertRefused(await ask([outgoing()], interact), 400, 'invalid_client');
    as.world.switches = { ...compat, clientWithoutName: 'show-address' };
    const { body } = await ask([outgoing()], interact);
    assert.equal(new URL(body.interact.redirect).searchParams.get('clientName'), client.walletAddress);
  });

  test('AS-15: a long name is cut, and not within a character that is a surrogate pair', async () => {
    for (const [name, shown] of [
      [`${'a'.repeat(199)}😀`, 'a'.repeat(199)],
      [`${'a'.repeat(198)}😀😀`, `${'a'.repeat(198)}😀`],
      ['\ud83d Shop', 'Shop'],
    ] as const) {
      as.world.names.set(client.walletAddress, name);
      const { body } = await ask([outgoing()], interact);
      assert.equal(new URL(body.interact.redirect).searchParams.get('clientName'), shown);
    }
  });

  test('AS-15: the name of a client that is hosted here is read from its wallet address, without a request', async () => {
    const hosted = { ...client, walletAddress: as.bob };
    as.world.keys.set(as.bob, [client.jwk]);
    const { body } = await ask([outgoing()], { ...interact, client: as.bob }, { by: hosted });
    assert.equal(new URL(body.interact.redirect).searchParams.get('clientName'), 'bob');
  });

  test('AMB-05: the identifier of a quote item restricts it in compat and is rejected in strict', async () => {
    const scoped = { ...quote, identifier: as.alice };
    assert.deepEqual((await ask([scoped])).body.access_token.access, [quote]);
    as.world.switches = { ...strict, signatureMaxAgeMs: compat.signatureMaxAgeMs };
    assertRefused(await ask([scoped]), 400, 'invalid_request');
  });

  test('B15: a nonce that looks like an escape sequence is taken as it is', async () => {
    for (const nonce of ['C:\\udata', '\\u0000', 'a\\0b', '"\\ud800"']) {
      const answer = await ask([outgoing()], { interact: { start: ['redirect'], finish: { ...finish, nonce } } });
      assert.equal(answer.status, 200, nonce);
    }
  });

  test('AS-94: accepts private-use schemes and loopback', async () => {
    for (const uri of ['myapp://done', 'http://localhost:8080/done', 'http://127.0.0.1/']) {
      const answer = await ask([outgoing()], { interact: { start: ['redirect'], finish: { ...finish, uri } } });
      assert.equal(answer.status, 200, uri);
    }
  });
});
