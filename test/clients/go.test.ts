/** The requests of the Go SDK's integration suite in its world: under its host names and ports, which lead to free ports. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exportPublicJwk } from '../../src/crypto/derived-keys.ts';
import type { WorldDefinition } from '../../src/world/definition/definition.ts';
import { readWorldFile } from '../../src/world/definition/file.ts';
import { findFreePort } from '../support/free-port.ts';
import { startWorld, type TestWorld } from '../support/world.ts';
import { createBrowser, createTestKey, digestOf, type Received, send, signBase } from './support/replay.ts';

const file = join(import.meta.dirname, '..', '..', 'examples', 'go', 'world.yaml');
const key = createTestKey();
let world: TestWorld;
let keyId: string;

before(async () => {
  const definition = await readWorldFile(file);
  keyId = definition.client.keyId;
  world = await startWorld({
    definition: await onFreePorts(withOwnKey(definition)),
    consent: 'manual',
    insecure: true,
  });
});
after(() => world.close());

/** Only the suite has its private key, so another key takes its id. */
function withOwnKey(definition: WorldDefinition): WorldDefinition {
  const ases = definition.ases.map((ase) => ({
    ...ase,
    wallets: ase.wallets.map((wallet) => ({
      ...wallet,
      ...(wallet.keys && { keys: [{ jwk: exportPublicJwk(key, keyId) }] }),
    })),
  }));
  return { ...definition, ases };
}

/** Where the ports of the suite really listen. */
const freePorts = new Map<number, number>();
const listeningPort = (port: string): number => freePorts.get(Number(port))!;

async function onFreePorts(definition: WorldDefinition): Promise<WorldDefinition> {
  for (const port of [3000, 3006, 4000, 4006]) freePorts.set(port, await findFreePort());
  const move = <T extends { readonly port?: number }>(place: T): T =>
    place.port === undefined ? place : { ...place, port: freePorts.get(place.port)! };
  const ases = definition.ases.map((ase) => {
    const servers = Object.entries(ase.servers ?? {}).map(([name, server]) => [name, move(server)]);
    return { ...move(ase), servers: Object.fromEntries(servers) };
  });
  return { ...definition, ases };
}

const sender = 'https://cloud-nine-wallet-backend/accounts/gfranklin';
const receiver = 'https://happy-life-bank-backend/accounts/pfry';
const backends: Record<string, string> = { '3000': 'cloud-nine-wallet-backend', '4000': 'happy-life-bank-backend' };
const ports: Record<string, string> = { 'cloud-nine-wallet-backend': '3000', 'happy-life-bank-backend': '4000' };
const tenants = {
  cloudNine: '438fa74a-fa7d-4317-9ced-dde32ece1787',
  happyLife: 'cf5fd7d3-1eb1-4041-8e43-ba45747e9e5d',
};

const toLocalhost = (url: string): URL => {
  const local = new URL(url);
  if (ports[local.hostname]) {
    local.protocol = 'http:';
    local.host = `localhost:${ports[local.hostname]}`;
  }
  return local;
};

/** Signs for the backend's name, then sends to localhost, with that name as Host. */
function call(method: string, url: string, token?: string, body?: unknown): Promise<Received> {
  const local = toLocalhost(url);
  const host = backends[local.port] ?? local.host;
  const target = local.pathname + local.search;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const content =
    text === undefined
      ? []
      : ([
          ['content-digest', digestOf(text)],
          ['content-length', String(text.length)],
          ['content-type', 'application/json'],
        ] as const);
  const covered = [
    ['@method', method],
    ['@target-uri', `http://${host}${target}`],
    ...(token === undefined ? [] : [['authorization', `GNAP ${token}`] as const]),
    ...content,
  ] as const;
  const names = covered.map(([name]) => `"${name}"`).join(' ');
  const params = `(${names});created=${Math.floor(Date.now() / 1000)};keyid="${keyId}";alg="ed25519"`;
  const signature = signBase([...covered, ['@signature-params', params]], key);
  return send({
    method,
    port: listeningPort(local.port),
    host,
    target,
    headers: [
      ['User-Agent', 'Go-http-client/1.1'],
      ...(token === undefined ? [] : [['Authorization', `GNAP ${token}`] as const]),
      ...content.filter(([name]) => name !== 'content-length'),
      ['Signature', `sig1=:${signature}:`],
      ['Signature-Input', `sig1=${params}`],
      ['Accept-Encoding', 'gzip'],
    ],
    ...(text !== undefined && { body: text }),
  });
}

/** Without a signature; the public GET of a signing client keeps localhost as its Host. */
function read(url: string, host?: string): Promise<Received> {
  const local = toLocalhost(url);
  return send({
    method: 'GET',
    port: listeningPort(local.port),
    host: host ?? backends[local.port] ?? local.host,
    target: local.pathname,
    headers: [['User-Agent', 'Go-http-client/1.1']],
  });
}

function expect({ status, body, text }: Received, expected: number) {
  assert.equal(status, expected, text);
  return body;
}

const client = { walletAddress: receiver };
const incoming = { type: 'incoming-payment', actions: ['create', 'read', 'list', 'complete'] };

