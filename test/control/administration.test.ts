/** Administration over the control API: accounts, wallet addresses, keys and grants. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type CallControl, controlOf } from '../support/administration.ts';
import { createPayer } from '../support/payer.ts';
import { send } from '../support/signed-fetch.ts';
import { type ClientEnvironment, clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let environment: ClientEnvironment;
let control: CallControl;
let origin: string;
before(async () => {
  world = await startWorld();
  environment = clientEnvironment(world);
  control = controlOf(world);
  origin = world.ases[0]!.origin;
});
after(() => world.close());

const granite = '/ases/granite';
const newKey = (kid: string) => {
  const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  return { kid, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', x };
};

/** An account in USD with a wallet address. */
async function openWallet(name: string, assetCode = 'USD'): Promise<{ id: string; url: string }> {
  const account = { id: name, assetCode, assetScale: 2 };
  assert.equal((await control('POST', `${granite}/accounts`, account)).status, 201);
  const wallet = { url: `${origin}/${name}`, account: name, publicName: `Name of ${name}` };
  const answer = await control('POST', `${granite}/wallet-addresses`, wallet);
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

test('text that cannot be stored, in any member, is a bad request', async () => {
  const account = { id: 'shop', assetCode: 'USD', assetScale: 2 };
  for (const text of ['a\ud800', '\udc00a', 'a\0']) {
    for (const [path, body] of [
      ['accounts', { ...account, id: text }],
      ['deposits', { id: text, account: '/alice', amount: '1' }],
      ['withdrawals', { id: 'w-1', account: text, amount: '1' }],
      ['accounts', { ...account, [text]: 1 }],
    ] as const) {
      const { status, body: answer } = await control('POST', `${granite}/${path}`, body);
      assert.deepEqual([status, answer.error.code], [400, 'invalid_request'], `${path} ${JSON.stringify(body)}`);
    }
  }
});

async function tokenFor(access: unknown): Promise<string> {
  const auth = `${origin}/auth/`;
  const body = { client: environment.client, access_token: { access: [access] } };
  const answer = await send(environment, { method: 'POST', url: auth, body });
  assert.equal(answer.status, 200, answer.text);
  return answer.body.access_token.value;
}

const createIncomingPayment = (walletAddress: string, token: string) =>
  send(environment, { method: 'POST', url: `${origin}/incoming-payments`, token, body: { walletAddress } });

test('an unknown ASE is 404; without the token every request is 401', async () => {
  for (const [method, path] of [
    ['GET', '/accounts'],
    ['GET', '/grants'],
    ['POST', '/secrets'],
  ] as const) {
    const answer = await control(method, `/ases/basalt${path}`);
    assert.deepEqual([answer.status, answer.body.error.code], [404, 'not_found'], path);
    assert.equal((await fetch(`${world.controlUrl}${granite}${path}`, { method })).status, 401);
  }
});

test('deposits are idempotent by id; withdrawals cannot exceed the balance', async () => {
  const account = { id: 'dora', assetCode: 'JPY', assetScale: 0 };
  const created = await control('POST', `${granite}/accounts`, account);
  assert.deepEqual([created.status, created.body], [201, { ...account, balance: '0' }]);
  assert.equal((await control('POST', `${granite}/accounts`, account)).status, 409);
  const move = (kind: string, id: string, amount: string, to = 'dora') =>
    control('POST', `${granite}/${kind}`, { id, account: to, amount });
  assert.equal((await move('deposits', 'one', '70')).status, 201);
  assert.equal((await move('deposits', 'one', '70')).status, 200);
  assert.equal((await move('deposits', 'one', '71')).status, 409);
  assert.equal((await move('deposits', 'one', '70', '/alice')).status, 409);
  assert.equal((await move('withdrawals', 'one', '30')).status, 201);
  assert.equal((await move('withdrawals', 'two', '41')).status, 409);
  assert.equal((await move('deposits', 'x', '1', 'nobody')).status, 404);
  for (const amount of ['0', '-1', '1.5', '18446744073709551616']) {
    assert.equal((await move('deposits', 'x', amount)).status, 400, amount);
  }
  const { accounts } = (await control('GET', `${granite}/accounts`)).body;
  assert.deepEqual(
    accounts.find(({ id }: { id: string }) => id === 'dora'),
    { ...account, balance: '40' },
  );
  const { ases } = (await control('GET', '/ledger')).body;
  assert.ok(ases.every(({ balanced }: { balanced: boolean }) => balanced));
});

test('a wallet address is created, renamed and published', async () => {
  const { id, url } = await openWallet('erna');
  const read = async () => (await fetch(url)).json();
  assert.deepEqual(await read(), {
    id: url,
    publicName: 'Name of erna',
    assetCode: 'USD',
    assetScale: 2,
    authServer: `${origin}/auth/`,
    resourceServer: origin,
  });
  const path = `${granite}/wallet-addresses/${id}`;
  assert.equal((await control('PATCH', path, { publicName: 'Erna' })).body.publicName, 'Erna');
  assert.equal(((await read()) as { publicName: string }).publicName, 'Erna');
  assert.equal((await control('PATCH', path, {})).status, 400);
  assert.equal((await control('PATCH', `${granite}/wallet-addresses/nothing`, { active: false })).status, 404);
  const again = { url: `${origin}/ERNA/`, account: 'erna' };
  assert.equal((await control('POST', `${granite}/wallet-addresses`, again)).status, 409);
  const other = { url: `${origin}/erna2`, account: 'nobody' };
  assert.equal((await control('POST', `${granite}/wallet-addresses`, other)).status, 400);
  const { walletAddresses } = (await control('GET', `${granite}/wallet-addresses`)).body;
  assert.ok(walletAddresses.some((wallet: { url: string }) => wallet.url === url));
});

test('the asset of a wallet address with payments cannot change (WA-44)', async () => {
  const { id, url } = await openWallet('fritz');
  await control('POST', `${granite}/accounts`, { id: 'fritz in yen', assetCode: 'JPY', assetScale: 0 });
  await control('POST', `${granite}/accounts`, { id: 'fritz too', assetCode: 'USD', assetScale: 2 });
  const move = (account: string) => control('PATCH', `${granite}/wallet-addresses/${id}`, { account });
  assert.equal((await move('fritz in yen')).body.assetCode, 'JPY');
  assert.equal((await move('fritz')).body.assetCode, 'USD');
  const token = await tokenFor({ type: 'incoming-payment', actions: ['create', 'read'] });
  assert.equal((await createIncomingPayment(url, token)).status, 201);
  assert.equal((await move('fritz in yen')).status, 409);
  assert.equal((await move('fritz too')).body.account, 'fritz too');
});

test('a wallet address that moves leaves its quotes and the grants that name it behind (OPI-072)', async () => {
  const { id, url } = await openWallet('gustav');
  await control('POST', `${granite}/accounts`, { id: 'gustav too', assetCode: 'USD', assetScale: 2 });
  const payer = await createPayer({ ...environment, walletAddress: url });
  const quote = await payer.quote(await payer.receive(environment.receiver, '100'));
  const before = await payer.spent();
  const moved = await control('PATCH', `${granite}/wallet-addresses/${id}`, { account: 'gustav too' });
  assert.equal(moved.status, 200, moved.text);
  assert.equal((await payer.pay(quote.id)).status, 401);
  assert.deepEqual(before, { spentDebitAmount: null, spentReceiveAmount: null });
  const next = await createPayer({ ...environment, walletAddress: url });
  assert.deepEqual((await next.pay(quote.id)).status, 400, 'the quote was for the former account');
});

test('a disabled wallet address is 404 until it is enabled; its open payments expire within a day (WA-43)', async () => {
  const { id, url } = await openWallet('gerda');
  const key = newKey('gerda-1');
  await control('POST', `${granite}/wallet-addresses/${id}/keys`, key);
  const access = { type: 'incoming-payment', actions: ['create', 'read', 'list', 'complete'] };
  const token = await tokenFor(access);
  const { body: payment } = await createIncomingPayment(url, token);
  const list = `${origin}/incoming-payments?wallet-address=${url}`;
  const attempts = () =>
    Promise.all([
      send(environment, { method: 'GET', url: payment.id, token }),
      send(environment, { method: 'GET', url: payment.id, signed: false }),
      send(environment, { method: 'GET', url: list, token }),
      send(environment, { method: 'POST', url: `${payment.id}/complete`, token }),
      createIncomingPayment(url, token),
    ]).then((answers) => answers.map(({ status }) => status));
  const before = Date.now();
  const disabled = await control('PATCH', `${granite}/wallet-addresses/${id}`, { active: false });
  assert.deepEqual([disabled.status, disabled.body.active], [200, false]);
  for (const suffix of ['', '/jwks.json', '/did.json']) assert.equal((await fetch(url + suffix)).status, 404, suffix);
  assert.deepEqual(await attempts(), [400, 400, 400, 400, 400]);
  assert.equal((await control('PATCH', `${granite}/wallet-addresses/${id}`, { active: true })).status, 200);
  const { body } = await send(environment, { method: 'GET', url: payment.id, token });
  const grace = Date.parse(body.expiresAt) - before;
  assert.ok(grace >= 86_400_000 && grace < 86_400_000 + 60_000, `${grace} ms`);
  assert.deepEqual(await (await fetch(`${url}/jwks.json`)).json(), { keys: [key] });
});

test('keys have a unique kid and are public Ed25519 keys; revoked keys are not published (WA-29)', async () => {
  const { id, url } = await openWallet('hanna');
  const path = `${granite}/wallet-addresses/${id}/keys`;
  const published = async () => (await (await fetch(`${url}/jwks.json`)).json()) as { keys: unknown[] };
  const key = newKey('hanna/1 %');
  const registered = await control('POST', path, { ...key, use: 'sig', note: 'mine' });
  assert.deepEqual([registered.status, registered.body], [201, key]);
  assert.deepEqual((await published()).keys, [key]);
  assert.equal((await control('POST', path, newKey('hanna/1 %'))).status, 409);
  const bad: Record<string, unknown>[] = [
    { d: 'c2VjcmV0LW1lbWJlci1vZi10aGUta2V5LXNlY3JldA' },
    { k: 'c2VjcmV0LW1lbWJlci1vZi10aGUta2V5LXNlY3JldA' },
    { alg: 'ES256' },
    { kty: 'EC' },
    { crv: 'X25519' },
    { use: 'enc' },
    { x: 'short' },
    { x: `${'A'.repeat(43)}=` },
    { kid: '' },
    { kid: undefined },
  ];
  for (const members of bad) {
    const answer = await control('POST', path, { ...newKey('hanna-2'), ...members });
    assert.equal(answer.status, 400, JSON.stringify(members));
    assert.ok(!answer.text.includes('c2VjcmV0'), 'a private member is not repeated');
  }
  assert.deepEqual((await control('GET', path)).body, { keys: [key] });
  assert.equal((await control('DELETE', `${path}/${encodeURIComponent(key.kid)}`)).status, 204);
  assert.equal((await control('DELETE', `${path}/${encodeURIComponent(key.kid)}`)).status, 404);
  assert.deepEqual(await published(), { keys: [] });
});

test('signatures with a revoked key fail at once and succeed after the key is registered again', async () => {
  const { id, url } = await openWallet('inge');
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jwk = { ...newKey('inge-1'), x: publicKey.export({ format: 'jwk' }).x };
  const path = `${granite}/wallet-addresses/${id}/keys`;
  const signed = { keyId: 'inge-1', privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string };
  const ask = async () => {
    const body = { client: url, access_token: { access: [{ type: 'quote', actions: ['create'] }] } };
    return (await send(environment, { method: 'POST', url: `${origin}/auth/`, body, signed })).status;
  };
  for (const [status, change] of [
    [200, () => control('POST', path, jwk)],
    [400, () => control('DELETE', `${path}/inge-1`)],
    [200, () => control('POST', path, jwk)],
  ] as const) {
    await change();
    assert.equal(await ask(), status);
  }
});

test('grants are listed, page by page, and revoked with their tokens', async () => {
  const token = await tokenFor({ type: 'incoming-payment', actions: ['create', 'read', 'list'] });
  const first = (await control('GET', `${granite}/grants?first=1`)).body;
  assert.deepEqual([first.grants.length, first.hasNextPage, first.grants[0].state], [1, true, 'issued']);
  assert.equal(first.grants[0].client, environment.client);
  const seen: string[] = [];
  for (let cursor = ''; ; ) {
    const page = (await control('GET', `${granite}/grants?first=3${cursor}`)).body;
    seen.push(...page.grants.map(({ id }: { id: string }) => id));
    if (!page.hasNextPage) break;
    cursor = `&cursor=${page.endCursor}`;
  }
  assert.equal(new Set(seen).size, seen.length);
  const { count } = await world.db.query
    .selectFrom('gnap_grant')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('ase', '=', 'granite')
    .executeTakeFirstOrThrow();
  assert.equal(seen.length, Number(count));
  assert.equal((await control('GET', `${granite}/grants?cursor=nonsense`)).status, 400);
  assert.equal((await control('GET', `${granite}/grants?first=0`)).status, 400);
  const { walletAddress: url } = environment;
  assert.equal((await createIncomingPayment(url, token)).status, 201);
  const path = `${granite}/grants/${first.grants[0].id}`;
  assert.deepEqual([(await control('DELETE', path)).status, (await control('DELETE', path)).status], [204, 204]);
  assert.equal((await createIncomingPayment(url, token)).status, 401);
  assert.equal((await control('DELETE', `${granite}/grants/nothing`)).status, 404);
});
