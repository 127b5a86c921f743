/**
 * Bad input, operation by operation: each gets the status and the error format of its protocol, never a stack or HTML,
 * and nothing changes in the database (AS-07, AS-24, AS-160, RS-01, RS-02, RS-05, RS-06, RS-14, SIG-01…09).
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { fingerprint } from '../support/fingerprint.ts';
import { type PreparedResources, prepareResources } from '../support/prepared-resources.ts';
import { type RequestParts, send } from '../support/signed-fetch.ts';
import { type ClientEnvironment, clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let environment: ClientEnvironment;

let prepared: PreparedResources;

const otherKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;

before(async () => {
  world = await startWorld();
  environment = clientEnvironment(world);
  prepared = await prepareResources(world, environment);
});
after(() => world.close());

type Mistake =
  | 'malformed JSON'
  | 'other content type'
  | 'missing member'
  | 'surplus member'
  | 'wrong type'
  | 'unsigned'
  | 'other key'
  | 'altered body'
  | 'altered method'
  | 'no token'
  | 'wrong token'
  | 'token for something else';

interface Operation {
  readonly name: string;
  readonly protocol: 'gnap' | 'open-payments';
  readonly valid: () => RequestParts;
  /** Member → values of wrong types; the first member is also the one left out. */
  readonly wrong?: Readonly<Record<string, readonly unknown[]>>;
  /** Where it differs from the table below. */
  readonly expected?: Partial<Record<Mistake, readonly [status: number, code?: string] | 'accepted'>>;
  readonly foreignToken?: () => string;
}

const amount = { value: '1', assetCode: 'USD', assetScale: 2 };

