/** Private endpoints are not reachable where clients call. */
import { randomUUID } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import { openInteraction } from '../../steps/back-channel.ts';
import { expectStatus } from '../../steps/expect.ts';
import { incomingActions } from '../../steps/scenarios.ts';

export const checks: readonly Check[] = [
  {
    id: 'private.not-on-protocol-port',
    rows: ['INT-02', 'INT-03', 'CT-08'],
    title: 'introspection, the back channel and the control API are 404 where clients call',
    run: async (context) => {
      const { authServer, resourceServer } = context.sender;
      const bearer = [['authorization', `Bearer ${context.target.introspection?.secret}`] as const];
      const base = authServer.replace(/\/$/, '');
      const asked = { access_token: randomUUID(), access: [{ type: 'quote', actions: [...incomingActions] }] };
      expectStatus(
        await context.call({
          operation: null,
          method: 'POST',
          url: `${base}/introspect`,
          json: asked,
          headers: bearer,
          sign: false,
        }),
        404,
      );
      const { path } = await openInteraction(context);
      const secret = [['x-idp-secret', context.target.backChannel?.secret ?? ''] as const];
      for (const origin of [base, resourceServer]) {
        expectStatus(await context.call({ operation: null, url: origin + path, headers: secret, sign: false }), 404);
        expectStatus(await context.call({ operation: null, url: `${origin}/ledger`, sign: false }), 404);
      }
    },
  },
];
