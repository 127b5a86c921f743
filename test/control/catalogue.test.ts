/** The catalogue of negative replies: complete by the documents, and each can be provoked by a header and by an address. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { errorCodes } from '../../generated/auth-server/errors.ts';
import { routes as authRoutes } from '../../generated/auth-server/routes.ts';
import { responseBody as validateAuth } from '../../generated/auth-server/validators.js';
import { routes as resourceRoutes } from '../../generated/resource-server/routes.ts';
import { responseBody as validateResource } from '../../generated/resource-server/validators.js';
import { routes as walletAddressRoutes } from '../../generated/wallet-address-server/routes.ts';
import { responseBody as validateWalletAddress } from '../../generated/wallet-address-server/validators.js';
import { printNegativeReplies } from '../../src/cli/explain-reply.ts';
import { negativeReplies } from '../../src/http/negative-replies.ts';
import { controlOf } from '../support/administration.ts';
import { openRaw, splitAnswer } from '../support/raw-connection.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

// biome-ignore lint/suspicious/noExplicitAny: the test reads what it expects
const readJson = (response: Response): Promise<any> => response.json();

let world: TestWorld;
let servers: { readonly id: string; readonly authServer: string; readonly resourceServer: string };
before(async () => {
  world = await startWorld();
  servers = await readJson(await fetch(clientEnvironment(world).walletAddress));
});
after(() => world.close());

const routes = { ...walletAddressRoutes, ...authRoutes, ...resourceRoutes };
type OperationId = keyof typeof routes;

test('it has every error that the documents declare, with unique names', () => {
  const declared = Object.values(routes).flatMap(({ operationId, responses }) =>
    responses.filter((status) => status >= 400).map((status) => `${operationId} ${status}`),
  );
  const listed = negativeReplies.map(({ operation, status }) => `${operation} ${status}`);
  assert.deepEqual([...new Set(listed)].sort(), declared.sort());
  assert.equal(new Set(negativeReplies.map(({ name }) => name)).size, negativeReplies.length);
  for (const [operation, statuses] of Object.entries(errorCodes)) {
    for (const [status, codes] of Object.entries(statuses)) {
      const found = negativeReplies.filter((reply) => reply.operation === operation && reply.status === Number(status));
      assert.deepEqual(
        found.map(({ code }) => code),
        codes,
      );
    }
  }
  // The rest is declared, but Touchstone answers something more exact.
  const onlyByName = negativeReplies.filter(({ cause }) => cause === undefined).map(({ name }) => name);
  assert.deepEqual(onlyByName, ['delete-continue-401-invalid_request', 'post-continue-404-invalid_request']);
});

/** A call of the operation that would fail, were it processed. */
async function call(operation: OperationId, headers: Record<string, string>): Promise<Response> {
  const { method, path } = routes[operation];
  const { id, authServer, resourceServer } = servers;
  const base = operation in walletAddressRoutes ? id : operation in authRoutes ? authServer : resourceServer;
  const url = `${base.replace(/\/$/, '')}${path.replace('{id}', crypto.randomUUID())}`;
  return fetch(url, { method, headers });
}

async function expectReply(response: Response, { operation, status, code }: (typeof negativeReplies)[number]) {
  const body = await readJson(response);
  assert.deepEqual([response.status, body.error?.code], [status, code]);
  if (status === 401 && operation in resourceRoutes)
    assert.match(response.headers.get('www-authenticate') ?? '', /^GNAP/);
  if (status === 429 || status === 503) assert.equal(response.headers.get('retry-after'), '1');
  const validate = [validateWalletAddress, validateAuth, validateResource].find((each) => operation in each)!;
  const isValid = (validate as Record<string, Record<number, ((value: unknown) => boolean) | null>>)[operation]![
    status
  ]!;
  assert.ok(isValid(body), JSON.stringify(body));
}

const provoked = new Set<string>();

