/** The pages of the inspector: what they show, what their forms do, and that hostile values stay text. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { send } from '../support/signed-fetch.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';
import { createReader, textOf, type Visitor, visitInspector } from './inspector.ts';

let world: TestWorld;
const { open, submit } = createReader(() => visitor);
let visitor: Visitor;
before(async () => {
  world = await startWorld({ seed: 'inspector' });
  visitor = await visitInspector(world);
});
after(() => world.close());

const [granite, marble] = ['granite', 'marble'];
const hostile = `<script>alert(1)</script>'"&\u202e`;

const lastId = (): number => world.controls.listExchanges({ limit: 1 })[0]?.id ?? 0;

/** The control API's own answer. */
async function control<Body>(path: string): Promise<Body> {
  const headers = { authorization: `Bearer ${world.controlToken}` };
  return (await (await fetch(world.controlUrl + path, { headers })).json()) as Body;
}

/** The page of a payment by hand that has ended. */
async function openEnded(path: string): Promise<string> {
  await world.inspected.handPayments.find(path.split('/').at(-1)!)!.ended;
  return open(path);
}

/** The page of a payment by hand that waits for a person. */
async function openWaiting(path: string): Promise<string> {
  for (;;) {
    const text = await open(path);
    if (/waits for consent/.test(text)) return text;
    assert.match(text, /State running/);
    await pause(20);
  }
}

async function payByHand(amount: string): Promise<string> {
  const from = world.walletUrl(world.definition.sender);
  const to = world.walletUrl(world.definition.receiver);
  const reply = await visitor.post('/pay', { from, to, amount });
  assert.equal(reply.status, 303, textOf(reply));
  return reply.headers.get('location')!.replace(/^\/inspector/, '');
}

test('a payment by hand: from the grant to the packets across both ASEs, and no must is broken', async () => {
  const before = lastId();
  const path = await payByHand('5.00');
  const progress = await openEnded(path);
  assert.match(progress, /State completed.*The money has arrived\./, progress);
  const link = /href="\/inspector(\/payments\/granite\/[^"]*)"/.exec((await visitor.get(path)).text)![1]!;
  const payment = await open(link);
  assert.match(payment, /Debit 5\.\d\d USD of 5\.\d\d USD sent.*Received 5\.00 EUR of 5\.00 EUR/);
  assert.match(payment, /Incoming payment ASE marble .*State completed Received 5\.00 EUR/);
  for (const row of [
    'Client to wallet addresses of granite: GET /alice',
    'Client to wallet addresses of marble: GET /bob',
    'Client to authorization server of marble: POST',
    'Client to resource server of marble: POST /incoming-payments create-incoming-payment 201',
    'Client to resource server of granite: POST /quotes create-quote 201',
    'Browser to identity provider of granite: GET',
    'post-continue 200',
    'create-outgoing-payment 201',
    'connector of granite to connector of marble: ILP Prepare 5.00 EUR packet Fulfill',
  ]) {
    assert.ok(payment.includes(row), `${row} in ${payment}`);
  }
  assert.match(payment, /Packets .* 1 fulfilled 5\.\d\d USD 5\.00 EUR/);
  const own = world.controls.listExchanges({ after: before, limit: 100 });
  await world.controls.judgeFor!(Number.POSITIVE_INFINITY);
  const broken = own.flatMap(({ id }) => world.controls.verdictsOf!(id) ?? []).filter(({ level }) => level === 'must');
  assert.ok(broken.length > 20);
  assert.deepEqual(
    broken.filter(({ status }) => status !== 'pass'),
    [],
  );
  assert.match(await open('/payments'), /Outgoing .* completed .*Incoming, the newest/);
});

test('a payment shows only its own requests', async () => {
  const pages: string[] = [];
  for (const amount of ['1.00', '2.00']) {
    const path = await payByHand(amount);
    await openEnded(path);
    const link = /href="\/inspector(\/payments\/granite\/[^"]*)"/.exec((await visitor.get(path)).text)![1]!;
    pages.push((await visitor.get(link)).text);
  }
  const creations = pages.map((page) =>
    [...page.matchAll(/requests\/(\d+)">#\d+<\/a>(?=(?:(?!<\/li>).)*create-)/gs)].map(([, id]) => id),
  );
  assert.deepEqual(
    creations.map((ids) => ids.length),
    [3, 3],
  );
  assert.deepEqual(
    creations[0]!.filter((id) => creations[1]!.includes(id)),
    [],
  );
});

