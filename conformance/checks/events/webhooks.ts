/** Webhook events of payments in the format of Rafiki: types, signature, order and retries. RFC 8785. */
import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../../runner/check.ts';
import { aseOf } from '../../steps/control.ts';
import { expectStatus } from '../../steps/expect.ts';
import {
  amountOf,
  completeIncomingPayment,
  createIncomingPayment,
  createQuote,
  outgoingToken,
  payQuote,
  waitUntilSettled,
} from '../../steps/scenarios.ts';
import type { Json } from '../../steps/signed-client.ts';
import { type Delivery, openWebhookHost, type WebhookHost } from '../../steps/webhook-host.ts';
import { inNewWorld } from '../../steps/world.ts';

type Work = (world: CheckContext, host: WebhookHost, sender: string, receiver: string) => Promise<void>;

/** Works in a new world with a stopped clock whose ASEs send their events to the host. */
const withWebhook =
  (work: Work): Check['run'] =>
  async (context) => {
    const host = await openWebhookHost();
    try {
      await inNewWorld(context, {}, async (world) => {
        const { control, sender, receiver } = world;
        await control.request('POST', '/clock', { freeze: true });
        const ases = [await aseOf(world, sender), await aseOf(world, receiver)] as const;
        const { url, secret } = host;
        for (const ase of ases) {
          const answer = await control.request('PUT', `${ase}/webhook`, { url, secret });
          assert.deepEqual([answer.status, answer.body], [200, { url }]);
        }
        await work(world, host, ...ases);
      });
    } finally {
      await host.close();
    }
  };

/** Id of the resource in the events. */
const idOf = ({ id }: Json): string => id.slice(id.lastIndexOf('/') + 1);
const about =
  (id: string) =>
  ({ event }: Delivery): boolean =>
    event.data.id === id;
const typesOf = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ event }) => event.type);

/** Pays an incoming payment of this amount in full. */
async function payAcross(world: CheckContext, value = '500', incoming: Json = { value }) {
  const payment = await createIncomingPayment(world, incoming);
  const quote = await createQuote(world, payment.id, { receiveAmount: amountOf(world.receiver, value) });
  const token = await outgoingToken(world);
  const outgoing = await payQuote(world, quote.id, token);
  return { payment, quote, outgoing, settled: await waitUntilSettled(world, outgoing.id, token) };
}

const listEvents = async ({ control }: CheckContext, ase: string, state: string): Promise<Json[]> =>
  (await control.request('GET', `${ase}/events?state=${state}`)).body.events;

/** Waits until the event of the payment has had this many attempts. */
async function awaitAttempt(world: CheckContext, ase: string, state: string, payment: string, attempts: number) {
  for (const deadline = Date.now() + 25_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const found = (await listEvents(world, ase, state)).find((event) => event.payment === payment);
    if (found?.attempts === attempts) return found;
    assert.ok(Date.now() < deadline, `attempt ${attempts} was made: ${JSON.stringify(found)}`);
  }
}

const businessNow = async ({ control }: CheckContext): Promise<number> =>
  Date.parse((await control.request('GET', '/')).body.clock.now);

