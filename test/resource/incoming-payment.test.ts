/** Incoming payments and the wire of the resource server (RS-01…30, RS-IP-01…36). */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { compat, strict } from '../../src/profile.ts';
import {
  type Answer,
  full,
  type ResourceWorld,
  start,
  startResourceWorld,
  type TestAse,
} from './support/two-resource-servers.ts';

const day = 24 * 60 * 60 * 1000;
const usd = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 });
let world: ResourceWorld;
let granite: TestAse;
let alice: string;
let token: string;
before(async () => {
  world = await startResourceWorld();
  ({ granite } = world);
  alice = `${granite.origin}/alice`;
});
after(() => world.close());
beforeEach(() => {
  world.clock.setting = { mode: 'frozen', offset: 0, at: start };
  token = granite.issue([full.incoming()]);
  world.terms.switches = compat;
  world.logged.length = 0;
});

const create = (members: object = {}, more: object = {}): Promise<Answer> =>
  granite.call({ path: '/incoming-payments', token, body: { walletAddress: alice, ...members }, ...more });
const created = async (members: object = {}): Promise<Answer['body']> => {
  const answer = await create(members);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body;
};
const refused = (answer: Answer, status: number, description: string | RegExp): void => {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  const { error } = answer.body;
  if (typeof description === 'string') assert.equal(error.description, description);
  else assert.match(error.description, description);
  assert.equal(answer.headers.get('www-authenticate'), status === 401 ? `GNAP as_uri=${granite.origin}/auth/` : null);
};