test('a payment by hand that the holder denies, and orders that make no sense', async () => {
  await world.controls.setConsent('deny');
  const text = await openEnded(await payByHand('5.00'));
  await world.controls.setConsent('auto');
  assert.match(text, /State failed.*the consent was not given: grant_rejected/);
  const [from, to] = [world.walletUrl(world.definition.sender), world.walletUrl(world.definition.receiver)];
  for (const fields of [
    { from, to, amount: '0' },
    { from, to, amount: '1.234' },
    { from, to, amount: '-1' },
    { from, to: 'http://elsewhere.example/bob', amount: '1' },
  ]) {
    const reply = await visitor.post('/pay', fields);
    assert.equal(reply.status, 400, JSON.stringify(fields));
    assert.match(reply.text, /aria-label="Pages"/, 'the navigation stays');
  }
});

test('a person consents: the return with a wrong hash is refused, the right one goes on without a cookie', async () => {
  await world.controls.setConsent('manual');
  const path = await payByHand('3.00');
  await openWaiting(path);
  const forged = await fetch(`${visitor.origin}/inspector${path}/finish?hash=x&interact_ref=y`);
  assert.equal(forged.status, 404);
  await openWaiting(path);
  const denied = await fetch(`${visitor.origin}/inspector${path}/finish?result=grant_rejected`);
  assert.equal(denied.status, 200);
  await world.controls.setConsent('auto');
  await openEnded(path);
});

