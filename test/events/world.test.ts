/** Webhook events and rates of a service in a world: from its file, over the control API, across a reset. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import pino from 'pino';
import { parseWorld } from '../../src/world/definition/file.ts';
import { controlOf } from '../support/administration.ts';
import { prepareResources } from '../support/prepared-resources.ts';
import { clientEnvironment, startWorld } from '../support/world.ts';
import { openWebhookReceiver, type WebhookReceiver } from './support/webhook-receiver.ts';

let receiver: WebhookReceiver;
before(async () => {
  receiver = await openWebhookReceiver();
});
after(() => receiver.close());

/** One ASE in which Alice pays herself. */
const definitionWith = (ase: Record<string, unknown>) =>
  parseWorld({
    ases: [
      {
        name: 'slate',
        wallets: [
          { path: '/alice', asset: 'USD/2', balance: 100_000 },
          { path: '/client', publicName: 'Client', asset: 'USD/2' },
        ],
        extensions: { spsp: true },
        ...ase,
      },
    ],
    sender: 'slate/alice',
    receiver: 'slate/alice',
    client: { wallet: 'slate/client', keyId: 'key-1' },
  });

const typesOf = (from: number): string[] => receiver.deliveries.slice(from).map(({ event }) => event.type);
/** Events of the payment that `prepareResources` makes within one ASE. */
const expected = ['incoming_payment.created', 'outgoing_payment.completed', 'outgoing_payment.created'];

test('a webhook of the world file receives events, also after a reset; no log contains its secret', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const { url, secret } = receiver;
  await using world = await startWorld({
    definition: definitionWith({ webhook: { url, secret } }),
    seed: 'events',
    log,
  });
  for (let round = 0; round < 2; round++) {
    const from = receiver.deliveries.length;
    await prepareResources(world, clientEnvironment(world));
    await receiver.arrived(from + expected.length);
    assert.deepEqual(typesOf(from).toSorted(), expected);
    await world.controls.reset();
    await world.controls.setConsent('auto');
  }
  const spsp = await fetch(`${world.ases[0]!.origin}/alice`, { headers: { accept: 'application/spsp4+json' } });
  assert.equal(spsp.status, 200);
  await receiver.arrived(2 * expected.length + 1);
  assert.equal(receiver.deliveries.at(-1)!.event.type, 'incoming_payment.created');
  assert.ok(receiver.deliveries.every(({ isSigned }) => isSigned));
  assert.ok(lines.length > 0);
  assert.ok(!lines.join('').includes(secret));
  const metrics = await fetch(`${world.controlUrl}/metrics`, {
    headers: { authorization: `Bearer ${world.controlToken}` },
  });
  assert.match(await metrics.text(), /^touchstone_webhook_events\{ase="slate",state="delivered"\} 1$/m);
});

test('a world without a webhook stores no event; it sends events once it has one', async () => {
  await using world = await startWorld({ definition: definitionWith({}) });
  await prepareResources(world, clientEnvironment(world));
  assert.deepEqual(await world.db.query.selectFrom('webhook_event').selectAll().execute(), []);
  const control = controlOf(world);
  const { url, secret } = receiver;
  assert.equal((await control('PUT', '/ases/slate/webhook', { url, secret })).status, 200);
  const from = receiver.deliveries.length;
  await world.controls.setConsent('auto');
  await prepareResources(world, clientEnvironment(world));
  await world.settled();
  assert.deepEqual(typesOf(from).toSorted(), expected);
});

test('a rate source of the world file replaces prices', async () => {
  const service = createServer((_request, response) => response.end('{"base":"USD","rates":{"EUR":0.5}}'));
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const rateSource = `http://127.0.0.1:${(service.address() as AddressInfo).port}/rates`;
  const wallets = [
    { path: '/alice', asset: 'USD/2', balance: 1000 },
    { path: '/client', asset: 'EUR/2' },
  ];
  await using world = await startWorld({ definition: definitionWith({ wallets, prices: {}, rateSource }) });
  const control = controlOf(world);
  const shown = await control('GET', '/ases/slate/rate-source');
  assert.deepEqual([shown.status, shown.body], [200, { url: rateSource }]);
  for (const url of ['rates', 'file:///rates', 'http://user:word@localhost/rates', 'http://localhost/rates#now']) {
    assert.equal((await control('PUT', '/ases/slate/rate-source', { url })).status, 400, url);
  }
  assert.deepEqual((await control('PUT', '/ases/slate/rate-source', { url: null })).body, { url: null });
  service.close();
});

test('a webhook without a secret, or with a short one, is a mistake in the world file', () => {
  for (const webhook of [
    { url: 'http://localhost:1/' },
    { url: 'http://localhost:1/', secret: 'short' },
    { url: 'x', secret: 'long-enough-to-sign' },
  ]) {
    assert.throws(() => definitionWith({ webhook }), /ases\[0\]\.webhook/);
  }
});
