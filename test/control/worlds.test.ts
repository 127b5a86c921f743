/** Parallel worlds over the control API: created, isolated, repeatable with a seed, deleted (CT-07). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { prepareResources } from '../support/prepared-resources.ts';
import { send } from '../support/signed-fetch.ts';
import { type ClientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

let main: TestWorld;
before(async () => {
  main = await startWorld();
});
after(() => main.close());

interface Created {
  readonly id: string;
  readonly ases: readonly { readonly origin: string }[];
  readonly env: Readonly<Record<string, string>>;
}

async function control(method: string, url: string, token: string, body?: unknown) {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const response = await fetch(url, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

async function create(options: object = {}): Promise<Created> {
  const { status, body } = await control('POST', `${main.controlUrl}/worlds`, main.controlToken, options);
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}
const end = (id: string) => control('DELETE', `${main.controlUrl}/worlds/${id}`, main.controlToken);

const clientOf = ({ env }: Created): ClientEnvironment => ({
  walletAddress: env['TOUCHSTONE_WALLET_ADDRESS']!,
  receiver: env['TOUCHSTONE_RECEIVER']!,
  client: env['TOUCHSTONE_CLIENT']!,
  keyId: env['TOUCHSTONE_KEY_ID']!,
  privateKey: env['TOUCHSTONE_PRIVATE_KEY']!,
});

const prepare = (world: Created) =>
  prepareResources(
    {
      controls: {
        async setConsent(mode) {
          const url = `${world.env['TOUCHSTONE_CONTROL']}/consent`;
          assert.equal((await control('POST', url, world.env['TOUCHSTONE_CONTROL_TOKEN']!, { mode })).status, 200);
        },
      },
      settled: async () => {},
    },
    clientOf(world),
  );

test('each world has separate origins, keys and a control API; the token and key of one are rejected by another', async () => {
  const [one, two] = await Promise.all([create(), create()]);
  assert.notEqual(one.ases[0]!.origin, two.ases[0]!.origin);
  assert.notEqual(one.env['TOUCHSTONE_PRIVATE_KEY'], two.env['TOUCHSTONE_PRIVATE_KEY']);
  const resources = await prepare(one);
  const path = new URL(resources.incomingPayment).pathname;
  const elsewhere = { method: 'GET', url: two.ases[0]!.origin + path, token: resources.tokens.incoming };
  assert.equal((await send(clientOf(one), elsewhere)).status, 401);
  assert.equal((await fetch(elsewhere.url)).status, 404);
  const tokenOfOne = one.env['TOUCHSTONE_CONTROL_TOKEN']!;
  assert.equal((await control('GET', `${two.env['TOUCHSTONE_CONTROL']}/`, tokenOfOne)).status, 401);
  assert.equal((await control('GET', main.controlUrl, tokenOfOne)).status, 401);
  assert.equal((await control('GET', `${one.env['TOUCHSTONE_CONTROL']}/worlds`, tokenOfOne)).status, 404);
  await end(one.id);
  await end(two.id);
});

test('each world has its own clock and consent mode', async () => {
  const [one, two] = await Promise.all([create({ consent: 'deny' }), create({ consent: 'auto' })]);
  const state = async ({ env }: Created) =>
    (await control('GET', `${env['TOUCHSTONE_CONTROL']}/`, env['TOUCHSTONE_CONTROL_TOKEN']!)).body;
  const far = '2040-01-01T00:00:00.000Z';
  await control('POST', `${one.env['TOUCHSTONE_CONTROL']}/clock`, one.env['TOUCHSTONE_CONTROL_TOKEN']!, {
    freeze: true,
  });
  await control('POST', `${one.env['TOUCHSTONE_CONTROL']}/clock`, one.env['TOUCHSTONE_CONTROL_TOKEN']!, { set: far });
  const [first, second] = [await state(one), await state(two)];
  assert.deepEqual([first.clock, first.consent.mode], [{ mode: 'frozen', now: far }, 'deny']);
  assert.deepEqual([second.clock.mode, second.consent.mode], ['running', 'auto']);
  assert.ok(Date.parse(second.clock.now) < Date.parse(far));
  await end(one.id);
  await end(two.id);
});

test('with a seed, a sequential client sees the same ids, keys, tokens and references', async () => {
  const [one, two, other] = [await create({ seed: 'a' }), await create({ seed: 'a' }), await create({ seed: 'b' })];
  const pathOf = (url: string) => new URL(url).pathname;
  const [first, second, third] = [await prepare(one), await prepare(two), await prepare(other)];
  assert.equal(one.env['TOUCHSTONE_PRIVATE_KEY'], two.env['TOUCHSTONE_PRIVATE_KEY']);
  assert.deepEqual(first.tokens, second.tokens);
  assert.equal(pathOf(first.outgoingPayment), pathOf(second.outgoingPayment));
  assert.equal(pathOf(first.pending.continueUri), pathOf(second.pending.continueUri));
  assert.notDeepEqual(first.tokens, third.tokens);
  for (const { id } of [one, two, other]) await end(id);
});

test('deleting a world frees its ports and rows; the main world stays', async () => {
  const world = await create();
  await prepare(world);
  assert.deepEqual((await control('GET', `${main.controlUrl}/worlds`, main.controlToken)).body, { worlds: [world.id] });
  assert.equal((await end(world.id)).status, 204);
  assert.equal((await end(world.id)).status, 404);
  assert.equal((await end('world')).status, 404);
  await assert.rejects(fetch(world.ases[0]!.origin));
  const rows = await main.db.query.selectFrom('outgoing_payment').select('id').execute();
  assert.deepEqual(rows, []);
  assert.equal((await fetch(main.ases[0]!.walletAddresses[0]!.url)).status, 200);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of the heap that are in use after a garbage collection. */