const operations: readonly Operation[] = [
  {
    name: 'post-request',
    protocol: 'gnap',
    valid: () => ({
      method: 'POST',
      url: prepared.auth,
      body: { client: environment.client, access_token: { access: [{ type: 'quote', actions: ['create'] }] } },
    }),
    wrong: {
      access_token: [
        [],
        'x',
        { access: 'x' },
        { access: [{ type: 'card', actions: ['create'] }] },
        { access: [{ type: 'quote', actions: ['list'] }] },
      ],
      client: [1, {}, { walletAddress: 1 }, { jwk: { kid: 'a' } }, { walletAddress: 'http://a/b', jwk: {} }],
    },
    // RFC 9635 lets a server ignore what it does not know (AS-03).
    expected: { 'surplus member': 'accepted' },
  },
  {
    name: 'post-continue',
    protocol: 'gnap',
    valid: () => ({
      method: 'POST',
      url: prepared.grant.continueUri,
      token: prepared.grant.continueToken,
      body: { interact_ref: randomUUID() },
    }),
    wrong: { interact_ref: [1, {}, null] },
    expected: {
      'missing member': [401, 'request_denied'],
      'surplus member': [404, 'invalid_continuation'],
      'wrong token': [401, 'invalid_continuation'],
      'token for something else': [401, 'invalid_continuation'],
    },
    foreignToken: () => prepared.grant.token,
  },
  {
    name: 'delete-continue',
    protocol: 'gnap',
    valid: () => ({ method: 'DELETE', url: prepared.grant.continueUri, token: prepared.grant.continueToken }),
    expected: {
      'wrong token': [401, 'invalid_continuation'],
      'token for something else': [401, 'invalid_continuation'],
    },
    foreignToken: () => prepared.grant.token,
  },
  {
    name: 'post-token',
    protocol: 'gnap',
    valid: () => ({ method: 'POST', url: `${prepared.grant.manage}x`, token: prepared.grant.token }),
  },
  {
    name: 'delete-token',
    protocol: 'gnap',
    valid: () => ({ method: 'DELETE', url: `${prepared.grant.manage}x`, token: prepared.grant.token }),
  },
  {
    name: 'create-incoming-payment',
    protocol: 'open-payments',
    valid: () => ({
      method: 'POST',
      url: `${prepared.rs}/incoming-payments`,
      token: prepared.tokens.incoming,
      body: { walletAddress: prepared.payer },
    }),
    wrong: {
      walletAddress: [1, 'no url', null],
      incomingAmount: [
        '1',
        { ...amount, value: 1 },
        { ...amount, value: '-1' },
        { ...amount, value: '1.5' },
        { ...amount, assetScale: 256 },
        { value: '1' },
        { ...amount, value: '18446744073709551616' },
        { ...amount, value: '007' },
      ],
      expiresAt: ['tomorrow', 5, '2020-01-01T00:00:00Z'],
      metadata: ['x', [], null],
    },
    foreignToken: () => prepared.tokens.quote,
  },
  {
    name: 'list-incoming-payments',
    protocol: 'open-payments',
    valid: () => ({
      method: 'GET',
      url: `${prepared.rs}/incoming-payments?wallet-address=${encodeURIComponent(prepared.payer)}`,
      token: prepared.tokens.incoming,
    }),
    foreignToken: () => prepared.tokens.quote,
  },
  {
    name: 'get-incoming-payment',
    protocol: 'open-payments',
    valid: () => ({ method: 'GET', url: prepared.incomingPayment, token: prepared.tokens.incoming }),
    // In `compat` an old token on an unsigned public GET is not looked at (RS-IP-16); without a token it is public.
    expected: { unsigned: 'accepted', 'no token': 'accepted' },
    foreignToken: () => prepared.tokens.quote,
  },
  {
    name: 'complete-incoming-payment',
    protocol: 'open-payments',
    valid: () => ({ method: 'POST', url: `${prepared.incomingPayment}/complete`, token: prepared.tokens.incoming }),
    foreignToken: () => prepared.tokens.quote,
  },
  {
    name: 'create-quote',
    protocol: 'open-payments',
    valid: () => ({
      method: 'POST',
      url: `${prepared.rs}/quotes`,
      token: prepared.tokens.quote,
      body: { receiver: prepared.incomingPayment, walletAddress: prepared.payer, method: 'ilp', debitAmount: amount },
    }),
    wrong: {
      receiver: [1, 'x', 'http://localhost:1/alice'],
      method: ['card', 1],
      debitAmount: [1, {}, { ...amount, value: '0' }, { ...amount, assetCode: 'EUR' }],
      receiveAmount: [amount],
    },
    foreignToken: () => prepared.tokens.incoming,
  },
  {
    name: 'get-quote',
    protocol: 'open-payments',
    valid: () => ({ method: 'GET', url: prepared.quote, token: prepared.tokens.quote }),
    foreignToken: () => prepared.tokens.incoming,
  },
  {
    name: 'create-outgoing-payment',
    protocol: 'open-payments',
    valid: () => ({
      method: 'POST',
      url: `${prepared.rs}/outgoing-payments`,
      token: prepared.tokens.outgoing,
      body: { quoteId: prepared.quote, walletAddress: prepared.payer },
    }),
    wrong: {
      quoteId: [1, 'x', 'http://localhost:1/quotes/1'],
      metadata: [[], 'x'],
      incomingPayment: ['http://localhost:1/incoming-payments/1'],
    },
    foreignToken: () => prepared.tokens.quote,
  },
  {
    name: 'list-outgoing-payments',
    protocol: 'open-payments',
    valid: () => ({
      method: 'GET',
      url: `${prepared.rs}/outgoing-payments?wallet-address=${encodeURIComponent(prepared.payer)}`,
      token: prepared.tokens.outgoing,
    }),
    foreignToken: () => prepared.tokens.quote,
  },
  {
    name: 'get-outgoing-payment',
    protocol: 'open-payments',
    valid: () => ({ method: 'GET', url: prepared.outgoingPayment, token: prepared.tokens.outgoing }),
    foreignToken: () => prepared.tokens.quote,
  },
  {
    name: 'get-outgoing-payment-grant',
    protocol: 'open-payments',
    valid: () => ({ method: 'GET', url: `${prepared.rs}/outgoing-payment-grant`, token: prepared.tokens.outgoing }),
    foreignToken: () => prepared.tokens.quote,
  },
];

/** The status that the mistake gets unless the operation names another. */
const expectations = {
  gnap: {
    'malformed JSON': [400, 'invalid_request'],
    'other content type': [400, 'invalid_request'],
    'missing member': [400, 'invalid_request'],
    'surplus member': [400, 'invalid_request'],
    'wrong type': [400],
    unsigned: [401, 'invalid_client'],
    'other key': [401, 'invalid_client'],
    'altered body': [401, 'invalid_client'],
    'altered method': [401, 'invalid_client'],
    'no token': [401, 'invalid_client'],
    'wrong token': [401, 'invalid_client'],
    'token for something else': [401, 'invalid_client'],
  },
  'open-payments': {
    'malformed JSON': [400],
    'other content type': [415],
    'missing member': [400],
    'surplus member': [400],
    'wrong type': [400],
    unsigned: [401],
    'other key': [401],
    'altered body': [401],
    'altered method': [401],
    'no token': [401],
    'wrong token': [401],
    'token for something else': [403],
  },
} as const satisfies Record<string, Record<Mistake, readonly [number, string?]>>;

