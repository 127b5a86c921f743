/** Expiry of interactions. */
import type { Check } from '../../runner/check.ts';
import { expectGnapError } from '../../steps/expect.ts';
import { walkInteraction } from '../../steps/interaction.ts';
import { continueGrant, outgoingAccess, requestInteractiveGrant } from '../../steps/scenarios.ts';

export const checks: readonly Check[] = [
  {
    id: 'interaction.expired',
    rows: ['AS-91', 'AS-N10', 'CT-03'],
    title: 'an interaction that is not finished in time ends without consent and without a token',
    run: async (context) => {
      const { body } = await requestInteractiveGrant(context, [outgoingAccess(context.sender)], false);
      await context.control.advanceClock(3600);
      await walkInteraction(context.call, body.interact.redirect);
      expectGnapError(await continueGrant(context, body), 401, 'request_denied');
    },
  },
];
