// Outgoing payments and the totals of their grants. Open Payments resource-server /outgoing-payments,
// GET /outgoing-payment-grant.
import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../runner/check.ts';
import { expectResourceError, expectStatus } from '../runner/expect.ts';
import {
  amountOf,
  completeIncomingPayment,
  createIncomingPayment,
  createQuote,
  grantOutgoing,
  outgoingAccess,
  outgoingToken,
  payQuote,
  postOutgoingPayment,
  quoteToken,
} from '../runner/scenarios.ts';
import type { Answer, Json } from '../runner/signed-client.ts';

const getSpent = (context: CheckContext, token: string): Promise<Answer> => {
  const url = `${context.sender.resourceServer}/outgoing-payment-grant`;
  return context.call({ operation: 'get-outgoing-payment-grant', url, token });
};
const tokenFor = async (context: CheckContext, limits?: Json): Promise<string> =>
  (await grantOutgoing(context, outgoingAccess(context.sender, limits))).access_token.value;
/** A fresh quote that debits `value`. */
const quoteOf = async (context: CheckContext, value: string): Promise<Json> => {
  const { id } = await createIncomingPayment(context);
  return createQuote(context, id, { debitAmount: amountOf(context.sender, value) });
};
const pay = (context: CheckContext, quoteId: string, token: string): Promise<Answer> =>
  postOutgoingPayment(context, { walletAddress: context.sender.url, quoteId }, token);

const refusals: readonly (readonly [
  id: string,
  rows: readonly string[],
  title: string,
  json: (context: CheckContext) => Promise<Json>,
  status: number,
  text?: RegExp,
])[] = [
  ['nothing', ['RS-OP-01'], 'neither quote nor receiver', async () => ({}), 400],
  [
    'mixture',
    ['RS-OP-01'],
    'a quote and an amount together',
    async (c) => ({ quoteId: (await quoteOf(c, '10')).id, debitAmount: amountOf(c.sender, '10') }),
    400,
  ],
  [
    'direct-without-amount',
    ['RS-OP-01'],
    'an incoming payment without amount',
    async (c) => ({ incomingPayment: (await createIncomingPayment(c)).id }),
    400,
  ],
  [
    'unknown-quote',
    ['RS-OP-05'],
    'a quote that is not known here',
    async (c) => ({ quoteId: `${c.sender.resourceServer}/quotes/${crypto.randomUUID()}` }),
    404,
    /^unknown quote$/,
  ],
  [
    'foreign-quote',
    ['RS-OP-05'],
    'a quote of another server',
    async (c) => ({ quoteId: `${c.receiver.resourceServer}/quotes/${crypto.randomUUID()}` }),
    400,
    /^invalid quote$/,
  ],
  [
    'direct-asset',
    ['RS-OP-10'],
    'a debit in another asset',
    async (c) => ({ incomingPayment: (await createIncomingPayment(c)).id, debitAmount: amountOf(c.receiver, '10') }),
    400,
    /^invalid amount$/,
  ],
  [
    'direct-wallet-address',
    ['RS-OP-10'],
    'a wallet address as receiver',
    async (c) => ({ incomingPayment: c.receiver.url, debitAmount: amountOf(c.sender, '10') }),
    400,
  ],
  [
    'direct-unknown-receiver',
    ['RS-OP-11'],
    'an unknown receiver',
    async (c) => ({
      incomingPayment: `${c.receiver.resourceServer}/incoming-payments/${crypto.randomUUID()}`,
      debitAmount: amountOf(c.sender, '10'),
    }),
    400,
    /^invalid receiver$/,
  ],
];