function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

test('twenty worlds run at the same time', async () => {
  const ids: string[] = [];
  const memoryBefore = heapInUse();
  for (let n = 0; n < 20; n += 1) {
    const world = await create();
    ids.push(world.id);
    assert.equal((await fetch(world.env['TOUCHSTONE_WALLET_ADDRESS']!)).status, 200);
  }
  const perWorld = (heapInUse() - memoryBefore) / 20;
  assert.ok(perWorld < 2_000_000, `${Math.round(perWorld / 1000)} kB of heap per world`);
  for (const id of ids) assert.equal((await end(id)).status, 204);
});

test('a world can be created from a definition; mistakes in it are reported', async () => {
  const definition = {
    ases: [{ name: 'slate', wallets: [{ path: '/ann', asset: 'CHF/2', balance: 5, publicName: 'Ann' }] }],
    sender: 'slate/ann',
    receiver: 'slate/ann',
    client: { wallet: 'slate/ann', keyId: 'k1' },
  };
  const world = await create({ definition });
  assert.equal(world.ases.length, 1);
  const document = (await (await fetch(world.env['TOUCHSTONE_WALLET_ADDRESS']!)).json()) as Record<string, string>;
  assert.deepEqual([document.publicName, document.assetCode], ['Ann', 'CHF']);
  await end(world.id);

  const refuse = async (changed: object) => {
    const asked = { definition: { ...definition, ...changed } };
    const { status, body } = await control('POST', `${main.controlUrl}/worlds`, main.controlToken, asked);
    assert.equal(status, 400);
    return body.error.description as string;
  };
  assert.equal(await refuse({ sender: 'slate/missing' }), 'sender: unknown wallet slate/missing');
  const wallets = [{ path: '/ann', asset: 'CHF/2', keys: [{ id: 'k1', key: { file: '/etc/hostname' } }] }];
  assert.match(await refuse({ ases: [{ name: 'slate', wallets }] }), /keys\[0\]\.key: expected an Ed25519 key/);
});

test('a world of defaults needs neither a body nor its content type', async () => {
  const url = `${main.controlUrl}/worlds`;
  const authorization = `Bearer ${main.controlToken}`;
  for (const headers of [{ authorization }, { authorization, 'content-type': 'application/json' }]) {
    const response = await fetch(url, { method: 'POST', headers });
    const world = (await response.json()) as Created;
    assert.equal(response.status, 201, JSON.stringify(world));
    assert.equal(world.ases.length, main.ases.length);
    await end(world.id);
  }
});
