/** Limits on amounts, receivers and assets. Open Payments auth-server POST / (`limits`). */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { amountOf, createIncomingPayment, createQuote } from '../../steps/scenarios.ts';
import { createDebitQuote, getSpentAmounts, outgoingTokenWith, payWithQuote } from '../../steps/spending.ts';

export const checks: readonly Check[] = [
  {
    id: 'limit.debit',
    rows: ['LIM-02', 'LIM-03', 'RS-OP-12', 'RS-OP-27', 'RS-OP-26'],
    title: 'payments up to exactly the limit are accepted, one unit more is not and leaves no trace',
    run: async (context) => {
      const token = await outgoingTokenWith(context, { debitAmount: amountOf(context.sender, '100') });
      expectStatus(await payWithQuote(context, (await createDebitQuote(context, '60')).id, token), 201);
      const over = await createDebitQuote(context, '41');
      expectResourceError(await payWithQuote(context, over.id, token), 403, /^unauthorized$/i);
      assert.equal((await getSpentAmounts(context, token)).body.spentDebitAmount.value, '60');
      expectStatus(await payWithQuote(context, (await createDebitQuote(context, '40')).id, token), 201);
      expectResourceError(await payWithQuote(context, (await createDebitQuote(context, '2')).id, token), 403);
      expectStatus(await payWithQuote(context, over.id, await outgoingTokenWith(context)), 201);
    },
  },
  {
    id: 'limit.receive',
    rows: ['LIM-02', 'LIM-03', 'RS-OP-12'],
    title: 'a limit on what is received counts the receive amounts',
    run: async (context) => {
      const token = await outgoingTokenWith(context, { receiveAmount: amountOf(context.receiver, '100') });
      const quoteFor = async (value: string): Promise<string> => {
        const { id } = await createIncomingPayment(context);
        return (await createQuote(context, id, { receiveAmount: amountOf(context.receiver, value) })).id;
      };
      expectStatus(await payWithQuote(context, await quoteFor('99'), token), 201);
      expectResourceError(await payWithQuote(context, await quoteFor('2'), token), 403);
      expectStatus(await payWithQuote(context, await quoteFor('1'), token), 201);
    },
  },
  {
    id: 'limit.asset',
    rows: ['LIM-04', 'RS-OP-12'],
    title: 'a limit in another asset than the payment’s allows no payment',
    run: async (context) => {
      const token = await outgoingTokenWith(context, {
        receiveAmount: { value: '1000', assetCode: 'XTS', assetScale: 2 },
      });
      expectResourceError(await payWithQuote(context, (await createDebitQuote(context, '10')).id, token), 403);
    },
  },
  {
    id: 'limit.scale',
    rows: ['LIM-04', 'RS-OP-12'],
    title: 'a limit in the asset of the payment but in another scale allows no payment',
    run: async (context) => {
      const limit = amountOf(context.receiver, '1000');
      for (const assetScale of [limit.assetScale + 1, limit.assetScale - 1].filter((scale) => scale >= 0)) {
        const token = await outgoingTokenWith(context, { receiveAmount: { ...limit, assetScale } });
        expectResourceError(await payWithQuote(context, (await createDebitQuote(context, '10')).id, token), 403);
      }
    },
  },
  {
    id: 'limit.receiver',
    rows: ['LIM-05', 'LIM-16', 'RS-OP-12'],
    title: 'a limit to one receiver lets only that one be paid, in any amount',
    run: async (context) => {
      const { id: receiver } = await createIncomingPayment(context);
      const token = await outgoingTokenWith(context, { receiver });
      const other = await createDebitQuote(context, '10');
      expectResourceError(await payWithQuote(context, other.id, token), 403);
      const right = await createQuote(context, receiver, { debitAmount: amountOf(context.sender, '500') });
      expectStatus(await payWithQuote(context, right.id, token), 201);
    },
  },
  {
    id: 'limit.interval',
    rows: ['LIM-06', 'LIM-07', 'AS-45'],
    title: 'a grant whose intervals have ended, or not begun, allows no payment',
    run: async (context) => {
      const debitAmount = amountOf(context.sender, '100');
      for (const interval of ['R2/2001-01-01T00:00:00Z/P1M', 'R2/2901-01-01T00:00:00Z/P1M']) {
        const token = await outgoingTokenWith(context, { debitAmount, interval });
        expectResourceError(await payWithQuote(context, (await createDebitQuote(context, '10')).id, token), 403);
      }
      const token = await outgoingTokenWith(context, { debitAmount, interval: 'R/2001-01-01T00:00:00Z/P1M' });
      expectStatus(await payWithQuote(context, (await createDebitQuote(context, '10')).id, token), 201);
    },
  },
  {
    id: 'limit.parallel',
    rows: ['LIM-13'],
    title: 'of two simultaneous payments that exceed the limit together, one is accepted',
    run: async (context) => {
      const token = await outgoingTokenWith(context, { debitAmount: amountOf(context.sender, '100') });
      const quotes = [await createDebitQuote(context, '60'), await createDebitQuote(context, '60')];
      const answers = await Promise.all(quotes.map((quote) => payWithQuote(context, quote.id, token)));
      assert.deepEqual(answers.map((answer) => answer.status).sort(), [201, 403]);
    },
  },
];
