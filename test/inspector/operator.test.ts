/** The inspector for operators: packets without an answer, the catalogue of error replies, and requests by text and as a file. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type CallControl, controlOf } from '../support/administration.ts';
import { createPacketInDoubt } from '../support/packet-in-doubt.ts';
import { startWorld, type TestWorld } from '../support/world.ts';
import { createReader, type Visitor, visitInspector } from './inspector.ts';

let world: TestWorld;
let control: CallControl;
let visitor: Visitor;
const { open, submit } = createReader(() => visitor);
before(async () => {
  world = await startWorld({ seed: 'packets', consent: 'auto' });
  control = controlOf(world);
  visitor = await visitInspector(world);
});
after(() => world.close());

const pathOf = ({ payment, condition }: { payment: string; condition: string }): string =>
  `/payments/granite/${payment}/packets/${condition}`;

test('a packet that the peer credited is booked with the fulfillment of the peer', async () => {
  const path = pathOf(await createPacketInDoubt(world, 'after-commit'));
  const links = (await visitor.get('/ledger')).text + (await visitor.get(path.replace(/\/packets.*/, ''))).text;
  assert.equal(links.split(`href="/inspector${path}"`).length - 1, 2, 'the ledger and the payment link to it');
  const { text } = await visitor.get(path);
  assert.match(await open(path), /State without an answer .*Peer marble Delivers 0\.40 EUR .*Credited 0\.40 EUR/);
  const fulfillment = /name="fulfillment"[^>]* value="([\w-]{43})"/.exec(text)![1]!;
  const other = `${fulfillment[0] === 'A' ? 'B' : 'A'}${fulfillment.slice(1)}`;
  assert.equal((await visitor.post(path, { fate: 'fulfilled', fulfillment: other })).status, 400);
  assert.match(await submit(path, { fate: 'fulfilled', fulfillment }), /The packet is booked as fulfilled\./);
  await world.settled();
  assert.match(await open(path), /State fulfilled/);
  assert.doesNotMatch(await open(path), /Book it/);
  assert.equal((await visitor.post(path, { fate: 'fulfilled', fulfillment })).status, 409);
});

test('a packet that the peer may still credit cannot be rejected, and an unknown one has no page', async () => {
  const path = pathOf(await createPacketInDoubt(world, 'reset'));
  assert.match(await open(path), /marble has not credited this packet/);
  assert.equal((await visitor.post(path, { fate: 'rejected', reason: '' })).status, 400);
  const early = await visitor.post(path, { fate: 'rejected', reason: 'marble is gone' });
  assert.equal(early.status, 409);
  assert.match(early.text, /has not expired/);
  assert.equal((await visitor.get(path.replace(/[^/]*$/, 'A'.repeat(43)))).status, 404);
  assert.equal((await visitor.get(path.replace('granite', 'nobody'))).status, 404);
});

test('the catalogue lists every reply, and those of an operation or a status', async () => {
  const { replies } = (await control('GET', '/catalogue')).body;
  const rows = async (query: string) =>
    (await visitor.get(`/catalogue${query}`)).text.split('>Arm</button>').length - 1;
  assert.equal(await rows(''), replies.length);
  for (const [query, fits] of [
    ['?operation=create-quote', ({ operation }: { operation: string }) => operation === 'create-quote'],
    ['?status=429', ({ status }: { status: number }) => status === 429],
    ['?operation=nothing', () => false],
  ] as const) {
    assert.equal(await rows(query), replies.filter(fits).length, query);
  }
  const quote = await open('/catalogue?operation=create-quote&status=403');
  assert.match(quote, /403 insufficient_grant .*fault=403 \/reply\/create-quote-403 Arm/);
});

test('requests are found by text anywhere in them, and saved with their secrets hidden', async () => {
  const [needle, token] = ['Needle-7f3a', 'a-secret-token'];
  const headers = { authorization: `GNAP ${token}`, 'content-type': 'application/json' };
  const url = `${world.ases[0]!.resourceServer}/quotes`;
  const body = JSON.stringify({ method: 'ilp', note: needle });
  assert.equal((await fetch(url, { method: 'POST', headers, body })).status, 401);
  const { href, pathname } = new URL(`${world.env['TOUCHSTONE_WALLET_ADDRESS']}/${needle}?a=%C3%A9&b`);
  assert.equal((await fetch(href)).status, 404);

  const rows = async (find: string) => (await open(`/requests?find=${find}`)).match(/#\d+ \w+ \S+/g) ?? [];
  assert.deepEqual(
    (await rows(needle.toUpperCase())).map((row) => row.replace(/#\d+ /, '')),
    [`GET ${pathname}?a=%C3%A9&amp;b`, `POST ${new URL(url).pathname}`],
  );
  assert.deepEqual(await rows('nowhere-in-them'), []);

  const file = await visitor.get(`/requests.har?find=${needle}`);
  assert.match(file.headers.get('content-disposition')!, /^attachment; filename="touchstone\.har"$/);
  assert.ok(!file.text.includes(token));
  const { log } = JSON.parse(file.text);
  assert.equal(log.version, '1.2');
  const [post, get] = log.entries;
  assert.equal(log.entries.length, 2);
  assert.deepEqual(
    [post.request.method, post.request.url, post.response.status, post.response.statusText],
    ['POST', url, 401, 'Unauthorized'],
  );
  assert.deepEqual(JSON.parse(post.request.postData.text), { method: 'ilp', note: needle });
  assert.equal(post.request.bodySize, body.length);
  assert.deepEqual(get.request.queryString, [
    { name: 'a', value: 'é' },
    { name: 'b', value: '' },
  ]);
  assert.ok(JSON.parse(get.response.content.text).error);
});
