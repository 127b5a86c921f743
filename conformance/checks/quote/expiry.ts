/** Expiry of quotes. Open Payments resource-server POST /quotes. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  outgoingToken,
  postOutgoingPayment,
  quoteToken,
} from '../../steps/scenarios.ts';

export const checks: readonly Check[] = [
  {
    id: 'quote.expired',
    rows: ['RS-Q-16', 'RS-Q-17', 'RS-Q-24', 'RS-OP-07', 'CT-03'],
    title: 'a quote expires no later than its receiver, stays readable and cannot be paid',
    run: async (context) => {
      const incoming = await createIncomingPayment(context);
      const quote = await createQuote(context, incoming.id, { debitAmount: amountOf(context.sender, '100') });
      assert.ok(Date.parse(quote.expiresAt) <= Date.parse(incoming.expiresAt), 'not after the receiver');
      await context.control.advanceClock(
        Math.ceil((Date.parse(quote.expiresAt) - Date.parse(quote.createdAt)) / 1000) + 1,
      );
      const read = await context.call({ operation: 'get-quote', url: quote.id, token: await quoteToken(context) });
      assert.deepEqual(expectStatus(read, 200).body, quote);
      const json = { walletAddress: context.sender.url, quoteId: quote.id };
      const answer = await postOutgoingPayment(context, json, await outgoingToken(context));
      expectResourceError(answer, 400, /^invalid quote$/i);
    },
  },
];
