/** Properties of incoming payments. Open Payments resource-server, /incoming-payments. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { loadRequestBody } from '../generators/document.ts';
import { dateTimes, type Pins, validValues } from '../generators/valid-values.ts';
import type { Check, CheckContext } from '../runner/check.ts';
import { type Creation, refuseInvalid, surviveAnything } from '../steps/creations.ts';
import { expectResourceError, expectStatus } from '../steps/expect.ts';
import { idsOf, incomingPayments, listPayments } from '../steps/payment-lists.ts';
import { forAll, property, type Step as StepOf, sequences } from '../steps/property.ts';
import { queryProperties } from '../steps/query-properties.ts';
import {
  amountOf,
  completeIncomingPayment,
  createIncomingPayment,
  getIncomingPayment,
  incomingToken,
  postIncomingPayment,
  postQuote,
} from '../steps/scenarios.ts';
import type { Json } from '../steps/signed-client.ts';

const HOUR_MS = 3_600_000;

const body = await loadRequestBody('resource-server', 'create-incoming-payment');

/** Facts of the world. The clock of the target tells which instants are in the future. */
async function pinsFor(context: CheckContext): Promise<Pins> {
  const { receiver } = context;
  const now = Date.parse((await createIncomingPayment(context)).createdAt);
  return {
    '/walletAddress': fc.constant(receiver.url),
    '/incomingAmount/value': fc.bigInt({ min: 1n, max: 1_000_000n }).map(String),
    '/incomingAmount/assetCode': fc.constant(receiver.assetCode),
    '/incomingAmount/assetScale': fc.constant(receiver.assetScale),
    '/expiresAt': dateTimes({ from: now + HOUR_MS, to: now + 24 * HOUR_MS }),
  };
}

async function prepareCreation(context: CheckContext): Promise<Creation> {
  const url = `${context.receiver.resourceServer}/incoming-payments`;
  return {
    body,
    pins: await pinsFor(context),
    send: async (current, content) => {
      const token = await incomingToken(context);
      return current.call({ operation: 'create-incoming-payment', method: 'POST', url, token, ...content });
    },
    observe: async (current) => {
      const { result } = expectStatus(await listPayments(current, incomingPayments, '&first=10'), 200).body;
      // Money of earlier checks may still be on its way.
      return result.map(({ receivedAmount: _, ...payment }: Json) => payment);
    },
  };
}

/** The payment shows what was asked for, and nothing else of the kind. */
function expectAsAsked(payment: Json, asked: Json): void {
  assert.equal(payment.walletAddress, asked.walletAddress);
  assert.deepEqual(payment.incomingAmount, asked.incomingAmount);
  assert.deepEqual(payment.metadata, asked.metadata);
  if (asked.expiresAt) assert.equal(Date.parse(payment.expiresAt), Date.parse(asked.expiresAt), 'the same instant');
  assert.equal(payment.completed, false);
  assert.equal(payment.receivedAmount.value, '0');
}

interface Model {
  /** Oldest first. */
  readonly payments: { readonly id: string; isCompleted: boolean; readonly asked: Json }[];
}

type Step = StepOf<Model>;

const create = (asked: Json): Step => ({
  check: () => true,
  run: async (model, context) => {
    const { id } = expectStatus(await postIncomingPayment(context, asked), 201).body;
    model.payments.push({ id, isCompleted: false, asked });
  },
  toString: () => `create ${JSON.stringify(asked)}`,
});

/** One of the payments created so far. */
const pick = ({ payments }: Readonly<Model>, index: number) => payments[index % payments.length]!;

const withPayment = (
  name: string,
  index: number,
  run: (payment: Model['payments'][number], context: CheckContext) => Promise<void>,
): Step => ({
  check: ({ payments }) => payments.length > 0,
  run: (model, context) => run(pick(model, index), context),
  toString: () => `${name} ${index}`,
});

const read = (index: number): Step =>
  withPayment('read', index, async ({ id, isCompleted, asked }, context) => {
    const payment = expectStatus(await getIncomingPayment(context, id), 200).body;
    assert.equal(payment.completed, isCompleted);
    assert.deepEqual(payment.metadata, asked.metadata);
    const view = await context.call({ operation: 'get-incoming-payment', url: id, sign: false });
    assert.deepEqual(expectStatus(view, 200).body.receivedAmount, payment.receivedAmount);
  });

