/** Quotes. Open Payments resource-server POST /quotes, GET /quotes/{id}. */

import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { foreignAmount } from '../../steps/parties.ts';
import {
  amountOf,
  completeIncomingPayment,
  createIncomingPayment,
  createQuote,
  postQuote,
  quoteAccess,
  quoteToken,
  requestToken,
} from '../../steps/scenarios.ts';
import { addClient } from '../../steps/second-client.ts';
import type { Json } from '../../steps/signed-client.ts';
import { inNewWorld } from '../../steps/world.ts';

interface Refusal {
  readonly id: string;
  readonly rows: readonly string[];
  readonly title: string;
  /** Members to change in a valid request, which has a sender, an open receiver and a method. */
  readonly change: (context: CheckContext) => Json;
  readonly text?: RegExp;
}

const refusals: readonly Refusal[] = [
  {
    id: 'quote.refuses-no-amount',
    rows: ['RS-Q-04'],
    title: 'no amount anywhere',
    change: () => ({}),
  },
  {
    id: 'quote.refuses-two-amounts',
    rows: ['RS-Q-01'],
    title: 'both amounts',
    change: (c) => ({ debitAmount: amountOf(c.sender, '100'), receiveAmount: amountOf(c.receiver, '100') }),
  },
  {
    id: 'quote.refuses-no-method',
    rows: ['RS-Q-02'],
    title: 'no method',
    change: (c) => ({ method: undefined, debitAmount: amountOf(c.sender, '100') }),
  },
  {
    id: 'quote.refuses-method',
    rows: ['RS-Q-02'],
    title: 'another method',
    change: (c) => ({ method: 'card', debitAmount: amountOf(c.sender, '100') }),
  },
  {
    id: 'quote.refuses-receiver-wallet',
    rows: ['RS-Q-03'],
    title: 'a wallet address as receiver',
    change: (c) => ({ receiver: c.receiver.url }),
  },
  {
    id: 'quote.refuses-receiver-unknown',
    rows: ['RS-Q-14'],
    title: 'an unknown receiver',
    change: (c) => ({
      receiver: `${c.receiver.resourceServer}/incoming-payments/${crypto.randomUUID()}`,
      debitAmount: amountOf(c.sender, '100'),
    }),
    text: /^invalid receiver$/,
  },
  {
    id: 'quote.refuses-receiver-unreachable',
    rows: ['RS-Q-14'],
    title: 'an unreachable receiver',
    change: (c) => ({ receiver: 'http://127.0.0.1:1/incoming-payments/1', debitAmount: amountOf(c.sender, '100') }),
    text: /^invalid receiver$/,
  },
  {
    id: 'quote.refuses-debit-asset',
    rows: ['RS-Q-07'],
    title: 'a debit in another asset',
    change: (c) => ({ debitAmount: foreignAmount(c.sender, '100') }),
    text: /invalid amount/i,
  },
  {
    id: 'quote.refuses-debit-zero',
    rows: ['RS-Q-07'],
    title: 'a debit of zero',
    change: (c) => ({ debitAmount: amountOf(c.sender, '0') }),
    text: /invalid amount/i,
  },
  {
    id: 'quote.refuses-receive-asset',
    rows: ['RS-Q-08'],
    title: 'a receive amount in another asset',
    change: (c) => ({ receiveAmount: foreignAmount(c.receiver, '100') }),
  },
  {
    id: 'quote.refuses-receive-zero',
    rows: ['RS-Q-08'],
    title: 'a receive amount of zero',
    change: (c) => ({ receiveAmount: amountOf(c.receiver, '0') }),
  },
  {
    id: 'quote.refuses-value',
    rows: ['RS-16'],
    title: 'a value with a fraction',
    change: (c) => ({ debitAmount: amountOf(c.sender, '1.5') }),
  },
  {
    id: 'quote.refuses-value-number',
    rows: ['RS-16'],
    title: 'a number as value',
    change: (c) => ({ debitAmount: { ...amountOf(c.sender, '1'), value: 1 } }),
  },
];

const members = [
  'id',
  'walletAddress',
  'receiver',
  'receiveAmount',
  'debitAmount',
  'method',
  'createdAt',
  'expiresAt',
].sort();

/** One unit of the payer delivers nothing: the rate of the standard world is below one. */
async function checkTooLittle(context: CheckContext): Promise<void> {
  const { id: receiver } = await createIncomingPayment(context);
  const base = { walletAddress: context.sender.url, receiver, method: 'ilp' };
  const answer = await postQuote(context, { ...base, debitAmount: amountOf(context.sender, '1') });
  expectResourceError(answer, 400, /non-positive receive amount/);
  const { minSendAmount } = answer.body.error.details;
  assert.deepEqual(Object.keys(minSendAmount).sort(), ['assetCode', 'assetScale', 'value']);
  expectStatus(await postQuote(context, { ...base, debitAmount: minSendAmount }), 201);
  const oneLess = { ...minSendAmount, value: String(BigInt(minSendAmount.value) - 1n) };
  expectResourceError(await postQuote(context, { ...base, debitAmount: oneLess }), 400);
}