describe('creation', () => {
  test('gives a payment with methods and the longest life', async () => {
    const { methods, ...body } = await created({ incomingAmount: usd('1000'), metadata: { order: 7 } });
    assert.deepEqual(body, {
      id: body.id,
      walletAddress: alice,
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

  test('spells the wallet address canonically', async () => {
    assert.equal((await created({ walletAddress: `${granite.origin}/Alice/` })).walletAddress, alice);
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

  test('refuses metadata that it could not give back', async () => {
    const raw = (metadata: string) =>
      granite.call({
        path: '/incoming-payments',
        token,
        rawBody: `{"walletAddress":"${alice}","metadata":${metadata}}`,
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
    ['no amount', { incomingAmount: usd('0') }, 'invalid amount'],
    ['another asset', { incomingAmount: { ...usd('1'), assetCode: 'EUR' } }, 'invalid amount'],
    ['another scale', { incomingAmount: { ...usd('1'), assetScale: 3 } }, 'invalid amount'],
    ['the past', { expiresAt: new Date(start).toISOString() }, 'invalid expiresAt'],
    ['more than thirty days', { expiresAt: new Date(start + 30 * day + 1).toISOString() }, 'invalid expiresAt'],
    ['a leap second', { expiresAt: '2026-03-02T23:59:60Z' }, 'invalid expiresAt'],
    ['a date only', { expiresAt: '2026-03-02' }, /expiresAt/],
    ['no zone', { expiresAt: '2026-03-02T00:00:00' }, /expiresAt/],
    ['null', { expiresAt: null }, /expiresAt/],
    ...['1.5', '-1', '', '18446744073709551616', '007', ' 1', '+1', '0x10', '1e3', 1].map(
      (value): [string, object, RegExp] => [
        `the amount ${JSON.stringify(value)}`,
        { incomingAmount: { ...usd(''), value } },
        /./,
      ],
    ),
  ];
  for (const [name, members, description] of refusals) {
    test(`refuses ${name} and stores nothing`, async () => {
      const before = await world.count('incoming_payment');
      refused(await create(members), 400, description);
      assert.equal(await world.count('incoming_payment'), before);
    });
  }

  test('refuses an inactive wallet address', async () => {
    refused(await create({ walletAddress: `${granite.origin}/gone` }), 400, 'Could not get wallet address');
  });

  test('takes another offset as the same instant', async () => {
    assert.equal((await created({ expiresAt: '2026-03-02T02:00:00+02:00' })).expiresAt, '2026-03-02T00:00:00.000Z');
  });

  test('ignores or refuses unknown members of an amount', async () => {
    const incomingAmount = { ...usd('5'), unit: 'cent' };
    assert.deepEqual((await created({ incomingAmount })).incomingAmount, usd('5'));
    world.terms.switches = strict;
    refused(await create({ incomingAmount }), 400, /amount/);
  });
});

describe('callers', () => {
  test('without, with a wrong or with an unknown token', async () => {
    refused(await create({}, { token: undefined }), 401, 'Missing or invalid authorization header value');
    refused(await create({ foo: 1 }, { token: undefined }), 401, 'Missing or invalid authorization header value');
    refused(await create({}, { tamper: { authorization: `Bearer ${token}` } }), 401, /Missing or invalid/);
    refused(await create({}, { token: 'unknown' }), 401, 'Invalid Token');
  });

  test('unsigned or wrongly signed', async () => {
    refused(await create({}, { signed: false }), 401, /^Signature validation error: /);
    refused(await create({}, { tamper: { 'content-digest': 'sha-512=:AAAA:' } }), 401, /^Signature validation error: /);
    refused(
      await create({}, { tamper: { authorization: `GNAP ${granite.issue([full.incoming()])}` } }),
      401,
      /^Signature/,
    );
  });

  test('without access', async () => {
    token = granite.issue([full.quote()]);
    refused(await create(), 403, 'Insufficient Grant');
    token = granite.issue([{ type: 'incoming-payment', actions: ['read-all'] }]);
    refused(await create(), 403, 'Insufficient Grant');
  });

  test('with another identifier, whether or not the wallet address exists', async () => {
    token = granite.issue([full.incoming(alice)]);
    assert.equal((await create({ walletAddress: `${alice}/` })).status, 201);
    refused(await create({ walletAddress: `${granite.origin}/bob` }), 403, 'Insufficient Grant');
    refused(await create({ walletAddress: `${granite.origin}/nobody` }), 403, 'Insufficient Grant');
  });

  test('see their own payments with read, all of them with read-all', async () => {
    const { id } = await created();
    const other = granite.issue([full.incoming()], 'https://client.example/other');
    const all = granite.issue([{ type: 'incoming-payment', actions: ['read-all'], identifier: alice }], 'x');
    const bobs = granite.issue([
      { type: 'incoming-payment', actions: ['read-all'], identifier: `${granite.origin}/bob` },
    ]);
    assert.equal((await granite.call({ path: id, token })).status, 200);
    refused(await granite.call({ path: id, token: other }), 404, 'Not Found');
    assert.equal((await granite.call({ path: id, token: all })).status, 200);
    refused(await granite.call({ path: id, token: bobs }), 403, 'Insufficient Grant');
    refused(await granite.call({ method: 'POST', path: `${id}/complete`, token: other }), 404, 'Not Found');
  });
});

describe('the wire', () => {
  test('refuses bad content in the error format', async () => {
    refused(await create({}, { rawBody: '{' }), 400, 'the body is not JSON');
    refused(await create({}, { rawBody: 'null' }), 400, /./);
    refused(await create({}, { contentType: 'text/plain' }), 415, /./);
    refused(
      await create({}, { rawBody: JSON.stringify({ walletAddress: alice, metadata: { a: 'x'.repeat(110_000) } }) }),
      413,
      /./,
    );
    assert.equal((await granite.call({ method: 'DELETE', path: '/incoming-payments', token })).status, 405);
    for (const id of ['abc', '%00', '../x', '00000000-0000-4000-8000-000000000000', "1'--"]) {
      const { status } = await granite.call({ path: `/incoming-payments/${encodeURIComponent(id)}`, token });
      assert.equal(status, 404, id);
    }
    assert.deepEqual(world.logged, []);
  });
});

describe('reading', () => {
  test('in public shows what was received, and where grants are to be had', async () => {
    const { id } = await created({ incomingAmount: usd('1000'), metadata: { secret: true } });
    const answer = await granite.call({ path: id, signed: false });
    assert.deepEqual(answer.body, { authServer: `${granite.origin}/auth/`, receivedAmount: usd('0') });
    refused(await granite.call({ path: `${id.slice(0, -4)}0000`, signed: false }), 404, 'Not Found');
    refused(await granite.call({ path: id, token: 'unknown' }), 401, 'Invalid Token');
  });

  test('with an old token and unsigned is public, or refused where the switch says so', async () => {
    const { id } = await created();
    const read = () => granite.call({ path: id, token: 'old', signed: false });
    assert.deepEqual(Object.keys((await read()).body), ['authServer', 'receivedAmount']);
    world.terms.switches = strict;
    refused(await read(), 401, /^Signature validation error: /);
  });

  test('shows no methods once it has expired', async () => {
    const { id } = await created({ expiresAt: new Date(start + 1000).toISOString() });
    world.clock.setting = { mode: 'frozen', offset: 0, at: start + 999 };
    assert.equal((await granite.call({ path: id, token })).body.methods.length, 1);
    world.clock.setting = { mode: 'frozen', offset: 0, at: start + 1000 };
    const { body } = await granite.call({ path: id, token });
    assert.deepEqual([body.methods, body.completed], [[], false]);
    refused(await granite.call({ method: 'POST', path: `${id}/complete`, token }), 409, 'wrong state');
  });
});

describe('completion', () => {
  test('happens once', async () => {
    const { id, methods: _, ...payment } = await created({ incomingAmount: usd('10') });
    const answer = await granite.call({ method: 'POST', path: `${id}/complete`, token });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { ...payment, id, completed: true });
    refused(await granite.call({ method: 'POST', path: `${id}/complete`, token }), 409, 'wrong state');
    assert.deepEqual((await granite.call({ path: id, token })).body.methods, []);
  });

  test('happens once, of parallel ones', async () => {
    const { id } = await created();
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => granite.call({ method: 'POST', path: `${id}/complete`, token })),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409, 409]);
  });

  test('ignores content, but not its digest', async () => {
    const { id } = await created();
    const tamper = { 'content-digest': 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:' };
    refused(await granite.call({ path: `${id}/complete`, token, body: {}, tamper }), 401, /^Signature/);
    assert.equal((await granite.call({ path: `${id}/complete`, token, body: { x: 1 } })).status, 200);
  });
});