for (const [form, base] of Object.entries({
  'below a tenant': (tenant: string) => `/${tenant}`,
  'without a tenant': () => '',
})) {
  const auth = {
    sender: `http://localhost:3006${base(tenants.cloudNine)}`,
    receiver: `http://localhost:4006${base(tenants.happyLife)}`,
  };
  const resources = {
    sender: `http://localhost:3000${base(tenants.cloudNine)}`,
    receiver: `http://localhost:4000${base(tenants.happyLife)}`,
  };

  const requestGrant = async (authServer: string, access: unknown, interact?: unknown) =>
    expect(await call('POST', authServer, undefined, { access_token: { access: [access] }, client, interact }), 200);

  test(`a whole payment, ${form}`, async () => {
    const document = expect(await read('http://localhost:4000/accounts/pfry'), 200);
    assert.equal(document.id, receiver);
    assert.equal(document.authServer, `http://localhost:4006/${tenants.happyLife}/`);
    assert.equal(document.resourceServer, `http://happy-life-bank-backend/${tenants.happyLife}`);

    const grant = await requestGrant(auth.receiver, incoming);
    assert.match(grant.continue.uri, /^http:\/\/localhost:4006\/[^/]+\/continue\//);
    assert.match(grant.access_token.manage, /^http:\/\/localhost:4006\/[^/]+\/token\//);
    const payment = expect(
      await call('POST', `${resources.receiver}/incoming-payments`, grant.access_token.value, {
        walletAddress: receiver,
        incomingAmount: { value: '100', assetCode: 'USD', assetScale: 2 },
        expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
      }),
      201,
    );
    assert.equal(payment.walletAddress, receiver);
    assert.match(payment.id, /^http:\/\/happy-life-bank-backend\//);
    // Under the backend's name and under that of the machine.
    const local = toLocalhost(payment.id).href;
    for (const host of [undefined, 'localhost:4000']) expect(await read(local, host), 200);

    const quoteGrant = await requestGrant(auth.sender, { type: 'quote', actions: ['create', 'read'] });
    const quoteBody = { walletAddress: sender, receiver: payment.id, method: 'ilp' };
    const quote = expect(
      await call('POST', `${resources.sender}/quotes`, quoteGrant.access_token.value, quoteBody),
      201,
    );
    assert.equal(quote.walletAddress, sender);
    assert.equal(quote.receiver, payment.id);
    expect(await call('GET', toLocalhost(quote.id).href, quoteGrant.access_token.value), 200);

    const outgoing = { type: 'outgoing-payment', actions: ['create', 'read', 'list'], identifier: sender };
    const pending = await requestGrant(auth.sender, outgoing, { start: ['redirect'] });
    assert.equal(typeof pending.continue.wait, 'number');
    const browser = createBrowser((url) => url.hostname === 'localhost', listeningPort);
    const asked = await browser.open(pending.interact.redirect);
    const closing = await browser.click(asked, 'allow');
    assert.match(closing.page!.text, /<button [^>]*aria-label="close">/);
    assert.match(closing.page!.text, />Accepted</);
    await world.controls.changeClock({ action: 'advance', milliseconds: pending.continue.wait * 1000 });
    const granted = expect(await call('POST', pending.continue.uri, pending.continue.access_token.value, {}), 200);

    const sent = expect(
      await call('POST', `${resources.sender}/outgoing-payments`, granted.access_token.value, {
        walletAddress: sender,
        quoteId: quote.id,
        metadata: { purpose: 'Integration test' },
      }),
      201,
    );
    assert.equal(sent.quoteId, quote.id);
    assert.equal(sent.walletAddress, sender);
    await world.settled();
    const settled = expect(await call('GET', toLocalhost(sent.id).href, granted.access_token.value), 200);
    assert.deepEqual(settled.sentAmount, { value: '100', assetCode: 'USD', assetScale: 2 });
    const received = expect(await call('GET', payment.id, grant.access_token.value), 200);
    assert.equal(received.receivedAmount.value, '100');
    assert.equal(received.completed, true);
    const query = `wallet-address=${encodeURIComponent(receiver)}&first=10`;
    const list = expect(
      await call('GET', `${resources.receiver}/incoming-payments?${query}`, grant.access_token.value),
      200,
    );
    assert.ok(list.result.some(({ id }: { id: string }) => id === payment.id));
  });

  test(`a second cancel, revocation and rotation fails, ${form}`, async () => {
    const cancelled = await requestGrant(auth.receiver, incoming);
    const { uri, access_token: continuation } = cancelled.continue;
    expect(await call('DELETE', uri, continuation.value), 204);
    assert.ok((await call('DELETE', uri, continuation.value)).status >= 400);

    const { access_token: token } = await requestGrant(auth.receiver, incoming);
    const rotated = expect(await call('POST', token.manage, token.value), 200).access_token;
    assert.notEqual(rotated.manage, token.manage);
    assert.ok((await call('POST', token.manage, token.value)).status >= 400);
    expect(await call('DELETE', rotated.manage, rotated.value), 204);
  });
}

test('a signature for a host that is not configured is refused (SIG-21)', async () => {
  const { access_token: token } = await requestGrantAt('http://localhost:4006');
  const port = listeningPort('4000');
  const target = '/incoming-payments?wallet-address=x';
  for (const [host, status] of [
    ['happy-life-bank-backend', 400],
    ['localhost:4000', 400],
    ['evil.example', 401],
  ] as const) {
    const covered = [
      ['@method', 'GET'],
      ['@target-uri', `http://${host}${target}`],
      ['authorization', `GNAP ${token.value}`],
    ] as const;
    const names = covered.map(([name]) => `"${name}"`).join(' ');
    const params = `(${names});created=${Math.floor(Date.now() / 1000)};keyid="${keyId}"`;
    const answer = await send({
      method: 'GET',
      port,
      host,
      target,
      headers: [
        ['Authorization', `GNAP ${token.value}`],
        ['Signature', `sig1=:${signBase([...covered, ['@signature-params', params]], key)}:`],
        ['Signature-Input', `sig1=${params}`],
        ['X-Forwarded-Host', host],
      ],
    });
    assert.equal(answer.status, status, `${host}: ${answer.text}`);
  }
});

async function requestGrantAt(authServer: string) {
  return expect(await call('POST', authServer, undefined, { access_token: { access: [incoming] }, client }), 200);
}