for (const reply of negativeReplies) {
  test(`${reply.name} comes by a header, and by a wallet address for one call`, async () => {
    const operation = reply.operation as OperationId;
    const prefer = reply.name.slice(operation.length + 1);
    await expectReply(await call(operation, { prefer: `fault=${prefer}` }), reply);

    const address = `${new URL(clientEnvironment(world).receiver).origin}/reply/${reply.name}`;
    const read = await fetch(address);
    const control = controlOf(world);
    if (operation === 'get-wallet-address') await expectReply(read, reply);
    else {
      assert.equal((await readJson(read)).id, address);
      await fetch(address);
      await expectReply(await call(operation, {}), reply);
    }
    const { faults } = (await control('GET', '/faults')).body;
    assert.deepEqual(
      faults.map(({ struck }: { struck: number }) => struck),
      [1],
    );
    assert.equal((await control('DELETE', '/faults')).status, 204);
    provoked.add(reply.name);
  });
}

test('each entry was provoked', (t) => {
  t.diagnostic(`${provoked.size} provoked of ${negativeReplies.length} declared (operation, status, code)`);
  assert.equal(provoked.size, negativeReplies.length);
});

test('the control API, the command and the page list the same', async () => {
  const { status, body } = await controlOf(world)('GET', '/catalogue');
  assert.equal(status, 200);
  assert.deepEqual(
    body.replies.map(({ name }: { name: string }) => name),
    negativeReplies.map(({ name }) => name),
  );
  assert.deepEqual(
    body.replies.find(({ name }: { name: string }) => name === 'create-quote-403'),
    {
      name: 'create-quote-403',
      operation: 'create-quote',
      status: 403,
      code: 'insufficient_grant',
      cause: 'The token does not include this right.',
      prefer: 'fault=403',
      walletAddress: '/reply/create-quote-403',
      fault: { operation: 'create-quote', kind: 'status', status: 403, code: 'insufficient_grant', nth: 1, times: 1 },
    },
  );
  const page = readFileSync(join(import.meta.dirname, '../../docs/negative-replies.md'), 'utf8');
  const tables = /<!-- replies -->\n([\s\S]*?)\n<!-- \/replies -->/.exec(page)?.[1];
  assert.equal(
    tables,
    printNegativeReplies(),
    'put the output of printNegativeReplies() into docs/negative-replies.md',
  );
});

/** Reads a URL as a browser would: `fetch` of Node.js keeps such headers to itself. */
async function browse(url: string, headers: Record<string, string>): Promise<number> {
  const { origin, host, pathname } = new URL(url);
  const lines = Object.entries({ host, connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return splitAnswer(await openRaw(origin, `GET ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`).closed).status;
}

const foreign: readonly (readonly [string, Record<string, string>])[] = [
  ['an image of a page at another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
  ['an image of a page at another port', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }],
  ['a link at another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
  [
    'a script at another site',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: 'https://evil.example' },
  ],
  ['a script of an older browser', { origin: 'https://evil.example' }],
  ['a page in a sandbox', { origin: 'null' }],
  ['an image of a browser that says nothing', { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)' }],
];
for (const [title, headers] of foreign) {
  test(`${title} arms no reply`, async () => {
    const { origin } = new URL(clientEnvironment(world).receiver);
    await browse(`${origin}/reply/create-quote-403`, headers);
    assert.equal(await browse(`${origin}/trap/finish-hash-wrong`, headers), 404);
    assert.deepEqual((await controlOf(world)('GET', '/faults')).body.faults, []);
  });
}

const local: readonly (readonly [string, Record<string, string>])[] = [
  ['the address bar', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
  [
    'a script of a page on this machine',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: 'http://127.0.0.1:3000' },
  ],
  [
    'a script of a page at another port',
    { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors', origin: 'http://localhost:3000' },
  ],
];
for (const [title, headers] of local) {
  test(`${title} arms a reply`, async () => {
    const { origin } = new URL(clientEnvironment(world).receiver);
    assert.equal(await browse(`${origin}/reply/create-quote-403`, headers), 200);
    assert.equal((await controlOf(world)('GET', '/faults')).body.faults.length, 1);
    assert.equal((await controlOf(world)('DELETE', '/faults')).status, 204);
  });
}

test('an unknown name is neither a reply nor a wallet address', async () => {
  const origin = new URL(clientEnvironment(world).receiver).origin;
  for (const name of ['create-quote-418', 'constructor', '', 'create-quote']) {
    assert.equal((await fetch(`${origin}/reply/${name}`)).status, 404, name);
  }
  const { status } = await call('create-quote', { prefer: 'fault=418' });
  assert.equal(status, 401);
});