export const checks: readonly Check[] = [
  {
    id: 'quote.fixed-send',
    rows: ['RS-Q-01', 'RS-Q-06', 'RS-Q-10', 'RS-Q-20', 'RS-15', 'RS-18', 'AMB-30'],
    title: 'a quote for a debit amount keeps it, and can be read again unchanged',
    run: async (context) => {
      const { id: receiver } = await createIncomingPayment(context);
      const debitAmount = amountOf(context.sender, '1000');
      const quote = await createQuote(context, receiver, { debitAmount });
      assert.deepEqual(Object.keys(quote).sort(), members);
      assert.deepEqual([quote.walletAddress, quote.receiver, quote.method], [context.sender.url, receiver, 'ilp']);
      assert.deepEqual(quote.debitAmount, debitAmount);
      const { value, ...asset } = quote.receiveAmount;
      assert.deepEqual(asset, { assetCode: context.receiver.assetCode, assetScale: context.receiver.assetScale });
      assert.ok(BigInt(value) > 0n);
      assert.ok(quote.id.startsWith(`${context.sender.resourceServer}/quotes/`));
      assert.ok(Date.parse(quote.expiresAt) > Date.parse(quote.createdAt));
      const read = await context.call({ operation: 'get-quote', url: quote.id, token: await quoteToken(context) });
      assert.deepEqual(expectStatus(read, 200).body, quote);
    },
  },
  {
    id: 'quote.fixed-receive',
    rows: ['RS-Q-01', 'RS-Q-06', 'RS-Q-11', 'SET-03'],
    title: 'a quote for a receive amount keeps it, and its debit delivers at least as much',
    run: async (context) => {
      const { id: receiver } = await createIncomingPayment(context);
      const receiveAmount = amountOf(context.receiver, '997');
      const quote = await createQuote(context, receiver, { receiveAmount });
      assert.deepEqual(quote.receiveAmount, receiveAmount);
      assert.equal(quote.debitAmount.assetCode, context.sender.assetCode);
      const inverse = await createQuote(context, receiver, { debitAmount: quote.debitAmount });
      assert.ok(BigInt(inverse.receiveAmount.value) >= 997n, 'sending the quoted debit delivers at least as much');
      const less = amountOf(context.sender, String(BigInt(quote.debitAmount.value) - 1n));
      const cheaper = await createQuote(context, receiver, { debitAmount: less });
      assert.ok(BigInt(cheaper.receiveAmount.value) < 997n, 'and no unit of it is too much');
    },
  },
  {
    id: 'quote.from-incoming-amount',
    rows: ['RS-Q-01', 'RS-Q-05'],
    title: 'without an amount the quote delivers the amount of the incoming payment',
    run: async (context) => {
      const incoming = await createIncomingPayment(context, { value: '250' });
      const quote = await createQuote(context, incoming.id);
      assert.deepEqual(quote.receiveAmount, amountOf(context.receiver, '250'));
    },
  },
  ...refusals.map(
    ({ id, rows, title, change, text }): Check => ({
      id,
      rows: [...rows, 'RS-02'],
      title: `refused with 400: ${title}`,
      run: async (context) => {
        const { id: receiver } = await context.shared('an open receiver', () => createIncomingPayment(context));
        const json = { walletAddress: context.sender.url, receiver, method: 'ilp', ...change(context) };
        expectResourceError(await postQuote(context, json), 400, text);
      },
    }),
  ),
  {
    id: 'quote.more-than-asked',
    rows: ['RS-Q-09', 'RS-Q-21'],
    title: 'more than the incoming amount is refused, in either direction',
    run: async (context) => {
      const { id: receiver } = await createIncomingPayment(context, { value: '100' });
      const base = { walletAddress: context.sender.url, receiver, method: 'ilp' };
      const receiveAmount = amountOf(context.receiver, '101');
      expectResourceError(await postQuote(context, { ...base, receiveAmount }), 400);
      const debitAmount = amountOf(context.sender, '100000');
      expectResourceError(await postQuote(context, { ...base, debitAmount }), 400, /invalid amount/i);
    },
  },
  {
    id: 'quote.completed-receiver',
    rows: ['RS-Q-14', 'RS-IP-22'],
    title: 'a completed payment is not a valid receiver',
    run: async (context) => {
      const { id: receiver } = await createIncomingPayment(context, { value: '100' });
      expectStatus(await completeIncomingPayment(context, receiver), 200);
      const json = { walletAddress: context.sender.url, receiver, method: 'ilp' };
      expectResourceError(await postQuote(context, json), 400, /^invalid receiver$/);
    },
  },
  {
    id: 'quote.too-little',
    rows: ['RS-Q-13'],
    title: 'an amount that delivers nothing is refused, and the smallest that does is named and works',
    run: async (context) => {
      const { control } = context;
      if (control.available) return inNewWorld(context, {}, (world) => checkTooLittle(world));
      // At a rate of one or more a single unit delivers something, and nothing is too little.
      const { id: receiver } = await createIncomingPayment(context);
      const debitAmount = amountOf(context.sender, '1');
      const answer = await postQuote(context, {
        walletAddress: context.sender.url,
        receiver,
        method: 'ilp',
        debitAmount,
      });
      if (answer.status === 201) assert.ok(BigInt(answer.body.receiveAmount.value) > 0n);
      else await checkTooLittle(context);
    },
  },
  {
    id: 'quote.of-another-client',
    rows: ['RS-10', 'RS-Q-18', 'AS-31'],
    title: 'a quote is read by its creator, and by others only with read-all',
    run: async (context) => {
      const { id: receiver } = await createIncomingPayment(context, { value: '5' });
      const quote = await createQuote(context, receiver);
      const key = context.newIdentity('reader');
      for (const asker of [{ client: { jwk: key.jwk }, identity: key }, await addClient(context, 'reader')]) {
        for (const [action, status] of [
          ['read', 404],
          ['read-all', 200],
        ] as const) {
          const grant = await requestToken(context, context.sender, [quoteAccess([action])], asker);
          const token = grant.access_token.value;
          expectStatus(
            await context.call({ operation: 'get-quote', url: quote.id, token, sign: asker.identity }),
            status,
          );
        }
      }
    },
  },
];