test('a request is shown with its answer, signature, verdicts and command; secrets are hidden', async () => {
  const environment = clientEnvironment(world);
  const { authServer: url } = world.ases[0]!;
  const body = { client: environment.client, access_token: { access: [{ type: 'quote', actions: ['create'] }] } };
  const spoil = (headers: Record<string, string>) => {
    headers['content-type'] = 'application/json; charset=utf-8';
  };
  await send(environment, { method: 'POST', url, body, spoil, token: 'a-secret-token-of-the-client' });
  const text = await open(`/requests/${lastId()}`);
  assert.match(text, /Refused: .*signature_mismatch|Refused: invalid_client/);
  assert.match(text, /CL-SIG-16 Makes a signature that verifies must fail/);
  assert.match(text, /The signature base .*Signed by the client .*First difference/);
  assert.match(text, /curl -i -X &#39;POST&#39; &#39;http:\/\/localhost:\d+\/auth\/&#39; \\ -H/);
  assert.ok(!text.includes('a-secret-token'));
  const list = await open('/requests?show=broken');
  assert.match(list, new RegExp(`#${lastId()} POST /auth/ post-request 401 fail granite`));
});

test('an injected fault and a trap are named at the requests that they struck', async () => {
  const form = { operation: 'get-wallet-address', kind: 'status', status: '503', nth: '1', times: '1', ase: granite! };
  assert.match(
    await submit('/controls/faults', { ...form, code: '', delayMs: '' }),
    /The fault is armed.*status 503 on get-wallet-address number 1 granite/,
  );
  await fetch(world.env['TOUCHSTONE_WALLET_ADDRESS']!);
  assert.match(await open(`/requests/${lastId()}`), /Status 503 .*Injected fault status/);
  assert.match(await open('/requests?show=fault'), /503 fault status/);
  assert.match(await submit('/controls/faults/remove'), /All faults are removed.*Faults None/);
  const arm = '/catalogue/get-wallet-address-404';
  assert.match(await submit(arm), /The next get-wallet-address is answered with 404/);
  assert.equal((await fetch(world.env['TOUCHSTONE_WALLET_ADDRESS']!)).status, 404);
  assert.equal((await visitor.post('/catalogue/nothing')).status, 404);
  await submit('/controls/faults/remove');
  await submit('/controls/traps', { trap: 'foreign-wallet-id' });
  await fetch(world.env['TOUCHSTONE_RECEIVER']!, { redirect: 'manual' });
  assert.match(await open(`/requests/${lastId()}`), /Injected fault trap/);
  await submit('/controls/faults/remove');
  await fetch(world.env['TOUCHSTONE_RECEIVER']!, { redirect: 'manual' });
  assert.match(await open(`/requests/${lastId()}`), /Injected fault none/);
  assert.equal((await visitor.post('/controls/faults', { ...form, operation: 'nothing' })).status, 400);
  assert.equal((await visitor.post('/controls/faults', { ...form, nth: 'x' })).status, 400);
});

test('hostile values stay text on every page', async () => {
  const base = `/ases/${granite}`;
  const post = (path: string, body: object) =>
    fetch(world.controlUrl + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.controlToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const account = { id: hostile, assetCode: 'USD', assetScale: 2 };
  assert.equal((await post(`${base}/accounts`, account)).status, 201);
  const url = `${world.ases[0]!.origin}/hostile`;
  const created = await post(`${base}/wallet-addresses`, { url, account: hostile, publicName: hostile });
  const { id } = (await created.json()) as { id: string };
  assert.equal((await post(`${base}/deposits`, { id: hostile, account: hostile, amount: '7' })).status, 201);
  await send(clientEnvironment(world), {
    method: 'POST',
    url: `${world.ases[0]!.authServer}?${encodeURI(hostile)}`,
    headers: { 'x-hostile': '<script>alert(1)</script>', 'user-agent': '"><img src=x onerror=alert(1)>' },
    body: { client: { walletAddress: hostile, [hostile]: hostile } },
  });
  const paths = ['/requests', `/requests/${lastId()}`, '/flow', '/wallets', `/wallets/${granite}/${id}`, '/ledger'];
  const others = [
    '/grants',
    '/payments',
    '/events',
    '/controls',
    '/catalogue?operation=%3Cscript%3E%22&status=%3Cscript%3E',
    `/ledger/${granite}`,
    '/wallets?find=%3Cscript%3E%22',
    '/pay',
  ];
  for (const path of [...paths, ...others]) {
    const { status, text } = await visitor.get(path);
    assert.equal(status, 200, path);
    assert.doesNotMatch(text, /<script>alert|<img|\u202e/, path);
  }
  assert.match((await visitor.get('/wallets')).text, /&lt;script&gt;alert\(1\)&lt;\/script&gt;&#39;&quot;&amp;/);
});

test('lists are bounded and have further pages', async () => {
  for (let calls = 0; calls < 60; calls += 1) await fetch(world.env['TOUCHSTONE_WALLET_ADDRESS']!);
  const first = (await visitor.get('/requests')).text;
  const ids = (page: string) => [...page.matchAll(/id="list-(\d+)"/g)].map(([, id]) => Number(id));
  assert.equal(ids(first).length, 50);
  const next = /<a href="\/inspector(\/requests\?[^"]*)">Next page/.exec(first)![1]!.replaceAll('&amp;', '&');
  assert.equal(ids((await visitor.get(next)).text)[0], ids(first).at(-1)! - 1);
  assert.match((await visitor.get('/flow')).text, /Next page/);
  const filtered = ids((await visitor.get('/requests?operation=create-quote')).text);
  const quotes = world.controls.listExchanges({ operation: 'create-quote', limit: 100 }).map(({ id }) => id);
  assert.deepEqual(filtered, quotes.reverse());
});

test('wallets: balances, and keys that are added, made and revoked', async () => {
  assert.match(await open('/wallets'), /alice .* USD active/);
  const { walletAddresses } = await control<{ walletAddresses: { id: string; url: string }[] }>(
    `/ases/${granite}/wallet-addresses`,
  );
  const { id } = walletAddresses.find(({ url }) => url === world.env['TOUCHSTONE_WALLET_ADDRESS'])!;
  const path = `/wallets/${granite}/${id}`;
  const listKeys = async () =>
    (await control<{ keys: { kid: string; x: string }[] }>(`/ases/${granite}/wallet-addresses/${id}/keys`)).keys;
  const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  const jwk = { kid: 'mine', alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', x };
  assert.match(await submit(`${path}/keys`, { jwk: JSON.stringify(jwk) }), /The key is published.*mine/);
  const made = await visitor.post(`${path}/new-key`, { kid: 'made' });
  assert.match(made.text, /-----BEGIN PRIVATE KEY-----/);
  assert.deepEqual((await listKeys()).map(({ kid }) => kid).sort(), ['made', 'mine']);
  assert.match(await submit(`${path}/revoke`, { kid: 'mine' }), /The key mine is revoked/);
  assert.deepEqual(
    (await listKeys()).map(({ kid }) => kid),
    ['made'],
  );
  assert.equal((await visitor.post(`${path}/keys`, { jwk: '{' })).status, 400);
  assert.equal((await visitor.post(`${path}/keys`, { jwk: JSON.stringify({ ...jwk, d: x }) })).status, 400);
  assert.match(await submit(`${path}/disable`), /State disabled/);
  assert.match(await submit(`${path}/enable`), /State active/);
  const actions = await control<{ actions: { operation: string }[] }>(`/ases/${granite}/actions`);
  assert.equal(actions.actions[0]!.operation, 'change-wallet-address', 'the audit log has it');
});

test('grants: rights in words, what is spent, tokens, payments, and the revocation', async () => {
  await openEnded(await payByHand('4.00'));
  const { grants } = await control<{ grants: { id: string }[] }>(`/ases/${granite}/grants`);
  const path = `/grants/${granite}/${grants[0]!.id}`;
  const text = await open(path);
  assert.match(text, /Send payments Up to 4\.\d\d USD in all .*Sent 4\.\d\d USD Received 4\.00 EUR/);
  assert.match(text, /Tokens, the newest .* active .*Payments under it .*outgoing [0-9a-f]{8} completed/);
  assert.match(await open('/grants'), /Send payments: Up to 4\.\d\d USD in all/);
  assert.match(await submit(`${path}/revoke`), /The grant and its tokens are revoked.*State revoked/);
});

test('the ledger balances and lists transfers', async () => {
  const text = await open('/ledger');
  assert.match(text, /Trial balance balanced .*Packets without an answer None\. .*Transfers, the newest .*outgoing:/);
  assert.doesNotMatch(text, /not balanced/);
  assert.match(await open(`/ledger/${marble}/accounts`), /EUR/);
});

test('events: a webhook is set and removed', async () => {
  const secret = 'a-secret-of-16-characters';
  const text = await submit(`/events/${granite}/webhook`, { url: 'http://127.0.0.1:1/hook', secret });
  assert.match(text, /The webhook is set.*Webhook: http:\/\/127\.0\.0\.1:1\/hook/);
  assert.ok(!text.includes(secret));
  assert.match(await submit(`/events/${granite}/webhook/remove`), /Without a webhook, events are not stored/);
});

test('clock and consent', async () => {
  await submit('/controls/clock', { action: 'freeze' });
  assert.match(
    await submit('/controls/clock', { action: 'set', time: '2030-01-02T03:04:05Z' }),
    /2030-01-02 03:04:05 UTC/,
  );
  assert.match(await submit('/controls/clock', { action: 'advance', seconds: '60' }), /2030-01-02 03:05:05 UTC/);
  assert.equal((await visitor.post('/controls/clock', { action: 'set', time: 'tomorrow' })).status, 400);
  await submit('/controls/clock', { action: 'run' });
  assert.equal(world.controls.clock().mode, 'live');
  await submit('/controls/consent', { mode: 'deny' });
  assert.equal(world.controls.consent(), 'deny');
  assert.equal((await visitor.post('/controls/consent', { mode: 'maybe' })).status, 400);
  await submit('/controls/consent', { mode: 'auto' });
});

test('the report opens, and unknown pages and things are not found', async () => {
  assert.match(await open('/report'), /Requirements/);
  for (const path of [
    '/nowhere',
    '/requests/999999',
    '/requests/x',
    '/payments/nobody',
    '/grants/granite/x',
    '/worlds/x/requests',
  ]) {
    assert.equal((await visitor.get(path)).status, 404, path);
  }
});

test('an update by the script does not use up the notice', async () => {
  await visitor.post('/controls/consent', { mode: 'auto' });
  assert.doesNotMatch((await visitor.get('/controls', { 'x-live': '1' })).text, /Consent is auto/);
  assert.match((await visitor.get('/controls')).text, /Consent is auto/);
  assert.doesNotMatch((await visitor.get('/controls')).text, /Consent is auto/);
});

test('another world is created, inspected below its own path, and deleted; a reset empties this one', async () => {
  const text = await submit('/controls/worlds', { seed: 'another' });
  const [, id] = /The world (\S+) runs/.exec(text)!;
  assert.match(await open(`/worlds/${id}/controls`), /This is an additional world.*Seed another/);
  assert.equal(
    (await visitor.post(`/worlds/${id}/controls/clock`, { action: 'freeze' })).headers.get('location'),
    `/inspector/worlds/${id}/controls`,
  );
  assert.equal(world.controls.clock().mode, 'live');
  assert.match(await submit(`/controls/worlds/${id}/delete`), /The world is deleted/);
  assert.equal((await visitor.get(`/worlds/${id}/controls`)).status, 404);
  assert.match(await submit('/controls/reset'), /back in its initial state/);
  assert.match(await open('/requests'), /Newest first No requests yet/);
});
