/** The lookup hook for unknown wallet addresses (WA-40). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutboundError, type OutboundRequest } from '../../src/net/outbound.ts';
import { createLookupHook, type LookupHookOptions } from '../../src/wallet-address/lookup-hook.ts';

function setUp(given: Partial<LookupHookOptions> & { readonly answer?: () => Promise<number> } = {}) {
  const requests: OutboundRequest[] = [];
  const { answer = async () => 200, ...options } = given;
  const hook = createLookupHook({
    url: 'https://hook.example/events',
    origin: 'https://wallet.example',
    log: { warn() {} },
    exists: async () => true,
    outbound: {
      async request(request) {
        requests.push(request);
        return { status: await answer(), isPublic: false, headers: {}, body: Buffer.alloc(0) };
      },
    },
    pollMs: 1,
    ...options,
  });
  return { hook, requests };
}

test('receives the requested address', async () => {
  const { hook, requests } = setUp();
  await hook('/new');
  assert.equal(requests.length, 1);
  const [{ url, method, body, headers } = assert.fail()] = requests;
  assert.deepEqual([url, method], ['https://hook.example/events', 'POST']);
  assert.equal(headers?.['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(String(body)), {
    type: 'wallet_address.not_found',
    data: { walletAddressUrl: 'https://wallet.example/new' },
  });
});

test('the lookup waits until the address exists', async () => {
  let looks = 0;
  const { hook } = setUp({ exists: async () => ++looks === 3, waitMs: 60_000 });
  await hook('/new');
  assert.equal(looks, 3);
});

test('waiting ends if the address is never created or the hook never answers', async () => {
  await setUp({ exists: async () => false, waitMs: 5 }).hook('/new');
  await setUp({ answer: () => new Promise<number>(() => {}), waitMs: 5 }).hook('/new');
});

test('waiting ends at once if the hook rejects or is unreachable', async () => {
  const exists = async () => assert.fail('the lookup polls after its end');
  await setUp({ answer: async () => 404, exists, waitMs: 60_000 }).hook('/new');
  const refuse = async () => {
    throw new OutboundError('connect', 'no connection');
  };
  await setUp({ answer: refuse, exists, waitMs: 60_000 }).hook('/new');
});

test('concurrent lookups of one address are announced once', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const { hook, requests } = setUp({ answer: () => promise });
  const lookups = [hook('/new'), hook('/new'), hook('/other')];
  assert.equal(requests.length, 2);
  resolve(200);
  await Promise.all(lookups);
  await hook('/new');
  assert.equal(requests.length, 3);
});

test('does not announce paths that cannot become wallet addresses', async () => {
  const { hook, requests } = setUp();
  for (const path of ['/quotes', '/alice/jwks.json', '/.well-known/ase', '/a%20b', '/auth']) await hook(path);
  assert.deepEqual(requests, []);
});

test('answers at once while a hundred lookups wait', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const { hook, requests } = setUp({ answer: () => promise });
  const lookups = Array.from({ length: 100 }, (_, number) => hook(`/new-${number}`));
  await hook('/one-too-many');
  assert.equal(requests.length, 100);
  resolve(200);
  await Promise.all(lookups);
});
