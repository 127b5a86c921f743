/** The amounts spent under an outgoing-payment grant (RS-G-01…09). */
import type { OutgoingPaymentApiHandlers } from '../../generated/resource-server/routes.ts';
import { toWireAmount } from '../open-payments/amount.ts';
import { findSpending } from '../payments/outgoing/grant-spending.ts';
import { outgoingPaymentItem, type ResourceCall, tokenCaller } from './caller.ts';
import type { ResourceDeps } from './deps.ts';

export function createOutgoingPaymentGrantHandlers({ ase, db, clock }: Pick<ResourceDeps, 'ase' | 'db' | 'clock'>) {
  return {
    'get-outgoing-payment-grant': async (call) => {
      const { grantId } = tokenCaller(call);
      const item = outgoingPaymentItem(call);
      const { spentDebit, spentReceive } = await findSpending(db.query, {
        ase,
        grantId,
        identifier: item.identifier ?? '',
        limits: item.limits,
        now: clock.businessNow(),
      });
      return {
        status: 200,
        body: {
          spentDebitAmount: spentDebit && toWireAmount(spentDebit),
          spentReceiveAmount: spentReceive && toWireAmount(spentReceive),
        },
      };
    },
  } satisfies Pick<OutgoingPaymentApiHandlers<ResourceCall>, 'get-outgoing-payment-grant'>;
}