export const checks: readonly Check[] = [
  {
    id: 'events.payment',
    rows: ['EVT-01', 'EVT-03'],
    title: 'both ends send events of a payment, created before completed, signed over the canonical form',
    run: withWebhook(async (world, host) => {
      const { payment, quote, outgoing, settled } = await payAcross(world, '500', {
        value: '500',
        metadata: { b: 1, a: 'é' },
      });
      const incoming = await host.awaitDeliveries(2, about(idOf(payment)));
      assert.deepEqual(typesOf(incoming), ['incoming_payment.created', 'incoming_payment.completed']);
      const outgoings = await host.awaitDeliveries(2, about(idOf(outgoing)));
      assert.deepEqual(typesOf(outgoings), ['outgoing_payment.created', 'outgoing_payment.completed']);

      for (const { event, isSigned, signedAt, contentType } of [...incoming, ...outgoings]) {
        assert.ok(isSigned, `${event.type} is signed`);
        assert.ok(Math.abs(signedAt - Date.now()) < 60_000, 't is the time in milliseconds');
        assert.match(contentType, /^application\/json/);
        assert.deepEqual(Object.keys(event).sort(), ['data', 'id', 'type']);
        assert.match(event.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      }
      assert.equal(new Set([...incoming, ...outgoings].map(({ event }) => event.id)).size, 4, 'ids are distinct');
      const [created, completed] = incoming.map(({ event }) => event.data);
      assert.deepEqual([created.completed, created.receivedAmount.value], [false, '0']);
      assert.deepEqual([completed.completed, completed.receivedAmount], [true, amountOf(world.receiver, '500')]);
      assert.deepEqual(completed.incomingAmount, amountOf(world.receiver, '500'));
      assert.deepEqual(completed.metadata, { b: 1, a: 'é' });
      const { data } = outgoings[1]!.event;
      assert.deepEqual([data.state, data.receiver], ['COMPLETED', payment.id]);
      assert.deepEqual([data.debitAmount, data.receiveAmount], [quote.debitAmount, quote.receiveAmount]);
      assert.deepEqual(data.sentAmount, settled.sentAmount);
    }),
  },
  {
    id: 'events.failed-payment',
    rows: ['EVT-01'],
    title: 'a failed payment is reported as failed, with the amount sent',
    run: withWebhook(async (world, host, sender) => {
      const { accounts } = (await world.control.request('GET', `${sender}/accounts`)).body;
      const most = accounts.reduce((sum: bigint, { balance }: Json) => sum + BigInt(balance), 1n);
      const { outgoing, settled } = await payAcross(world, `${most * 2n}`, {});
      assert.ok(settled.failed);
      const [, failed] = await host.awaitDeliveries(2, about(idOf(outgoing)));
      assert.equal(failed!.event.type, 'outgoing_payment.failed');
      assert.deepEqual([failed!.event.data.state, failed!.event.data.sentAmount.value], ['FAILED', '0']);
    }),
  },
  {
    id: 'events.completed-by-client',
    rows: ['EVT-01'],
    title: 'an incoming payment that its client completes is reported as completed',
    run: withWebhook(async (world, host) => {
      const payment = await createIncomingPayment(world, { value: '500' });
      expectStatus(await completeIncomingPayment(world, payment.id), 200);
      const [, completed] = await host.awaitDeliveries(2, about(idOf(payment)));
      assert.equal(completed!.event.type, 'incoming_payment.completed');
      assert.equal(completed!.event.data.receivedAmount.value, '0');
    }),
  },
  {
    id: 'events.retry',
    rows: ['EVT-01', 'EVT-06'],
    title:
      'anything but 200 is tried again after 10, 20, 30 seconds, with the same id; later events of the payment wait',
    run: withWebhook(async (world, host, _sender, receiver) => {
      const statuses = [201, 500, 404];
      host.answer = ({ type }) => (type === 'incoming_payment.created' ? (statuses.shift() ?? 200) : 200);
      const payment = await createIncomingPayment(world, { value: '500' });
      const held = idOf(payment);
      expectStatus(await completeIncomingPayment(world, payment.id), 200);
      for (const seconds of [10, 20, 30]) {
        const event = await awaitAttempt(world, receiver, 'pending', held, seconds / 10);
        assert.equal(Date.parse(event.dueAt) - (await businessNow(world)), seconds * 1000);
        assert.deepEqual(
          typesOf(host.deliveries.filter(about(held))),
          Array(seconds / 10).fill('incoming_payment.created'),
        );
        await world.control.advanceClock(seconds);
      }
      const all = await host.awaitDeliveries(5, about(held));
      assert.deepEqual(typesOf(all).slice(3), ['incoming_payment.created', 'incoming_payment.completed']);
      assert.equal(new Set(all.slice(0, 4).map(({ event }) => event.id)).size, 1, 'the id tells that it is the same');
    }),
  },
  {
    id: 'events.given-up',
    rows: ['EVT-01'],
    title: 'after ten retries an event is left to the operator, who can list, resend or delete it',
    run: withWebhook(async (world, host, _sender, receiver) => {
      const { control } = world;
      host.answer = () => 503;
      const payments = [idOf(await createIncomingPayment(world)), idOf(await createIncomingPayment(world))];
      for (let attempt = 1; attempt <= 10; attempt++) {
        for (const payment of payments) await awaitAttempt(world, receiver, 'pending', payment, attempt);
        await control.advanceClock(attempt * 10);
      }
      const [again, dropped] = await Promise.all(
        payments.map((payment) => awaitAttempt(world, receiver, 'undelivered', payment, 11)),
      );
      assert.match(again!.failure, /503/);
      host.answer = () => 200;
      const before = host.deliveries.length;
      assert.equal((await control.request('POST', `${receiver}/events/${again!.id}/retry`)).status, 200);
      await host.awaitDeliveries(before + 1);
      assert.equal((await control.request('DELETE', `${receiver}/events/${dropped!.id}`)).status, 204);
      assert.deepEqual(await listEvents(world, receiver, 'undelivered'), []);
      assert.equal((await control.request('DELETE', `${receiver}/events/${dropped!.id}`)).status, 404);
      assert.equal((await control.request('POST', `${receiver}/events/${dropped!.id}/retry`)).status, 404);
    }),
  },
  {
    id: 'events.expiry',
    rows: ['EVT-04'],
    title: 'the expiry of an incoming payment is reported only if something was received',
    run: withWebhook(async (world, host, _sender, receiver) => {
      const expiresAt = new Date((await businessNow(world)) + 600_000).toISOString();
      const untouched = await createIncomingPayment(world, { expiresAt });
      const { payment, settled } = await payAcross(world, '100', { value: '500', expiresAt });
      assert.ok(!settled.failed);
      await world.control.advanceClock(600);
      const told = await host.awaitDeliveries(2, about(idOf(payment)));
      assert.deepEqual(typesOf(told), ['incoming_payment.created', 'incoming_payment.expired']);
      const { data } = told[1]!.event;
      assert.deepEqual([data.completed, data.receivedAmount.value], [false, '100']);
      // Events are stored together, so an unwanted one would be visible by now.
      const stored = [
        ...(await listEvents(world, receiver, 'pending')),
        ...(await listEvents(world, receiver, 'delivered')),
      ];
      const types = stored.filter((event) => event.payment === idOf(untouched)).map(({ type }) => type);
      assert.deepEqual(types, ['incoming_payment.created']);
    }),
  },
  {
    id: 'events.webhook',
    rows: ['EVT-01', 'EVT-03'],
    title: 'the webhook can be changed and removed; its secret is never returned',
    run: withWebhook(async (world, host, _sender, receiver) => {
      const { control } = world;
      const shown = await control.request('GET', `${receiver}/webhook`);
      assert.deepEqual([shown.status, shown.body], [200, { url: host.url }]);
      for (const wrong of [
        { url: host.url },
        { url: 'ftp://localhost/', secret: host.secret },
        { url: host.url, secret: 'short' },
      ]) {
        assert.equal((await control.request('PUT', `${receiver}/webhook`, wrong)).status, 400, JSON.stringify(wrong));
      }
      const told = await createIncomingPayment(world);
      await host.awaitDeliveries(1, about(idOf(told)));
      assert.equal((await control.request('DELETE', `${receiver}/webhook`)).status, 204);
      assert.deepEqual((await control.request('GET', `${receiver}/webhook`)).body, { url: null });
      const silent = await createIncomingPayment(world);
      await control.request('PUT', `${receiver}/webhook`, { url: host.url, secret: host.secret });
      const last = await createIncomingPayment(world);
      await host.awaitDeliveries(1, about(idOf(last)));
      assert.deepEqual(host.deliveries.filter(about(idOf(silent))), [], 'events during the pause are not sent');
    }),
  },
];
