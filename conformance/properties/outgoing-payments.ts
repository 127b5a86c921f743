/** Properties of outgoing payments. Open Payments resource-server, /outgoing-payments and /outgoing-payment-grant. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { loadRequestBody } from '../generators/document.ts';
import { type Pins, validValues } from '../generators/valid-values.ts';
import type { Check, CheckContext } from '../runner/check.ts';
import { type Creation, refuseInvalid, surviveAnything } from '../steps/creations.ts';
import { expectResourceError, expectStatus } from '../steps/expect.ts';
import { idsOf, listPayments, outgoingPayments } from '../steps/payment-lists.ts';
import { forAll, property, type Step as StepOf, sequences } from '../steps/property.ts';
import { queryProperties } from '../steps/query-properties.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  getIncomingPayment,
  postOutgoingPayment,
  waitUntilSettled,
} from '../steps/scenarios.ts';
import type { Json } from '../steps/signed-client.ts';
import { createDebitQuote, getSpentAmounts, outgoingTokenWith, payWithQuote } from '../steps/spending.ts';

const body = await loadRequestBody('resource-server', 'create-outgoing-payment');

/** Small, because money moves; large enough for any rate to deliver a unit. */
const values = fc.integer({ min: 50, max: 90 });

const pinsFor = ({ sender }: CheckContext, quoteId: string, incomingPayment: string): Pins => ({
  '/walletAddress': fc.constant(sender.url),
  '/quoteId': fc.constant(quoteId),
  '/incomingPayment': fc.constant(incomingPayment),
  '/debitAmount/value': values.map(String),
  '/debitAmount/assetCode': fc.constant(sender.assetCode),
  '/debitAmount/assetScale': fc.constant(sender.assetScale),
});

/** A separate grant, so that only what these requests spend is counted. */
async function prepareCreation(context: CheckContext): Promise<Creation> {
  const url = `${context.sender.resourceServer}/outgoing-payments`;
  const token = await outgoingTokenWith(context, { debitAmount: amountOf(context.sender, '100000') });
  const quote = await createDebitQuote(context, '50');
  return {
    body,
    pins: pinsFor(context, quote.id, quote.receiver),
    send: (current, content) =>
      current.call({ operation: 'create-outgoing-payment', method: 'POST', url, token, ...content }),
    observe: async (current) => ({
      list: idsOf(expectStatus(await listPayments(current, outgoingPayments, '&first=10'), 200)),
      spent: expectStatus(await getSpentAmounts(current, token), 200).body,
      received: expectStatus(await getIncomingPayment(current, quote.receiver), 200).body.receivedAmount,
    }),
  };
}

interface Model {
  readonly token: string;
  readonly quotes: { readonly id: string; readonly debit: bigint; payment?: Json }[];
  spent: bigint;
}

type Step = StepOf<Model>;

const quote = (value: number): Step => ({
  check: () => true,
  run: async (model, context) => {
    const { id } = await createDebitQuote(context, String(value));
    model.quotes.push({ id, debit: BigInt(value) });
  },
  toString: () => `quote ${value}`,
});

const withQuote = (
  name: string,
  index: number,
  run: (quoted: Model['quotes'][number], model: Model, context: CheckContext) => Promise<void>,
): Step => ({
  check: ({ quotes }) => quotes.length > 0,
  run: (model, context) => run(model.quotes[index % model.quotes.length]!, model, context),
  toString: () => `${name} ${index}`,
});

/** A quote pays once, within the limit of the grant. */
const pay = (index: number): Step =>
  withQuote('pay', index, async (quoted, model, context) => {
    const answer = await payWithQuote(context, quoted.id, model.token);
    if (quoted.payment) {
      // A repetition may be answered with the payment that is there.
      if (answer.status !== 201) expectResourceError(answer, 400);
      else assert.equal(answer.body.id, quoted.payment.id);
    } else if (model.spent + quoted.debit > LIMIT) expectResourceError(answer, 403);
    else {
      quoted.payment = expectStatus(answer, 201).body;
      model.spent += quoted.debit;
      assert.equal(quoted.payment.debitAmount.value, String(quoted.debit));
      assert.equal(quoted.payment.grantSpentDebitAmount.value, String(model.spent));
    }
  });

/** Pays every quote, used or not: sooner or later the limit is reached. */
const payAll: Step = {
  check: ({ quotes }) => quotes.length > 0,
  run: async (model, context) => {
    for (const index of model.quotes.keys()) await pay(index).run(model, context);
  },
  toString: () => 'pay all',
};

const settle = (index: number): Step =>
  withQuote('settle', index, async ({ payment }, { token }, context) => {
    if (!payment) return;
    const settled = await waitUntilSettled(context, payment.id, token);
    assert.equal(settled.failed, false);
    const receiver = expectStatus(await getIncomingPayment(context, payment.receiver), 200).body;
    assert.deepEqual(receiver.receivedAmount, payment.receiveAmount);
  });

