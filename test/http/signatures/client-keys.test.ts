/** Client keys: AS-22, AS-23, AS-29, AS-N09, AS-N14, SIG-N04, RFC 7638. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { ClientKeyError, createClientKeys, importClientJwk } from '../../../src/http/signatures/client-keys.ts';
import { OutboundError, type OutboundResponse } from '../../../src/net/outbound.ts';

const client = 'https://client.example/app';
const jwk = (kid: string) => ({
  ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }),
  kid,
  alg: 'EdDSA',
});
const code = (key: Promise<unknown>): Promise<string> =>
  key.then(
    () => 'key',
    (error) => (error instanceof ClientKeyError ? error.code : String(error)),
  );

/** A remote key set that the test can change, with a clock. */
function remote(options: { ttlMs?: number; minRefetchMs?: number; maxSets?: number } = {}) {
  const state = {
    now: 1_000_000,
    keys: [] as unknown[],
    status: 200,
    body: undefined as string | undefined,
    down: false,
    urls: [] as string[],
  };
  const outbound = {
    async request({ url }: { url: string }): Promise<OutboundResponse> {
      state.urls.push(url);
      if (state.down) throw new OutboundError('connect', 'down');
      return {
        status: state.status,
        isPublic: false,
        headers: {},
        body: Buffer.from(state.body ?? JSON.stringify({ keys: state.keys })),
      };
    },
  };
  return { state, ...createClientKeys({ outbound, wallNow: () => state.now, ...options }) };
}

test('AS-22: the key of that kid, from {client}/jwks.json, fetched once', async () => {
  const { state, keyFor } = remote();
  state.keys = [jwk('a'), jwk('b')];
  const key = await keyFor(client, 'b');
  assert.equal(key.keyid, 'b');
  assert.deepEqual(key.key.export({ format: 'jwk' }).x, (state.keys[1] as { x: string }).x);
  assert.equal(await keyFor(client, 'b'), key);
  await keyFor(client, 'a');
  assert.deepEqual(state.urls, [`${client}/jwks.json`]);
  await keyFor('https://other.example/', 'a');
  assert.equal(state.urls[1], 'https://other.example/jwks.json');
});

test('concurrent calls share one fetch, also for a new kid', async () => {
  const { state, keyFor } = remote();
  state.keys = [jwk('a')];
  await Promise.all([keyFor(client, 'a'), keyFor(client, 'a')]);
  assert.equal(state.urls.length, 1);
  state.keys.push(jwk('b'));
  await Promise.all([keyFor(client, 'b'), keyFor(client, 'b'), keyFor(client, 'b')]);
  assert.equal(state.urls.length, 2);
});

test('AS-N09: an added key works at once, unknown kids do not make us fetch without end', async () => {
  const { state, keyFor } = remote({ ttlMs: 30_000, minRefetchMs: 1000 });
  state.keys = [jwk('a')];
  await keyFor(client, 'a');
  state.keys.push(jwk('b'));
  assert.equal(await code(keyFor(client, 'b')), 'key');
  for (let i = 0; i < 20; i++) assert.equal(await code(keyFor(client, `unknown-${i}`)), 'key_not_found');
  assert.equal(state.urls.length, 2);
  state.now += 1000;
  assert.equal(await code(keyFor(client, 'unknown')), 'key_not_found');
  assert.equal(state.urls.length, 3);
});

test('an unknown kid in a set just fetched is refused without a second fetch', async () => {
  const { state, keyFor } = remote();
  assert.equal(await code(keyFor(client, 'a')), 'key_not_found');
  assert.equal(state.urls.length, 1);
});

test('AS-N09: a removed key is refused after the life of the set; 0 fetches always', async () => {
  const { state, keyFor } = remote({ ttlMs: 30_000 });
  state.keys = [jwk('a')];
  await keyFor(client, 'a');
  state.keys = [];
  state.now += 29_999;
  assert.equal(await code(keyFor(client, 'a')), 'key');
  state.now += 1;
  assert.equal(await code(keyFor(client, 'a')), 'key_not_found');

  const always = remote({ ttlMs: 0 });
  always.state.keys = [jwk('a')];
  assert.equal(await code(always.keyFor(client, 'a')), 'key');
  always.state.keys = [];
  assert.equal(await code(always.keyFor(client, 'a')), 'key_not_found');
});