const complete = (index: number): Step =>
  withPayment('complete', index, async (payment, context) => {
    const answer = await completeIncomingPayment(context, payment.id);
    if (payment.isCompleted) expectResourceError(answer, 409);
    else assert.equal(expectStatus(answer, 200).body.completed, true);
    payment.isCompleted = true;
    expectResourceError(await completeIncomingPayment(context, payment.id), 409);
  });

/** A completed payment cannot be the receiver of a quote any more. */
const quote = (index: number): Step =>
  withPayment('quote', index, async ({ id, isCompleted }, context) => {
    const receiveAmount = amountOf(context.receiver, '1');
    const asked = { walletAddress: context.sender.url, receiver: id, method: 'ilp', receiveAmount };
    const answer = await postQuote(context, asked);
    if (isCompleted) expectResourceError(answer, 400);
    else expectStatus(answer, 201);
  });

/** The newest come first; the client may have had others before. */
const list = (first: number): Step => ({
  check: ({ payments }) => payments.length > 0,
  run: async ({ payments }, context) => {
    const length = Math.min(first, payments.length);
    const newest = payments.toReversed();
    const page = expectStatus(await listPayments(context, incomingPayments, `&first=${length}`), 200);
    assert.deepEqual(
      idsOf(page),
      newest.slice(0, length).map(({ id }) => id),
    );
    for (const [index, item] of page.body.result.entries()) assert.equal(item.completed, newest[index]!.isCompleted);
    const cursor = encodeURIComponent(page.body.pagination.endCursor);
    const next = expectStatus(await listPayments(context, incomingPayments, `&first=100&cursor=${cursor}`), 200);
    assert.deepEqual(
      idsOf(next).slice(0, payments.length - length),
      newest.slice(length).map(({ id }) => id),
    );
  },
  toString: () => `list ${first}`,
});

export const checks: readonly Check[] = [
  property({
    id: 'incoming-payment.valid',
    rows: ['RS-IP-01', 'RS-IP-02', 'RS-IP-07', 'RS-IP-17', 'RS-27'],
    title: 'every valid request creates an incoming payment, which reads and lists as it was answered',
    prepare: async (context) =>
      forAll({
        values: validValues(body.schema, await pinsFor(context)),
        holds: async (asked: Json, current) => {
          const payment = expectStatus(await postIncomingPayment(current, asked), 201).body;
          expectAsAsked(payment, asked);
          const { methods, ...seen } = expectStatus(await getIncomingPayment(current, payment.id), 200).body;
          assert.equal(methods.length, payment.methods.length);
          assert.deepEqual({ ...seen, methods: payment.methods }, payment);
          const page = expectStatus(await listPayments(current, incomingPayments, '&first=1'), 200);
          assert.deepEqual(page.body.result, [seen]);
        },
      }),
  }),
  property({
    id: 'incoming-payment.invalid',
    rows: ['RS-02', 'RS-16', 'RS-IP-03'],
    title: 'a request that the schema refuses is refused with 400 and creates nothing',
    prepare: async (context) => refuseInvalid(await prepareCreation(context)),
  }),
  property({
    id: 'incoming-payment.anything',
    rows: ['RS-02', 'RS-24', 'RS-30'],
    title: 'whatever is sent in place of an incoming payment is refused as declared and creates nothing',
    prepare: async (context) => surviveAnything(await prepareCreation(context)),
  }),
  property({
    id: 'incoming-payment.lifecycle',
    rows: ['RS-IP-01', 'RS-IP-20', 'RS-IP-21', 'RS-IP-22'],
    title: 'in any order of creating, reading, listing, completing and quoting, each answer follows from those before',
    prepare: async (context) => {
      const asked = validValues(body.schema, await pinsFor(context));
      const index = fc.nat({ max: 9 });
      const steps: fc.Arbitrary<Step>[] = [
        asked.map(create),
        index.map(read),
        index.map(complete),
        index.map(quote),
        fc.integer({ min: 1, max: 5 }).map(list),
      ];
      return forAll({
        values: sequences(steps),
        isStateful: true,
        holds: async (commands, current) => {
          const model: Model = { payments: [] };
          await create({ walletAddress: context.receiver.url }).run(model, current);
          await fc.asyncModelRun(() => ({ model, real: current }), commands);
        },
      });
    },
  }),
  ...queryProperties(incomingPayments),
];