function* listMistakes({ valid, wrong, foreignToken }: Operation): Generator<[Mistake, string, RequestParts]> {
  const parts = valid();
  const body = parts.body as Record<string, unknown> | undefined;
  yield ['unsigned', '', { ...parts, signed: false }];
  yield ['other key', '', { ...parts, signed: { privateKey: otherKey, keyId: environment.keyId } }];
  yield [
    'altered method',
    '',
    {
      ...parts,
      spoil: (headers) => {
        headers['signature-input'] = headers['signature-input']!.replace('"@method"', '"@scheme"');
      },
    },
  ];
  if (parts.token !== undefined) {
    const { token: _, ...withoutToken } = parts;
    yield ['no token', '', withoutToken];
    yield ['wrong token', '', { ...parts, token: 'x'.repeat(43) }];
  }
  if (foreignToken) yield ['token for something else', '', { ...parts, token: foreignToken() }];
  if (!body) return;
  yield ['malformed JSON', '', { ...parts, body: '{"a":' }];
  yield ['malformed JSON', 'not UTF-8 safe', { ...parts, body: `${JSON.stringify(body).slice(0, -1)},}` }];
  yield ['wrong type', 'an array as body', { ...parts, body: [] }];
  yield ['wrong type', 'a string as body', { ...parts, body: '"x"' }];
  yield ['other content type', 'text/plain', { ...parts, contentType: 'text/plain' }];
  yield ['surplus member', '', { ...parts, body: { ...body, surplus: 1 } }];
  yield [
    'altered body',
    '',
    {
      ...parts,
      spoil: (headers) => {
        headers['content-digest'] = `sha-256=:${Buffer.alloc(32).toString('base64')}:`;
      },
    },
  ];
  for (const member of Object.keys(wrong ?? {}).slice(0, 1)) {
    const { [member]: _, ...rest } = body;
    yield ['missing member', member, { ...parts, body: rest }];
  }
  for (const [member, values] of Object.entries(wrong ?? {})) {
    for (const value of values)
      yield ['wrong type', `${member} ${JSON.stringify(value)}`, { ...parts, body: { ...body, [member]: value } }];
  }
}

for (const operation of operations) {
  describe(operation.name, () => {
    test('refuses bad input in its own format and changes nothing', async () => {
      const before = await fingerprint(world.db);
      let tried = 0;
      for (const [mistake, detail, parts] of listMistakes(operation)) {
        const expected = operation.expected?.[mistake] ?? expectations[operation.protocol][mistake];
        if (expected === 'accepted' && mistake === 'surplus member') continue;
        tried += 1;
        const answer = await send(environment, parts);
        const where = `${operation.name}, ${mistake} ${detail}: ${answer.status} ${answer.text}`;
        if (expected === 'accepted') {
          assert.equal(answer.status, 200, where);
          continue;
        }
        const [status, code] = expected;
        assert.equal(answer.status, status, where);
        assert.equal(typeof answer.body?.error?.code, 'string', where);
        assert.equal(typeof answer.body?.error?.description, 'string', where);
        if (code) assert.equal(answer.body.error.code, code, where);
        assert.doesNotMatch(answer.text, /<html|\bat .*\(.*:\d+:\d+\)|node_modules/i, where);
        if (operation.protocol === 'gnap') assert.equal(answer.headers.get('cache-control'), 'no-store', where);
        else if (status === 401)
          assert.equal(answer.headers.get('www-authenticate'), `GNAP as_uri=${prepared.auth}`, where);
      }
      assert.ok(tried >= 3);
      assert.deepEqual(await fingerprint(world.db), before);
    });
  });
}

test('the wallet address server refuses what it does not know', async () => {
  const { origin } = new URL(environment.walletAddress);
  for (const [method, path, status] of [
    ['GET', '/nobody', 404],
    ['GET', '/nobody/jwks.json', 404],
    ['GET', '/nobody/did.json', 404],
    ['POST', '/alice', 405],
    ['DELETE', '/alice/jwks.json', 405],
    ['GET', '/%00', 404],
    ['GET', '/%E0%A4%A', 404],
  ] as const) {
    const response = await fetch(origin + path, { method });
    const body = (await response.json()) as { error: { code: string; description: string } };
    assert.equal(response.status, status, `${method} ${path}`);
    assert.equal(typeof body.error.description, 'string');
  }
});

test('what no server knows is refused in the format of the server it was meant for', async () => {
  const { origin } = new URL(environment.walletAddress);
  for (const [method, url, status, code] of [
    ['GET', prepared.auth, 405, 'invalid_request'],
    ['PATCH', prepared.grant.continueUri, 405, 'invalid_request'],
    ['GET', `${origin}/auth/nothing`, 404, 'invalid_request'],
    ['GET', `${prepared.rs}/quotes`, 405, 'method_not_allowed'],
  ] as const) {
    const response = await fetch(url, { method });
    const body = (await response.json()) as { error: { code: string } };
    assert.deepEqual([response.status, body.error.code], [status, code], `${method} ${url}`);
  }
});
