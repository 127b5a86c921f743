/** Properties of quotes. Open Payments resource-server, /quotes. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { loadRequestBody } from '../generators/document.ts';
import { type Pins, validValues } from '../generators/valid-values.ts';
import type { Check, CheckContext } from '../runner/check.ts';
import { type Creation, refuseInvalid, surviveAnything } from '../steps/creations.ts';
import { expectStatus } from '../steps/expect.ts';
import { forAll, property } from '../steps/property.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  getIncomingPayment,
  postQuote,
  quoteToken,
} from '../steps/scenarios.ts';
import type { Json } from '../steps/signed-client.ts';

const body = await loadRequestBody('resource-server', 'create-quote');

interface Receivers {
  /** It asks for an amount, so a quote needs none. */
  readonly withAmount: string;
  readonly open: string;
}

const createReceivers = async (context: CheckContext): Promise<Receivers> => ({
  withAmount: (await createIncomingPayment(context, { value: '1000000' })).id,
  open: (await createIncomingPayment(context)).id,
});

/** Amounts that any rate makes at least one unit of the other asset, and that the receiver can take. */
const values = fc.integer({ min: 1000, max: 9999 }).map(String);

const pinsFor = ({ sender, receiver }: CheckContext, { withAmount, open }: Receivers): Pins => ({
  '/walletAddress': fc.constant(sender.url),
  '/receiver': fc.constantFrom(withAmount, open),
  '/debitAmount/value': values,
  '/debitAmount/assetCode': fc.constant(sender.assetCode),
  '/debitAmount/assetScale': fc.constant(sender.assetScale),
  '/receiveAmount/value': values,
  '/receiveAmount/assetCode': fc.constant(receiver.assetCode),
  '/receiveAmount/assetScale': fc.constant(receiver.assetScale),
});

async function prepareCreation(context: CheckContext): Promise<Creation> {
  const url = `${context.sender.resourceServer}/quotes`;
  const receivers = await createReceivers(context);
  return {
    body,
    pins: pinsFor(context, receivers),
    send: async (current, content) => {
      const token = await quoteToken(context);
      return current.call({ operation: 'create-quote', method: 'POST', url, token, ...content });
    },
    // Nothing lists quotes. A quote must not show at its receiver either.
    observe: async (current) => {
      const { methods: _, ...receiver } = expectStatus(await getIncomingPayment(current, receivers.open), 200).body;
      return receiver;
    },
  };
}

export const checks: readonly Check[] = [
  property({
    id: 'quote.valid',
    rows: ['RS-Q-01', 'RS-Q-18'],
    title: 'every valid request creates a quote with the given amount, which reads as it was answered',
    prepare: async (context) => {
      const receivers = await createReceivers(context);
      const asked = validValues(body.schema, pinsFor(context, receivers));
      return forAll({
        values: asked.filter(
          ({ receiver, debitAmount, receiveAmount }) =>
            debitAmount || receiveAmount || receiver === receivers.withAmount,
        ),
        holds: async ({ walletAddress, receiver, method, ...amounts }: Json, current) => {
          const quote = expectStatus(
            await postQuote(current, { walletAddress, receiver, method, ...amounts }),
            201,
          ).body;
          const given = 'debitAmount' in amounts || 'receiveAmount' in amounts;
          const expected = given ? amounts : { receiveAmount: amountOf(current.receiver, '1000000') };
          for (const [name, amount] of Object.entries(expected)) assert.deepEqual(quote[name], amount, name);
          assert.deepEqual([quote.walletAddress, quote.receiver, quote.method], [walletAddress, receiver, method]);
          assert.ok(Date.parse(quote.expiresAt) > Date.parse(quote.createdAt), 'it expires after its creation');
          const read = await current.call({ operation: 'get-quote', url: quote.id, token: await quoteToken(context) });
          assert.deepEqual(expectStatus(read, 200).body, quote);
        },
      });
    },
  }),
  property({
    id: 'quote.monotonic',
    rows: ['RS-Q-12'],
    title: 'a larger debit delivers no less, and what a quote delivers costs no more than it when asked for',
    prepare: async (context) => {
      const { open } = await createReceivers(context);
      const debit = (value: number): Json => ({ debitAmount: amountOf(context.sender, String(value)) });
      return forAll({
        values: fc.tuple(fc.integer({ min: 1000, max: 9999 }), fc.integer({ min: 0, max: 99 })),
        share: 0.5,
        holds: async ([value, more], current) => {
          const quote = await createQuote(current, open, debit(value));
          const larger = await createQuote(current, open, debit(value + more));
          assert.ok(
            BigInt(larger.receiveAmount.value) >= BigInt(quote.receiveAmount.value),
            'a larger debit delivers less',
          );
          const { receiveAmount } = quote;
          const inverse = await createQuote(current, open, { receiveAmount });
          assert.ok(BigInt(inverse.debitAmount.value) <= BigInt(value), 'the same delivery costs more');
        },
      });
    },
  }),
  property({
    id: 'quote.invalid',
    rows: ['RS-02', 'RS-16', 'RS-Q-01'],
    title: 'a request that the schema refuses is refused with 400',
    prepare: async (context) => refuseInvalid(await prepareCreation(context)),
  }),
  property({
    id: 'quote.anything',
    rows: ['RS-02', 'RS-24', 'RS-30'],
    title: 'whatever is sent in place of a quote is refused as declared',
    prepare: async (context) => surviveAnything(await prepareCreation(context)),
  }),
];
