/** Webhook events of an ASE: stored with the change, signed, in order per payment, retried, given up (EVT-01…06). */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { toInstant } from '../../src/database/columns.ts';
import { dropEvent, listEvents, retryEvent } from '../../src/events/outbox.ts';
import type { PaymentEventType } from '../../src/payments/payment-event.ts';
import { useTestDatabase } from '../database/support/open.ts';
import fc from '../support/fast-check.ts';
import { createOneAse, marble, type OneAse } from './support/one-ase.ts';
import type { Reaction } from './support/webhook-receiver.ts';

const db = useTestDatabase();
let one: OneAse;
beforeEach(async () => {
  one = await createOneAse(db);
});
afterEach(async () => {
  await one.close();
  await db.clear([marble], 'none');
});

const life: readonly PaymentEventType[] = [
  'incoming_payment.created',
  'incoming_payment.completed',
  'incoming_payment.expired',
];
const typesOf = ({ receiver }: OneAse, payment?: string): string[] =>
  receiver.deliveries
    .filter(({ event }) => payment === undefined || event.data.id === payment)
    .map(({ event }) => event.type.replace('incoming_payment.', ''));
const countOf = async (state: 'pending' | 'delivered' | 'undelivered') =>
  (await listEvents(db.query, marble, state, 1000)).length;

