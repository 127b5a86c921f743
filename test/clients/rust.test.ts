/** The requests of the Rust SDK's integration suite in its world, on a free port in place of its port 3500. */
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { WorldDefinition } from '../../src/world/definition/definition.ts';
import { readWorldFile } from '../../src/world/definition/file.ts';
import { findFreePort } from '../support/free-port.ts';
import { startWorld, type TestWorld } from '../support/world.ts';
import { createBrowser, digestOf, type Received, send, signBase } from './support/replay.ts';

const file = join(import.meta.dirname, '..', '..', 'examples', 'rust', 'world.yaml');
const port = await findFreePort();
const alice = `http://localhost:${port}/accounts/alice`;
const eur = (value: string) => ({ value, assetCode: 'EUR', assetScale: 2 });
let world: TestWorld;
let key: KeyObject;
let keyId: string;

before(async () => {
  world = await startWorld({ definition: await readWorld(), consent: 'manual' });
  key = createPrivateKey(world.clientKey!);
  keyId = world.definition.client.keyId;
});
after(() => world.close());

async function readWorld(): Promise<WorldDefinition> {
  const definition = await readWorldFile(file);
  const text = JSON.stringify(definition.ases[0]!.servers).replaceAll(':3500', `:${port}`);
  return { ...definition, ases: [{ ...definition.ases[0]!, port, servers: JSON.parse(text) }] };
}

/** Signs as the SDK does: component names without quotes, always with content-type, the signature without a label. */
function call(method: string, url: string, token?: string, body?: unknown): Promise<Received> {
  const { host, port, pathname, search } = new URL(url);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const digest = text === undefined ? undefined : digestOf(text);
  const covered: [string, string][] = [
    ['@method', method],
    ['@target-uri', url],
    ['content-type', 'application/json'],
  ];
  if (token !== undefined) covered.push(['authorization', `GNAP ${token}`]);
  if (text !== undefined) covered.push(['content-digest', digest!], ['content-length', String(text.length)]);
  const names = covered.map(([name]) => name).join(' ');
  const params = `(${names});created=${Math.floor(Date.now() / 1000)};keyid="${keyId}"`;
  return send({
    method,
    port: Number(port),
    host,
    target: pathname + search,
    headers: [
      ['content-type', 'application/json'],
      ...(token === undefined ? [] : [['authorization', `GNAP ${token}`] as const]),
      ...(digest === undefined ? [] : [['content-digest', digest] as const]),
      ['signature', signBase([...covered, ['@signature-params', params]], key)],
      ['signature-input', `sig1=${params}`],
      ['accept', '*/*'],
    ],
    ...(text !== undefined && { body: text }),
  });
}

function expect({ status, body, text }: Received, expected: number) {
  assert.equal(status, expected, text);
  return body;
}

const readWallet = async () =>
  expect(
    await send({
      method: 'GET',
      port,
      host: `localhost:${port}`,
      target: '/accounts/alice',
      headers: [['content-type', 'application/json']],
    }),
    200,
  );

/** The base of the resources, which the suite derives from the wallet address. */
const resources = alice.slice(0, alice.lastIndexOf('/'));

async function requestGrant(access: unknown[], interact?: unknown) {
  const { authServer } = await readWallet();
  return expect(
    await call('POST', authServer, undefined, { access_token: { access }, client: alice, ...(interact as object) }),
    200,
  );
}

const payments = { type: 'incoming-payment', actions: ['create', 'read', 'complete', 'list'] };
const quotes = { type: 'quote', actions: ['create', 'read'] };

test('the resources are at the parent path of the wallet address', async () => {
  const wallet = await readWallet();
  assert.equal(wallet.id, alice);
  assert.equal(wallet.resourceServer, resources);
  assert.equal(wallet.assetCode, 'EUR');
});

test('a whole payment, from a wallet to itself', async () => {
  const grant = await requestGrant([payments, quotes]);
  const token = grant.access_token.value;
  const incoming = expect(
    await call('POST', `${resources}/incoming-payments`, token, { walletAddress: alice, incomingAmount: eur('100') }),
    201,
  );
  assert.ok(incoming.id.startsWith(`${resources}/incoming-payments/`));
  expect(await call('GET', incoming.id, token), 200);
  const list = expect(
    await call('GET', `${resources}/incoming-payments?wallet-address=${encodeURIComponent(alice)}`, token),
    200,
  );
  assert.equal(list.result[0].id, incoming.id);

  const body = { walletAddress: alice, receiver: incoming.id, method: 'ilp' };
  const quote = expect(await call('POST', `${resources}/quotes`, token, body), 201);
  const debited = expect(await call('POST', `${resources}/quotes`, token, { ...body, debitAmount: eur('100') }), 201);
  assert.deepEqual(debited.debitAmount, eur('100'));
  expect(await call('GET', debited.id, token), 200);

  const finish = { method: 'redirect', uri: 'http://127.0.0.1:9/done', nonce: 'the-clients-nonce' };
  const pending = await requestGrant(
    [{ type: 'outgoing-payment', actions: ['create', 'read', 'list'], identifier: alice }],
    { interact: { start: ['redirect'], finish } },
  );
  const browser = createBrowser((url) => url.hostname === 'localhost');
  const asked = await browser.open(pending.interact.redirect);
  const { url: done } = await browser.click(asked, 'accept');
  assert.equal(done.origin + done.pathname, finish.uri);
  const reference = done.searchParams.get('interact_ref')!;
  const hashed = [finish.nonce, pending.interact.finish, reference, `${new URL(alice).origin}/auth/`].join('\n');
  assert.equal(done.searchParams.get('hash'), createHash('sha256').update(hashed).digest('base64'));
  await world.controls.changeClock({ action: 'advance', milliseconds: pending.continue.wait * 1000 });
  const granted = expect(
    await call('POST', pending.continue.uri, pending.continue.access_token.value, { interact_ref: reference }),
    200,
  );

  const outgoing = expect(
    await call('POST', `${resources}/outgoing-payments`, granted.access_token.value, {
      walletAddress: alice,
      quoteId: quote.id,
    }),
    201,
  );
  assert.equal(outgoing.failed, false);
  await world.settled();
  const settled = expect(await call('GET', outgoing.id, granted.access_token.value), 200);
  assert.deepEqual(settled.sentAmount, eur('100'));
  const received = expect(await call('GET', incoming.id, token), 200);
  assert.deepEqual(received.receivedAmount, eur('100'));
  assert.equal(received.completed, true);
});

test('a deletion is answered with 204', async () => {
  const { access_token: token } = await requestGrant([payments]);
  const rotated = expect(await call('POST', token.manage, token.value), 200).access_token;
  assert.equal((await call('DELETE', rotated.manage, rotated.value)).status, 204);
  const { continue: continuation } = await requestGrant([payments]);
  assert.equal((await call('DELETE', continuation.uri, continuation.access_token.value)).status, 204);
});

test('an incoming payment is completed at its URL', async () => {
  const { access_token: token } = await requestGrant([payments]);
  const open = expect(await call('POST', `${resources}/incoming-payments`, token.value, { walletAddress: alice }), 201);
  assert.equal(expect(await call('POST', `${open.id}/complete`, token.value), 200).completed, true);
});
