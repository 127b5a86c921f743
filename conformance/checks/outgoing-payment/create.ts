/**
 * Outgoing payments and the totals of their grants. Open Payments resource-server /outgoing-payments,
 * GET /outgoing-payment-grant.
 */

import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { expectTwoAses, foreignAmount } from '../../steps/parties.ts';
import {
  amountOf,
  completeIncomingPayment,
  createIncomingPayment,
  outgoingAccess,
  outgoingToken,
  postOutgoingPayment,
  quoteToken,
} from '../../steps/scenarios.ts';
import { addClient, obtainToken } from '../../steps/second-client.ts';
import type { Json } from '../../steps/signed-client.ts';
import { createDebitQuote, outgoingTokenWith, payWithQuote } from '../../steps/spending.ts';

interface Refusal {
  readonly id: string;
  readonly rows: readonly string[];
  readonly title: string;
  readonly json: (context: CheckContext) => Promise<Json>;
  readonly status: number;
  readonly text?: RegExp;
}

const refusals: readonly Refusal[] = [
  {
    id: 'outgoing-payment.refuses-nothing',
    rows: ['RS-OP-01'],
    title: 'neither quote nor receiver',
    json: async () => ({}),
    status: 400,
  },
  {
    id: 'outgoing-payment.refuses-mixture',
    rows: ['RS-OP-01'],
    title: 'a quote and an amount together',
    json: async (c) => ({ quoteId: (await createDebitQuote(c, '10')).id, debitAmount: amountOf(c.sender, '10') }),
    status: 400,
  },
  {
    id: 'outgoing-payment.refuses-direct-without-amount',
    rows: ['RS-OP-01'],
    title: 'an incoming payment without amount',
    json: async (c) => ({ incomingPayment: (await createIncomingPayment(c)).id }),
    status: 400,
  },
  {
    id: 'outgoing-payment.refuses-unknown-quote',
    rows: ['RS-OP-05'],
    title: 'an unknown quote',
    json: async (c) => ({ quoteId: `${c.sender.resourceServer}/quotes/${crypto.randomUUID()}` }),
    status: 404,
    text: /^unknown quote$/,
  },
  {
    id: 'outgoing-payment.refuses-foreign-quote',
    rows: ['RS-OP-05'],
    title: 'a quote of another server',
    json: async (c) => {
      expectTwoAses(c);
      return { quoteId: `${c.receiver.resourceServer}/quotes/${crypto.randomUUID()}` };
    },
    status: 400,
    text: /^invalid quote$/,
  },
  {
    id: 'outgoing-payment.refuses-direct-asset',
    rows: ['RS-OP-10'],
    title: 'a debit in another asset',
    json: async (c) => ({
      incomingPayment: (await createIncomingPayment(c)).id,
      debitAmount: foreignAmount(c.sender, '10'),
    }),
    status: 400,
    text: /^invalid amount$/,
  },
  {
    id: 'outgoing-payment.refuses-direct-wallet-address',
    rows: ['RS-OP-10'],
    title: 'a wallet address as receiver',
    json: async (c) => ({ incomingPayment: c.receiver.url, debitAmount: amountOf(c.sender, '10') }),
    status: 400,
  },
  {
    id: 'outgoing-payment.refuses-direct-unknown-receiver',
    rows: ['RS-OP-11'],
    title: 'an unknown receiver',
    json: async (c) => ({
      incomingPayment: `${c.receiver.resourceServer}/incoming-payments/${crypto.randomUUID()}`,
      debitAmount: amountOf(c.sender, '10'),
    }),
    status: 400,
    text: /^invalid receiver$/,
  },
];

export const checks: readonly Check[] = [
  ...refusals.map(
    ({ id, rows, title, json, status, text }): Check => ({
      id,
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
    title: 'a new payment repeats its quote and shows the totals of the grant; a later read does not show them',
    run: async (context) => {
      const token = await outgoingTokenWith(context);
      const quote = await createDebitQuote(context, '100');
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
      const { grantSpentDebitAmount: _, grantSpentReceiveAmount: __, ...created } = body;
      assert.deepEqual({ ...read, sentAmount: body.sentAmount }, created);
    },
  },
  {
    id: 'outgoing-payment.of-another-client',
    rows: ['RS-10', 'AS-31'],
    title: 'an outgoing payment is read by its creator, and by others only with read-all',
    run: async (context) => {
      const { sender } = context;
      const own = await outgoingToken(context);
      const { body } = expectStatus(await payWithQuote(context, (await createDebitQuote(context, '10')).id, own), 201);
      const client = await addClient(context, 'reader');
      for (const [action, status] of [
        ['read', 404],
        ['read-all', 200],
      ] as const) {
        const token = await obtainToken(context, sender, outgoingAccess(sender, undefined, [action]), client);
        const call = { operation: 'get-outgoing-payment', url: body.id, token, sign: client.identity };
        const answer = await context.call(call);
        if (status === 404) expectResourceError(answer, 404);
        else assert.equal(expectStatus(answer, 200).body.id, body.id);
      }
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
    title: 'of two different payments of one quote exactly one is accepted; the quote stays readable',
    run: async (context) => {
      const token = await outgoingToken(context);
      const quote = await createDebitQuote(context, '30');
      const body = { walletAddress: context.sender.url, quoteId: quote.id };
      const pay = (n: number) => postOutgoingPayment(context, { ...body, metadata: { n } }, token);
      const answers = await Promise.all([pay(1), pay(2)]);
      assert.deepEqual(answers.map((answer) => answer.status).sort(), [201, 400]);
      expectResourceError(await pay(3), 400, /^invalid quote$/);
      // A client that lost the answer asks again, in other bytes.
      const made = answers[0]!.status === 201 ? 0 : 1;
      const again = { metadata: { n: made + 1 }, quoteId: quote.id, walletAddress: context.sender.url };
      const repeated = expectStatus(await postOutgoingPayment(context, again, token), 201);
      assert.equal(repeated.body.id, answers[made]!.body.id);
      const read = await context.call({ operation: 'get-quote', url: quote.id, token: await quoteToken(context) });
      assert.deepEqual(expectStatus(read, 200).body, quote);
    },
  },
  {
    id: 'outgoing-payment.closed-receiver',
    rows: ['RS-OP-11', 'RS-IP-22', 'RS-Q-23'],
    title: 'a receiver that was completed after the quote cannot be paid',
    run: async (context) => {
      const quote = await createDebitQuote(context, '30');
      expectStatus(await completeIncomingPayment(context, quote.receiver), 200);
      const token = await outgoingToken(context);
      expectResourceError(await payWithQuote(context, quote.id, token), 400, /^invalid quote$/);
      const debitAmount = amountOf(context.sender, '30');
      const json = { walletAddress: context.sender.url, incomingPayment: quote.receiver, debitAmount };
      expectResourceError(await postOutgoingPayment(context, json, token), 400, /^invalid receiver$/);
    },
  },
];