test('AS-N09: a failed fetch does not lengthen the life of a set, and is not repeated at once', async () => {
  const { state, keyFor } = remote({ ttlMs: 30_000 });
  state.keys = [jwk('a')];
  await keyFor(client, 'a');
  state.down = true;
  state.now += 30_000;
  assert.equal(await code(keyFor(client, 'a')), 'keys_unreachable');
  assert.equal(await code(keyFor(client, 'a')), 'keys_unreachable');
  assert.equal(state.urls.length, 2);
  state.down = false;
  state.now += 1000;
  assert.equal(await code(keyFor(client, 'a')), 'key');
});

test('a failed refetch for an unknown kid leaves the cached keys usable', async () => {
  const { state, keyFor } = remote();
  state.keys = [jwk('a')];
  await keyFor(client, 'a');
  state.down = true;
  assert.equal(await code(keyFor(client, 'b')), 'keys_unreachable');
  assert.equal(await code(keyFor(client, 'a')), 'key');
});

test('AS-23, AS-N14: an answer that is not a key set has no key', async () => {
  for (const [status, body] of [
    [200, '<html>'],
    [200, 'null'],
    [200, '{}'],
    [200, '{"keys":{}}'],
    [404, '{"keys":[]}'],
    [500, 'error'],
    [301, ''],
  ] as const) {
    const { state, keyFor } = remote();
    Object.assign(state, { status, body });
    assert.equal(await code(keyFor(client, 'a')), 'key_not_found', body);
  }
  const { state, keyFor } = remote();
  for (const url of ['foo', 'https://client.example/?x', 'https://client.example/#x']) {
    assert.equal(await code(keyFor(url, 'a')), 'keys_unreachable');
  }
  assert.equal(state.urls.length, 0);
});

test('SIG-N04: a kid twice or with another kind of key is refused, broken neighbours do not matter', async () => {
  const { state, keyFor } = remote();
  const good = jwk('good');
  state.keys = [
    null,
    1,
    {},
    { kid: 5 },
    jwk('twice'),
    jwk('twice'),
    { ...jwk('alg'), alg: 'ES256' },
    { ...jwk('kty'), kty: 'EC' },
    { ...jwk('crv'), crv: 'X25519' },
    { ...jwk('x'), x: 'AAAA' },
    { ...jwk('enc'), use: 'enc' },
    { kid: 'empty' },
    good,
  ];
  for (const kid of ['twice', 'alg', 'kty', 'crv', 'x', 'enc', 'empty'])
    assert.equal(await code(keyFor(client, kid)), 'key_unusable', kid);
  assert.equal(await code(keyFor(client, 'good')), 'key');
});

test('only so many sets are kept', async () => {
  const { state, keyFor } = remote({ maxSets: 2 });
  state.keys = [jwk('a')];
  for (const name of ['1', '2', '1', '3', '1', '2']) await keyFor(`https://client.example/${name}`, 'a');
  assert.deepEqual(
    state.urls.map((url) => new URL(url).pathname),
    ['/1/jwks.json', '/2/jwks.json', '/3/jwks.json', '/2/jwks.json'],
  );
});

test('a long URL of a client is refused and not kept', async () => {
  const { state, keyFor } = remote();
  state.keys = [jwk('a')];
  assert.equal(await code(keyFor(`https://client.example/${'a'.repeat(3_000)}`, 'a')), 'keys_unreachable');
  assert.deepEqual(state.urls, []);
});

test('AS-29: a presented key is imported without its private member; its thumbprint is RFC 8037 A.3', async () => {
  const presented = {
    kid: 'k',
    alg: 'EdDSA',
    kty: 'OKP',
    crv: 'Ed25519',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  };
  const key = await importClientJwk(presented);
  assert.equal(key.thumbprint, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  assert.equal(key.key.type, 'public');
  for (const broken of [
    undefined,
    null,
    'jwk',
    { ...presented, kid: '' },
    { ...presented, kid: 'k'.repeat(3_000) },
    { ...presented, alg: undefined },
    { ...presented, x: undefined },
    { ...presented, x: `${presented.x}=` },
    { ...presented, x: presented.x.replace(/o$/, 'p') },
    { ...presented, x: presented.x.replaceAll('_', '/') },
    { ...presented, d: '' },
    { ...presented, k: 'AA' },
  ]) {
    assert.equal(await code(importClientJwk(broken)), 'key_unusable');
  }
});
