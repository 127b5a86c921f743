/** Expiry of incoming payments. Open Payments resource-server POST /incoming-payments. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import {
  completeIncomingPayment,
  createIncomingPayment,
  getIncomingPayment,
  incomingAccess,
  requestToken,
} from '../../steps/scenarios.ts';

export const checks: readonly Check[] = [
  {
    id: 'incoming-payment.expired',
    rows: ['RS-IP-18', 'RS-IP-21', 'RS-IP-25', 'RS-IP-26', 'AMB-21', 'CT-03'],
    title: 'an expired payment stays readable and incomplete, offers no method and cannot be completed',
    run: async (context) => {
      const { id, createdAt, expiresAt } = await createIncomingPayment(context, { value: '50' });
      const seconds = Math.ceil((Date.parse(expiresAt) - Date.parse(createdAt)) / 1000) + 1;
      await context.control.advanceClock(seconds);
      const access = incomingAccess(context.receiver, ['read', 'complete']);
      const token = (await requestToken(context, context.receiver, [access])).access_token.value;
      const { body } = expectStatus(await getIncomingPayment(context, id, token), 200);
      assert.deepEqual([body.completed, body.methods], [false, []]);
      expectResourceError(await completeIncomingPayment(context, id, token), 409);
    },
  },
];
