/** Optional features of wallet addresses over HTTP (WA-10, WA-11, WA-14, WA-16, WA-25, WA-40). */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { createIlpOverHttpLink } from '../../src/payments/ilp/ilp-over-http.ts';
import { createStreamPrepare, readPacketAnswer } from '../../src/payments/ilp/stream-sender.ts';
import { defaultWorld } from '../../src/world/definition/definition.ts';
import { type CallControl, controlOf } from '../support/administration.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

const peerSecret = 'a secret of the links';
const spsp = 'application/spsp4+json';
let world: TestWorld;
let control: CallControl;
let bob: string;
let announced: string[] = [];

/** Creates the addresses that begin with /new at once and ignores the others. */
const hook = createServer(async (request, response) => {
  const { type, data } = (await readJson(request)) as { type: string; data: { walletAddressUrl: string } };
  assert.equal(type, 'wallet_address.not_found');
  const { pathname } = new URL(data.walletAddressUrl);
  announced.push(pathname);
  if (!pathname.startsWith('/new')) return response.writeHead(404).end();
  const { status } = await control('POST', '/ases/marble/wallet-addresses', {
    url: data.walletAddressUrl,
    account: '/bob',
  });
  return response.writeHead(status === 201 ? 204 : 500).end();
});

before(async () => {
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const [granite, marble] = defaultWorld.ases;
  const extensions = {
    webPage: 'https://page.example/%ewp?of=%wa',
    cardService: 'https://cards.example',
    spsp: true,
    lookupHook: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/events`,
  };
  const wallets = marble!.wallets.map((wallet) =>
    wallet.path === '/bob'
      ? {
          ...wallet,
          additionalProperties: {
            city: { value: 'Carrara', visible: true },
            riskClass: { value: '7', visible: false },
          },
        }
      : wallet,
  );
  const definition = { ...defaultWorld, ases: [granite!, { ...marble!, wallets, extensions }] };
  world = await startWorld({ definition, peerSecret });
  control = controlOf(world);
  bob = world.env['TOUCHSTONE_RECEIVER']!;
});
after(async () => {
  await world.close();
  hook.close();
});

const get = (url: string, accept: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(url, { method, headers: { accept, ...headers }, redirect: 'manual' });

test('the document has the card service and the visible properties only', async () => {
  const text = await (await get(bob, 'application/json')).text();
  const body = JSON.parse(text);
  assert.deepEqual(body.additionalProperties, { city: 'Carrara' });
  assert.equal(body.cardService, 'https://cards.example');
  assert.doesNotMatch(text, /riskClass/);
  const carol = (await (await get(bob.replace('/bob', '/carol'), 'application/json')).json()) as object;
  assert.ok(!('additionalProperties' in carol), 'no member without properties');
});

test('an ASE without extensions has none of their members', async () => {
  const alice = world.env['TOUCHSTONE_WALLET_ADDRESS']!;
  const body = (await (await get(alice, 'application/json')).json()) as object;
  assert.deepEqual(Object.keys(body).toSorted(), [
    ...['assetCode', 'assetScale', 'authServer', 'id', 'publicName', 'resourceServer'],
  ]);
  assert.equal((await get(alice, 'text/html')).status, 406);
  assert.equal((await get(alice, spsp)).status, 406);
  assert.equal((await get(`${alice}-new`, 'application/json')).status, 404);
  assert.deepEqual(announced, []);
});

test('redirects a browser to the web page; a client that also accepts JSON gets JSON', async () => {
  const page = await get(bob, 'text/html,application/xhtml+xml,*/*;q=0.8');
  assert.equal(page.status, 302);
  const pointer = encodeURIComponent(bob.replace('http://', ''));
  assert.equal(page.headers.get('location'), `https://page.example/${pointer}?of=${bob}`);
  assert.match(page.headers.get('vary') ?? '', /accept/i);
  for (const accept of ['*/*', 'application/json', 'application/json, text/html']) {
    assert.equal((await get(bob, accept)).status, 200, accept);
  }
  assert.equal((await get(`${bob}-nobody`, 'text/html')).status, 404);
});

test('SPSP returns payable credentials, new ones for each request', async () => {
  const answer = await get(bob, spsp);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), spsp);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('access-control-allow-origin'), '*');
  const credentials = (await answer.json()) as Record<string, string>;
  assert.deepEqual(Object.keys(credentials).toSorted(), ['destination_account', 'receipts_enabled', 'shared_secret']);
  assert.match(credentials['shared_secret']!, /^[A-Za-z0-9+/]{43}=$/);
  const other = (await (await get(bob, spsp)).json()) as Record<string, string>;
  assert.notEqual(other['shared_secret'], credentials['shared_secret']);
  assert.notEqual(other['destination_account'], credentials['destination_account']);

  const balance = async () => {
    const { body } = await control('GET', '/');
    return BigInt(
      body.ases
        .flatMap((ase: { walletAddresses: { url: string; balance: string }[] }) => ase.walletAddresses)
        .find(({ url }: { url: string }) => url === bob).balance,
    );
  };
  const before = await balance();
  const token = createHmac('sha256', peerSecret).update('ilp link\ngranite\nmarble').digest('base64url');
  const link = createIlpOverHttpLink({ origin: new URL(bob).origin, token });
  const { prepare, condition } = await createStreamPrepare({
    address: credentials['destination_account']!,
    sharedSecret: Buffer.from(credentials['shared_secret']!, 'base64'),
    sequence: 1,
    amount: 25n,
    expiresAt: Date.now() + 30_000,
  });
  const reply = await link.send({ code: 'EUR', scale: 2 }, prepare, () => {});
  link.close();
  assert.deepEqual(readPacketAnswer(reply, condition.toString('base64url'), 25n), { kind: 'fulfilled' });
  assert.equal(await balance(), before + 25n);
});

