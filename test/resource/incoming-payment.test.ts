/** Incoming payments, and requests and errors of the resource server in general (RS-01…30, RS-IP-01…36). */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { strict } from '../../src/profile.ts';
import { type Answer, assertError, full, start, usd, useResourceServers } from './support/two-resource-servers.ts';

const day = 24 * 60 * 60 * 1000;
const { servers, granite } = useResourceServers();
let token: string;
beforeEach(() => {
  token = granite.issue([full.incoming()]);
});

const create = (members: object = {}, more: object = {}): Promise<Answer> =>
  granite.call({ path: '/incoming-payments', token, body: { walletAddress: granite.alice, ...members }, ...more });
const created = async (members: object = {}): Promise<Answer['body']> => {
  const answer = await create(members);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body;
};
const refused = (answer: Answer, status: number, description: string | RegExp): void => {
  assertError(answer, status, description);
  assert.equal(answer.headers.get('www-authenticate'), status === 401 ? `GNAP as_uri=${granite.origin}/auth/` : null);
};

describe('creation', () => {
  test('returns payment methods and the maximum lifetime', async () => {
    const { methods, ...body } = await created({ incomingAmount: usd('1000'), metadata: { order: 7 } });
    assert.deepEqual(body, {
      id: body.id,
      walletAddress: granite.alice,
      completed: false,
      incomingAmount: usd('1000'),
      receivedAmount: usd('0'),
      expiresAt: new Date(start + 30 * day).toISOString(),
      metadata: { order: 7 },
      createdAt: new Date(start).toISOString(),
    });
    assert.match(body.id, new RegExp(`^${granite.origin}/incoming-payments/[0-9a-f-]{36}$`));
    assert.equal(methods.length, 1);
    assert.match(methods[0].ilpAddress, /^test\.granite\.[A-Za-z0-9_~-]+$/);
    assert.match(methods[0].sharedSecret, /^[A-Za-z0-9_-]{43}$/);
    assert.notEqual((await created()).methods[0].sharedSecret, methods[0].sharedSecret);
  });

  test('returns the wallet address in canonical form', async () => {
    assert.equal((await created({ walletAddress: `${granite.origin}/Alice/` })).walletAddress, granite.alice);
  });

  test('keeps exact amounts and metadata', async () => {
    const body = await created({
      incomingAmount: usd('9007199254740993'),
      metadata: { empty: {}, nested: [{ ключ: '\u0000\ud83d\ude00' }], number: 1.5, nothing: null },
    });
    const read = await granite.call({ path: body.id, token });
    assert.equal(read.body.incomingAmount.value, '9007199254740993');
    assert.deepEqual(read.body.metadata, {
      empty: {},
      nested: [{ ключ: '\u0000\ud83d\ude00' }],
      number: 1.5,
      nothing: null,
    });
  });

  test('rejects metadata that it could not return unchanged', async () => {
    const raw = (metadata: string) =>
      granite.call({
        path: '/incoming-payments',
        token,
        rawBody: `{"walletAddress":"${granite.alice}","metadata":${metadata}}`,
      });
    for (const number of ['9007199254740993', '0.12345678901234567890', '1e400']) {
      refused(await raw(`{"n":${number}}`), 400, /precision/);
    }
    for (const number of ['1.0', '-0', '1e3', '0.1', '1E+2', '5e-324']) {
      assert.equal((await raw(`{"n":${number}}`)).status, 201, number);
    }
    refused(await raw('['.repeat(100) + ']'.repeat(100)), 400, /./);
    refused(await raw(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`), 400, /nested/);
    refused(await raw('null'), 400, /metadata/);
  });

  const refusals: [string, object, string | RegExp][] = [
    ['an unknown member', { foo: 1 }, /./],
    ['no wallet address', { walletAddress: undefined }, /walletAddress/],
    ['an unknown wallet address', { walletAddress: 'http://nowhere.example/x' }, 'Could not get wallet address'],
    ['a zero amount', { incomingAmount: usd('0') }, 'invalid amount'],
    ['another asset', { incomingAmount: { ...usd('1'), assetCode: 'EUR' } }, 'invalid amount'],
    ['another scale', { incomingAmount: { ...usd('1'), assetScale: 3 } }, 'invalid amount'],
    ['an expiry in the past', { expiresAt: new Date(start).toISOString() }, 'invalid expiresAt'],
    [
      'an expiry after more than 30 days',
      { expiresAt: new Date(start + 30 * day + 1).toISOString() },
      'invalid expiresAt',
    ],
    ['an expiry on a leap second', { expiresAt: '2026-03-02T23:59:60Z' }, 'invalid expiresAt'],
    ['an expiry without a time', { expiresAt: '2026-03-02' }, /expiresAt/],
    ['an expiry without a time zone', { expiresAt: '2026-03-02T00:00:00' }, /expiresAt/],
    ['an expiry of null', { expiresAt: null }, /expiresAt/],
    ...['1.5', '-1', '', '18446744073709551616', '007', ' 1', '+1', '0x10', '1e3', 1].map(
      (value): [string, object, RegExp] => [
        `the amount ${JSON.stringify(value)}`,
        { incomingAmount: { ...usd(''), value } },
        /./,
      ],
    ),
  ];
  for (const [name, members, description] of refusals) {
    test(`rejects ${name} and stores nothing`, async () => {
      const before = await servers.count('incoming_payment');
      refused(await create(members), 400, description);
      assert.equal(await servers.count('incoming_payment'), before);
    });
  }

  test('rejects an inactive wallet address', async () => {
    refused(await create({ walletAddress: `${granite.origin}/gone` }), 400, 'Could not get wallet address');
  });

  test('converts an expiry with a UTC offset', async () => {
    assert.equal((await created({ expiresAt: '2026-03-02T02:00:00+02:00' })).expiresAt, '2026-03-02T00:00:00.000Z');
  });

  test('ignores or rejects unknown members of an amount, depending on the profile', async () => {
    const incomingAmount = { ...usd('5'), unit: 'cent' };
    assert.deepEqual((await created({ incomingAmount })).incomingAmount, usd('5'));
    servers.terms.switches = strict;
    refused(await create({ incomingAmount }), 400, /amount/);
  });
});

describe('authorization', () => {
  test('rejects a missing, malformed or unknown token', async () => {
    refused(await create({}, { token: undefined }), 401, 'Missing or invalid authorization header value');
    refused(await create({ foo: 1 }, { token: undefined }), 401, 'Missing or invalid authorization header value');
    refused(await create({}, { tamper: { authorization: `Bearer ${token}` } }), 401, /Missing or invalid/);
    refused(await create({}, { token: 'unknown' }), 401, 'Invalid Token');
  });

  test('rejects a missing or wrong signature', async () => {
    refused(await create({}, { signed: false }), 401, /^Signature validation error: /);
    refused(await create({}, { tamper: { 'content-digest': 'sha-512=:AAAA:' } }), 401, /^Signature validation error: /);
    refused(
      await create({}, { tamper: { authorization: `GNAP ${granite.issue([full.incoming()])}` } }),
      401,
      /^Signature/,
    );
  });

  test('rejects a token without the required access', async () => {
    token = granite.issue([full.quote()]);
    refused(await create(), 403, 'Insufficient Grant');
    token = granite.issue([{ type: 'incoming-payment', actions: ['read-all'] }]);
    refused(await create(), 403, 'Insufficient Grant');
  });

  test('rejects a token for another wallet address, whether or not the requested one exists', async () => {
    token = granite.issue([full.incoming(granite.alice)]);
    assert.equal((await create({ walletAddress: `${granite.alice}/` })).status, 201);
    refused(await create({ walletAddress: granite.bob }), 403, 'Insufficient Grant');
    refused(await create({ walletAddress: `${granite.origin}/nobody` }), 403, 'Insufficient Grant');
  });

  test('shows a client its own payments with read, and all payments with read-all', async () => {
    const { id } = await created();
    const other = granite.issue([full.incoming()], 'https://client.example/other');
    const all = granite.issue(
      [{ type: 'incoming-payment', actions: ['read-all'], identifier: granite.alice }],
      'https://client.example/auditor',
    );
    const bobs = granite.issue([{ type: 'incoming-payment', actions: ['read-all'], identifier: granite.bob }]);
    assert.equal((await granite.call({ path: id, token })).status, 200);
    refused(await granite.call({ path: id, token: other }), 404, 'Not Found');
    assert.equal((await granite.call({ path: id, token: all })).status, 200);
    refused(await granite.call({ path: id, token: bobs }), 403, 'Insufficient Grant');
    refused(await granite.call({ method: 'POST', path: `${id}/complete`, token: other }), 404, 'Not Found');
  });
});

describe('requests', () => {
  test('get an error in the Open Payments format for bad content, methods and ids', async () => {
    refused(await create({}, { rawBody: '{' }), 400, 'the body is not JSON');
    refused(await create({}, { rawBody: 'null' }), 400, /./);
    refused(await create({}, { contentType: 'text/plain' }), 415, /./);
    refused(
      await create(
        {},
        { rawBody: JSON.stringify({ walletAddress: granite.alice, metadata: { a: 'x'.repeat(110_000) } }) },
      ),
      413,
      /./,
    );
    assert.equal((await granite.call({ method: 'DELETE', path: '/incoming-payments', token })).status, 405);
    for (const id of ['abc', '%00', '../x', '00000000-0000-4000-8000-000000000000', "1'--"]) {
      const { status } = await granite.call({ path: `/incoming-payments/${encodeURIComponent(id)}`, token });
      assert.equal(status, 404, id);
    }
  });
});

describe('reading', () => {
  test('publicly shows the received amount and the authorization server', async () => {
    const { id } = await created({ incomingAmount: usd('1000'), metadata: { secret: true } });
    const answer = await granite.call({ path: id, signed: false });
    assert.deepEqual(answer.body, { authServer: `${granite.origin}/auth/`, receivedAmount: usd('0') });
    refused(await granite.call({ path: `${id.slice(0, -4)}0000`, signed: false }), 404, 'Not Found');
    refused(await granite.call({ path: id, token: 'unknown' }), 401, 'Invalid Token');
  });

  test('with a token but unsigned is public in compat, and rejected in strict', async () => {
    const { id } = await created();
    const read = () => granite.call({ path: id, token: 'old', signed: false });
    assert.deepEqual(Object.keys((await read()).body), ['authServer', 'receivedAmount']);
    servers.terms.switches = strict;
    refused(await read(), 401, /^Signature validation error: /);
  });

  test('shows no methods after the expiry', async () => {
    const { id } = await created({ expiresAt: new Date(start + 1000).toISOString() });
    servers.clock.setting = { mode: 'frozen', offset: 0, at: start + 999 };
    assert.equal((await granite.call({ path: id, token })).body.methods.length, 1);
    servers.clock.setting = { mode: 'frozen', offset: 0, at: start + 1000 };
    const { body } = await granite.call({ path: id, token });
    assert.deepEqual([body.methods, body.completed], [[], false]);
    refused(await granite.call({ method: 'POST', path: `${id}/complete`, token }), 409, 'wrong state');
  });
});

describe('completion', () => {
  test('succeeds once', async () => {
    const { id, methods: _, ...payment } = await created({ incomingAmount: usd('10') });
    const answer = await granite.call({ method: 'POST', path: `${id}/complete`, token });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { ...payment, id, completed: true });
    refused(await granite.call({ method: 'POST', path: `${id}/complete`, token }), 409, 'wrong state');
    assert.deepEqual((await granite.call({ path: id, token })).body.methods, []);
  });

  test('succeeds once among parallel requests', async () => {
    const { id } = await created();
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => granite.call({ method: 'POST', path: `${id}/complete`, token })),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409, 409]);
  });

  test('ignores content but verifies its digest', async () => {
    const { id } = await created();
    const tamper = { 'content-digest': 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:' };
    refused(await granite.call({ path: `${id}/complete`, token, body: {}, tamper }), 401, /^Signature/);
    assert.equal((await granite.call({ path: `${id}/complete`, token, body: { x: 1 } })).status, 200);
  });
});
