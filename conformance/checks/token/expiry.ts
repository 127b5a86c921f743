/** Expiry of access tokens (RFC 9635 §6.1). */
import type { Check } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { incomingAccess, postIncomingPayment, requestToken, rotateToken } from '../../steps/scenarios.ts';

export const checks: readonly Check[] = [
  {
    id: 'token.rotate-expired',
    rows: ['AS-143', 'INT-11', 'CT-03'],
    title: 'an expired token is refused but can be rotated',
    run: async (context) => {
      const json = { walletAddress: context.receiver.url };
      const { access_token } = await requestToken(context, context.receiver, [
        incomingAccess(context.receiver, ['create']),
      ]);
      await context.control.advanceClock(access_token.expires_in + 1);
      expectResourceError(await postIncomingPayment(context, json, access_token.value), 401);
      const rotated = expectStatus(await rotateToken(context, access_token), 200).body.access_token;
      expectStatus(await postIncomingPayment(context, json, rotated.value), 201);
    },
  },
];