const list: Step = {
  check: ({ quotes }) => quotes.some(({ payment }) => payment),
  run: async ({ quotes, token }, context) => {
    const page = expectStatus(await listPayments(context, outgoingPayments, '&first=30', { token }), 200);
    const paid = quotes.flatMap(({ payment }) => (payment ? [payment.id] : []));
    assert.deepEqual(idsOf(page).slice(0, paid.length).sort(), paid.sort());
  },
  toString: () => 'list',
};

const spend: Step = {
  check: () => true,
  run: async ({ token, spent }, context) => {
    const { spentDebitAmount } = expectStatus(await getSpentAmounts(context, token), 200).body;
    assert.equal(BigInt(spentDebitAmount?.value ?? 0), spent);
  },
  toString: () => 'read what was spent',
};

/** The debit that the grant in the model allows: two or three payments reach it. */
const LIMIT = 150n;

export const checks: readonly Check[] = [
  property({
    id: 'outgoing-payment.valid',
    rows: ['RS-OP-01', 'RS-OP-03', 'RS-OP-10', 'RS-OP-13', 'RS-27'],
    title: 'every valid request creates an outgoing payment, which reads and lists as it was answered',
    prepare: async (context) => {
      const token = await outgoingTokenWith(context);
      const placeholder = `${context.sender.resourceServer}/quotes/1`;
      return forAll({
        values: validValues(
          body.schema,
          pinsFor(context, placeholder, placeholder.replace('quotes', 'incoming-payments')),
        ),
        share: 0.7,
        holds: async ({ quoteId, incomingPayment, ...asked }: Json, current) => {
          // Each case has a new receiver and a new quote.
          const { id: receiver } = await createIncomingPayment(current);
          const quoted =
            quoteId && (await createQuote(current, receiver, { debitAmount: amountOf(current.sender, '50') }));
          const from = quoteId ? { quoteId: quoted.id } : { incomingPayment: receiver };
          const payment = expectStatus(await postOutgoingPayment(current, { ...asked, ...from }, token), 201).body;
          assert.deepEqual([payment.walletAddress, payment.receiver], [asked.walletAddress, receiver]);
          assert.deepEqual(payment.metadata, asked.metadata);
          assert.deepEqual(payment.debitAmount, quoted?.debitAmount ?? asked.debitAmount);
          const spent = expectStatus(await getSpentAmounts(current, token), 200).body;
          assert.deepEqual(payment.grantSpentDebitAmount, spent.spentDebitAmount);
          const settled = await waitUntilSettled(current, payment.id, token);
          assert.deepEqual([settled.failed, settled.metadata], [false, asked.metadata]);
          const page = expectStatus(await listPayments(current, outgoingPayments, '&first=1', { token }), 200);
          assert.deepEqual(page.body.result, [settled]);
        },
      });
    },
  }),
  property({
    id: 'outgoing-payment.invalid',
    rows: ['RS-02', 'RS-16', 'RS-OP-01', 'RS-OP-27'],
    title: 'a request that the schema refuses is refused with 400, pays nothing and spends nothing',
    prepare: async (context) => refuseInvalid(await prepareCreation(context)),
  }),
  property({
    id: 'outgoing-payment.anything',
    rows: ['RS-02', 'RS-24', 'RS-30', 'RS-OP-27'],
    title: 'whatever is sent in place of an outgoing payment is refused as declared, pays nothing and spends nothing',
    prepare: async (context) => surviveAnything(await prepareCreation(context)),
  }),
  property({
    id: 'outgoing-payment.lifecycle',
    rows: ['RS-OP-08', 'RS-OP-12', 'RS-OP-13', 'RS-OP-26', 'RS-OP-30', 'LIM-02'],
    title: 'in any order of quoting, paying, settling and listing, payments and spent amounts follow from those before',
    prepare: async (context) => {
      const index = fc.nat({ max: 9 });
      const steps: fc.Arbitrary<Step>[] = [
        values.map(quote),
        index.map(pay),
        fc.constant(payAll),
        index.map(settle),
        fc.constant(list),
        fc.constant(spend),
      ];
      return forAll({
        values: sequences(steps),
        isStateful: true,
        holds: async (commands, current) => {
          const token = await outgoingTokenWith(context, { debitAmount: amountOf(context.sender, String(LIMIT)) });
          const model: Model = { token, quotes: [], spent: 0n };
          await quote(50).run(model, current);
          await fc.asyncModelRun(() => ({ model, real: current }), commands);
        },
      });
    },
  }),
  ...queryProperties(outgoingPayments),
];