test('an event has an id, a type and the payment, signed over its canonical form (EVT-01, EVT-03)', async () => {
  await one.openPayment('p', { received: '7' });
  await one.announce('p', 'incoming_payment.created');
  await one.events.idle();
  const [{ event, isSigned, signature }] = one.receiver.deliveries as [(typeof one.receiver.deliveries)[0]];
  assert.match(event.id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(Object.keys(event).toSorted(), ['data', 'id', 'type']);
  const { walletAddressId, ...data } = event.data;
  assert.equal(typeof walletAddressId, 'string');
  assert.deepEqual(data, {
    id: 'p',
    client: 'https://client.example',
    completed: false,
    incomingAmount: { value: '100', assetCode: 'EUR', assetScale: 2 },
    receivedAmount: { value: '7', assetCode: 'EUR', assetScale: 2 },
    createdAt: toInstant(0),
    updatedAt: '2030-01-01T00:00:00.000Z',
    expiresAt: '2030-01-01T01:00:00.000Z',
  });
  assert.ok(isSigned);
  assert.match(signature, new RegExp(`^t=${one.clock.wallNow()},`), 'milliseconds');
});

test('what is rolled back is not told; without a webhook nothing is stored', async () => {
  await one.openPayment('p');
  await assert.rejects(
    db.transaction(async (tx) => {
      await one.events.announce(tx, 'incoming_payment.created', 'p');
      throw new Error('rolled back');
    }),
    /rolled back/,
  );
  one.webhook = undefined;
  await one.announce('p', 'incoming_payment.created');
  await one.events.idle();
  assert.deepEqual(await db.query.selectFrom('webhook_event').selectAll().execute(), []);
  assert.equal(one.receiver.deliveries.length, 0);
});

test('once started, an event is delivered when its transaction commits', async () => {
  await one.openPayment('p');
  one.events.start();
  await one.announce('p', 'incoming_payment.created');
  await one.receiver.arrived(1);
  assert.deepEqual(typesOf(one), ['created']);
});

for (const reaction of [500, 201, 204, 'hang', 'reset', 'redirect', 'half'] as const) {
  test(`a receiver that answers ${reaction} gets it again, and only then what follows of the payment`, async () => {
    if (reaction === 'hang' || reaction === 'half') {
      await one.close();
      one = await createOneAse(db, { timeoutMs: 1000 });
    }
    for (const id of ['p', 'q']) {
      await one.openPayment(id);
      await one.announce(id, ...life.slice(0, 2));
    }
    let isBad = true;
    one.receiver.react = ({ event }) => (isBad && event.data.id === 'p' ? reaction : 200);
    await one.events.idle();
    assert.deepEqual(typesOf(one, 'p'), ['created'], 'held back');
    assert.deepEqual(typesOf(one, 'q'), ['created', 'completed'], 'another payment is not');
    isBad = false;
    await one.advance(9_999);
    assert.deepEqual(typesOf(one, 'p'), ['created'], 'not before its time');
    await one.advance(1);
    assert.deepEqual(typesOf(one, 'p'), ['created', 'created', 'completed']);
    const [first, second] = one.receiver.deliveries.filter(({ event }) => event.data.id === 'p');
    assert.equal(second!.body, first!.body, 'with the same id (EVT-06)');
  });
}

test('retries come 10, 20, 30 … seconds after each other; after ten the operator sees it, and later ones wait', async () => {
  await one.openPayment('p');
  await one.announce('p', ...life.slice(0, 2));
  one.receiver.react = () => 503;
  await one.events.idle();
  for (let retry = 1; retry <= 10; retry++) {
    assert.equal(one.receiver.deliveries.length, retry);
    await one.advance(retry * 10_000 - 1);
    assert.equal(one.receiver.deliveries.length, retry, `retry ${retry} came early`);
    await one.advance(1);
  }
  assert.equal(one.receiver.deliveries.length, 11);
  await one.advance(30 * 86_400_000);
  assert.equal(one.receiver.deliveries.length, 11, 'no more');
  const [event] = await listEvents(db.query, marble, 'undelivered', 10);
  assert.deepEqual(
    [event!.type, event!.subject, event!.attempts, event!.failure],
    ['incoming_payment.created', 'p', 11, 'status 503'],
  );
  assert.equal(await countOf('pending'), 1, 'what follows still waits');

  one.receiver.react = () => 200;
  await retryEvent(db.query, marble, event!.id, one.clock.businessNow());
  await one.events.idle();
  assert.deepEqual(typesOf(one).slice(11), ['created', 'completed']);
  assert.deepEqual([await countOf('undelivered'), await countOf('delivered')], [0, 2]);
});

test('an event that the operator drops lets the later ones go; a delivered one cannot be dropped', async () => {
  await one.openPayment('p');
  await one.announce('p', ...life.slice(0, 2));
  one.receiver.react = () => 500;
  await one.events.idle();
  one.receiver.react = () => 200;
  const [event] = await listEvents(db.query, marble, 'pending', 1);
  assert.ok(await dropEvent(db.query, marble, event!.id));
  await one.events.idle();
  assert.deepEqual(typesOf(one), ['created', 'completed']);
  const [delivered] = await listEvents(db.query, marble, 'delivered', 1);
  assert.equal(await dropEvent(db.query, marble, delivered!.id), false);
});

test('an expiry is announced once, and only if something was received (EVT-04)', async () => {
  const expiresAt = one.clock.businessNow() + 1000;
  await one.openPayment('some', { received: '1', expiresAt });
  await one.openPayment('none', { expiresAt });
  await one.openPayment('later', { received: '1', expiresAt: expiresAt + 1 });
  await one.advance(999);
  assert.deepEqual(typesOf(one), []);
  await one.advance(1);
  assert.deepEqual(
    one.receiver.deliveries.map(({ event }) => [event.type, event.data.id]),
    [['incoming_payment.expired', 'some']],
  );
  await one.events.idle();
  assert.equal(one.receiver.deliveries.length, 1);
});

test('a receiver that is gone costs rows, no memory; all of it arrives when it is back', async () => {
  one.receiver.react = () => 'reset';
  const count = 110;
  for (let n = 0; n < count; n++) {
    await one.openPayment(`p${n}`);
    await one.announce(`p${n}`, 'incoming_payment.created');
  }
  await one.events.idle();
  assert.equal(await countOf('pending'), count);
  one.receiver.react = () => 200;
  await one.advance(10_000);
  assert.equal(await countOf('delivered'), count);
  assert.equal(new Set(one.receiver.deliveries.map(({ event }) => event.id)).size, count);
});

test('events go where the webhook is now, signed with its secret; no secret is logged', async () => {
  await one.openPayment('p');
  await one.announce('p', 'incoming_payment.created');
  one.webhook = { url: 'http://127.0.0.1:1/', secret: 'another-secret-of-mine' };
  await one.events.idle();
  one.webhook = { url: one.receiver.url, secret: one.receiver.secret };
  await one.advance(10_000);
  assert.ok(one.receiver.deliveries[0]!.isSigned);
  assert.ok(one.warnings.length > 0);
  assert.doesNotMatch(JSON.stringify(one.warnings), /secret/);
});

test('whatever fails, what a receiver accepted of a payment came in order and whole', async () => {
  const reaction = fc.constantFrom<Reaction>(200, 200, 200, 500, 'reset', 'redirect', 404);
  const step = fc.oneof(
    fc.record({ kind: fc.constant('announce' as const), payment: fc.nat(3) }),
    fc.record({ kind: fc.constant('advance' as const), seconds: fc.integer({ min: 1, max: 60 }) }),
  );
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(reaction, { maxLength: 25 }),
      fc.array(step, { minLength: 1, maxLength: 20 }),
      async (reactions, steps) => {
        round += 1;
        const announced = new Map<string, number>();
        const accepted = new Map<string, string[]>();
        const coming = [...reactions];
        one.receiver.react = ({ event }) => {
          const now = coming.shift() ?? 200;
          if (now === 200) accepted.set(event.data.id, [...(accepted.get(event.data.id) ?? []), event.type]);
          return now;
        };
        for (const action of steps) {
          if (action.kind === 'advance') await one.advance(action.seconds * 1000);
          else {
            const id = `${round}-${action.payment}`;
            const done = announced.get(id) ?? 0;
            if (done === life.length) continue;
            if (done === 0) await one.openPayment(id);
            await one.announce(id, life[done]!);
            announced.set(id, done + 1);
          }
        }
        for (let more = 0; more < 40 && (await countOf('pending')) > 0; more++) await one.advance(60_000);
        for (const [id, count] of announced) assert.deepEqual(accepted.get(id), life.slice(0, count), id);
      },
    ),
    { numRuns: 25 },
  );
});