export const outgoingPaymentChecks: Check[] = [
  ...refusals.map(
    ([id, rows, title, json, status, text]): Check => ({
      id: `outgoing-payment.refuses-${id}`,
      rows: [...rows, 'RS-02'],
      title: `refused with ${status}: ${title}`,
      run: async (context) => {
        const body = { walletAddress: context.sender.url, ...(await json(context)) };
        expectResourceError(await postOutgoingPayment(context, body, await outgoingToken(context)), status, text);
      },
    }),
  ),
  {
    id: 'outgoing-payment.create',
    rows: ['RS-OP-01', 'RS-OP-03', 'RS-OP-13', 'RS-OP-15', 'RS-OP-16', 'RS-15', 'RS-19', 'RS-20', 'AMB-04', 'AMB-31'],
    title: 'a new payment repeats its quote and tells the totals of the grant; reading it does not',
    run: async (context) => {
      const token = await tokenFor(context);
      const quote = await quoteOf(context, '100');
      const metadata = { invoice: { number: 7 }, empty: {} };
      const json = { walletAddress: context.sender.url, quoteId: quote.id, metadata };
      const { body } = expectStatus(await postOutgoingPayment(context, json, token), 201);
      assert.ok(body.id.startsWith(`${context.sender.resourceServer}/outgoing-payments/`));
      assert.deepEqual(body.metadata, metadata);
      assert.deepEqual(
        [body.quoteId, body.receiver, body.walletAddress],
        [quote.id, quote.receiver, context.sender.url],
      );
      assert.deepEqual([body.debitAmount, body.receiveAmount], [quote.debitAmount, quote.receiveAmount]);
      assert.deepEqual([body.sentAmount, body.failed], [amountOf(context.sender, '0'), false]);
      assert.deepEqual(
        [body.grantSpentDebitAmount, body.grantSpentReceiveAmount],
        [quote.debitAmount, quote.receiveAmount],
      );
      const { body: read } = expectStatus(
        await context.call({ operation: 'get-outgoing-payment', url: body.id, token }),
        200,
      );
      assert.ok(!('grantSpentDebitAmount' in read) && !('grantSpentReceiveAmount' in read));
      assert.ok(BigInt(read.sentAmount.value) <= BigInt(read.debitAmount.value));
      assert.deepEqual(read.metadata, metadata);
    },
  },
  {
    id: 'outgoing-payment.direct',
    rows: ['RS-OP-01', 'RS-OP-10', 'RS-OP-03'],
    title: 'an incoming payment and a debit amount are enough; the implied quote is named',
    run: async (context) => {
      const { id: incomingPayment } = await createIncomingPayment(context);
      const debitAmount = amountOf(context.sender, '40');
      const json = { walletAddress: context.sender.url, incomingPayment, debitAmount };
      const { body } = expectStatus(await postOutgoingPayment(context, json, await outgoingToken(context)), 201);
      assert.deepEqual(body.debitAmount, debitAmount);
      assert.equal(body.receiver, incomingPayment);
      const quote = await context.call({ operation: 'get-quote', url: body.quoteId, token: await quoteToken(context) });
      assert.deepEqual(expectStatus(quote, 200).body.receiveAmount, body.receiveAmount);
    },
  },
  {
    id: 'outgoing-payment.quote-once',
    rows: ['RS-OP-08', 'RS-OP-28', 'RS-Q-24'],
    title: 'of two payments of one quote exactly one is accepted; the quote stays readable',
    run: async (context) => {
      const token = await outgoingToken(context);
      const quote = await quoteOf(context, '30');
      const answers = await Promise.all([pay(context, quote.id, token), pay(context, quote.id, token)]);
      assert.deepEqual(answers.map((answer) => answer.status).sort(), [201, 400]);
      expectResourceError(await pay(context, quote.id, token), 400, /^invalid quote$/);
      const read = await context.call({ operation: 'get-quote', url: quote.id, token: await quoteToken(context) });
      assert.deepEqual(expectStatus(read, 200).body, quote);
    },
  },
  {
    id: 'outgoing-payment.closed-receiver',
    rows: ['RS-OP-11', 'RS-IP-22', 'RS-Q-23'],
    title: 'a receiver that was completed after the quote takes no payment',
    run: async (context) => {
      const quote = await quoteOf(context, '30');
      expectStatus(await completeIncomingPayment(context, quote.receiver), 200);
      const token = await outgoingToken(context);
      expectResourceError(await pay(context, quote.id, token), 400, /^invalid quote$/);
      const debitAmount = amountOf(context.sender, '30');
      const json = { walletAddress: context.sender.url, incomingPayment: quote.receiver, debitAmount };
      expectResourceError(await postOutgoingPayment(context, json, token), 400, /^invalid receiver$/);
    },
  },
  {
    id: 'grant-spent.totals',
    rows: ['RS-G-01', 'RS-G-02', 'RS-G-07', 'RS-OP-13', 'RS-Q-19', 'RS-OP-25', 'LIM-16', 'AMB-04', 'AMB-23'],
    title: 'a grant has spent nothing, then the sum of its payments, limited or not; a quote spends nothing',
    run: async (context) => {
      const token = await tokenFor(context);
      const nothing = { spentDebitAmount: null, spentReceiveAmount: null };
      assert.deepEqual(expectStatus(await getSpent(context, token), 200).body, nothing);
      const first = await quoteOf(context, '100');
      const second = await quoteOf(context, '50');
      assert.deepEqual(expectStatus(await getSpent(context, token), 200).body, nothing);
      await payQuote(context, first.id, token);
      const { body: one } = expectStatus(await getSpent(context, token), 200);
      assert.deepEqual(one, { spentDebitAmount: first.debitAmount, spentReceiveAmount: first.receiveAmount });
      const paid = await payQuote(context, second.id, token);
      const { body: both } = expectStatus(await getSpent(context, token), 200);
      assert.equal(both.spentDebitAmount.value, '150');
      const received = BigInt(first.receiveAmount.value) + BigInt(second.receiveAmount.value);
      assert.equal(both.spentReceiveAmount.value, String(received));
      const told = { spentDebitAmount: paid.grantSpentDebitAmount, spentReceiveAmount: paid.grantSpentReceiveAmount };
      assert.deepEqual(told, both);
    },
  },
  {
    id: 'limit.debit',
    rows: ['LIM-02', 'LIM-03', 'RS-OP-12', 'RS-OP-27', 'RS-OP-26'],
    title: 'payments up to exactly the limit are accepted, one unit more is not and leaves no trace',
    run: async (context) => {
      const token = await tokenFor(context, { debitAmount: amountOf(context.sender, '100') });
      expectStatus(await pay(context, (await quoteOf(context, '60')).id, token), 201);
      const over = await quoteOf(context, '41');
      expectResourceError(await pay(context, over.id, token), 403, /^unauthorized$/i);
      assert.equal((await getSpent(context, token)).body.spentDebitAmount.value, '60');
      expectStatus(await pay(context, (await quoteOf(context, '40')).id, token), 201);
      expectResourceError(await pay(context, (await quoteOf(context, '2')).id, token), 403);
      expectStatus(await pay(context, over.id, await tokenFor(context)), 201);
    },
  },
  {
    id: 'limit.receive',
    rows: ['LIM-02', 'LIM-03', 'RS-OP-12'],
    title: 'a limit on what is received counts the receive amounts',
    run: async (context) => {
      const token = await tokenFor(context, { receiveAmount: amountOf(context.receiver, '100') });
      const quoteFor = async (value: string): Promise<string> => {
        const { id } = await createIncomingPayment(context);
        return (await createQuote(context, id, { receiveAmount: amountOf(context.receiver, value) })).id;
      };
      expectStatus(await pay(context, await quoteFor('99'), token), 201);
      expectResourceError(await pay(context, await quoteFor('2'), token), 403);
      expectStatus(await pay(context, await quoteFor('1'), token), 201);
    },
  },
  {
    id: 'limit.asset',
    rows: ['LIM-04', 'RS-OP-12'],
    title: 'a limit in another asset than the payment’s lets nothing through',
    run: async (context) => {
      const token = await tokenFor(context, { receiveAmount: { value: '1000', assetCode: 'XTS', assetScale: 2 } });
      expectResourceError(await pay(context, (await quoteOf(context, '10')).id, token), 403);
    },
  },
  {
    id: 'limit.receiver',
    rows: ['LIM-05', 'LIM-16', 'RS-OP-12'],
    title: 'a limit to one receiver lets only that one be paid, in any amount',
    run: async (context) => {
      const { id: receiver } = await createIncomingPayment(context);
      const token = await tokenFor(context, { receiver });
      const other = await quoteOf(context, '10');
      expectResourceError(await pay(context, other.id, token), 403);
      const right = await createQuote(context, receiver, { debitAmount: amountOf(context.sender, '500') });
      expectStatus(await pay(context, right.id, token), 201);
    },
  },
  {
    id: 'limit.interval',
    rows: ['LIM-06', 'LIM-07', 'AS-45'],
    title: 'a grant whose intervals are over, or not begun, pays nothing',
    run: async (context) => {
      const debitAmount = amountOf(context.sender, '100');
      for (const interval of ['R2/2001-01-01T00:00:00Z/P1M', 'R2/2901-01-01T00:00:00Z/P1M']) {
        const token = await tokenFor(context, { debitAmount, interval });
        expectResourceError(await pay(context, (await quoteOf(context, '10')).id, token), 403);
      }
      const token = await tokenFor(context, { debitAmount, interval: 'R/2001-01-01T00:00:00Z/P1M' });
      expectStatus(await pay(context, (await quoteOf(context, '10')).id, token), 201);
    },
  },
  {
    id: 'limit.parallel',
    rows: ['LIM-13'],
    title: 'of two payments at once that fit only singly, one is accepted',
    run: async (context) => {
      const token = await tokenFor(context, { debitAmount: amountOf(context.sender, '100') });
      const quotes = [await quoteOf(context, '60'), await quoteOf(context, '60')];
      const answers = await Promise.all(quotes.map((quote) => pay(context, quote.id, token)));
      assert.deepEqual(answers.map((answer) => answer.status).sort(), [201, 403]);
    },
  },
];