test('SPSP: HEAD opens no payment, unknown addresses are 404, one receipt header without the other is 400', async () => {
  const count = async () =>
    (await world.db.query.selectFrom('incoming_payment').select('id').where('ase', '=', 'marble').execute()).length;
  const nonce = { 'receipt-nonce': Buffer.alloc(16, 1).toString('base64') };
  const secret = { 'receipt-secret': Buffer.alloc(32, 1).toString('base64') };
  const before = await count();
  const head = await get(bob, spsp, {}, 'HEAD');
  assert.deepEqual([head.status, head.headers.get('content-type')], [200, spsp]);
  assert.equal((await get(`${bob}-nobody`, spsp)).status, 404);
  for (const headers of [nonce, secret, { ...nonce, 'receipt-secret': 'c2hvcnQ=' }]) {
    const refused = await get(bob, spsp, headers);
    assert.equal(refused.status, 400);
    assert.doesNotMatch(await refused.text(), /shared_secret|c2hvcnQ/);
  }
  assert.equal(await count(), before);
  const answer = await get(bob, spsp, { ...nonce, ...secret });
  assert.equal(((await answer.json()) as { receipts_enabled: boolean }).receipts_enabled, false);
  assert.equal(await count(), before + 1);
});

test('an unknown address is announced and found as soon as the hook has created it', async () => {
  announced = [];
  const url = `${new URL(bob).origin}/new-one`;
  const answer = await get(`${url}/`, 'application/json');
  assert.equal(answer.status, 200);
  assert.equal(((await answer.json()) as { id: string }).id, url);
  assert.equal((await get(url, 'application/json')).status, 200);
  assert.deepEqual(announced, ['/new-one'], 'once, for the first lookup');
  assert.equal((await get(`${url}-2/jwks.json`, 'application/json')).status, 200);
  assert.equal((await get(`${new URL(bob).origin}/somebody`, 'application/json')).status, 404);
  assert.deepEqual(announced, ['/new-one', '/new-one-2', '/somebody']);
});
