/** Totals of a grant. Open Payments resource-server GET /outgoing-payment-grant. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectStatus } from '../../steps/expect.ts';
import { payQuote } from '../../steps/scenarios.ts';
import { createDebitQuote, getSpentAmounts, outgoingTokenWith } from '../../steps/spending.ts';

export const checks: readonly Check[] = [
  {
    id: 'grant-spent.totals',
    rows: ['RS-G-01', 'RS-G-02', 'RS-G-07', 'RS-OP-13', 'RS-Q-19', 'RS-OP-25', 'LIM-16', 'AMB-04', 'AMB-23'],
    title: 'a grant has spent nothing, then the sum of its payments, limited or not; a quote spends nothing',
    run: async (context) => {
      const token = await outgoingTokenWith(context);
      const nothing = { spentDebitAmount: null, spentReceiveAmount: null };
      assert.deepEqual(expectStatus(await getSpentAmounts(context, token), 200).body, nothing);
      const first = await createDebitQuote(context, '100');
      const second = await createDebitQuote(context, '50');
      assert.deepEqual(expectStatus(await getSpentAmounts(context, token), 200).body, nothing);
      await payQuote(context, first.id, token);
      const { body: one } = expectStatus(await getSpentAmounts(context, token), 200);
      assert.deepEqual(one, { spentDebitAmount: first.debitAmount, spentReceiveAmount: first.receiveAmount });
      const paid = await payQuote(context, second.id, token);
      const { body: both } = expectStatus(await getSpentAmounts(context, token), 200);
      assert.equal(both.spentDebitAmount.value, '150');
      const received = BigInt(first.receiveAmount.value) + BigInt(second.receiveAmount.value);
      assert.equal(both.spentReceiveAmount.value, String(received));
      const told = { spentDebitAmount: paid.grantSpentDebitAmount, spentReceiveAmount: paid.grantSpentReceiveAmount };
      assert.deepEqual(told, both);
    },
  },
];
