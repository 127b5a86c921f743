/** Error codes and descriptions of the resource server. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectStatus } from '../../steps/expect.ts';
import {
  amountOf,
  completeIncomingPayment,
  createIncomingPayment,
  postIncomingPayment,
} from '../../steps/scenarios.ts';

export const checks: readonly Check[] = [
  {
    id: 'resource.words-of-errors',
    rows: ['RS-03', 'AMB-15'],
    title: 'error.code is a word in lower case, and the description the text that clients compare with',
    run: async (context) => {
      const { receiver, sender } = context;
      const { id } = await createIncomingPayment(context);
      expectStatus(await completeIncomingPayment(context, id), 200);
      const incoming = `${receiver.resourceServer}/incoming-payments`;
      const read = (url: string, token?: string) =>
        context.call({ operation: 'get-incoming-payment', url, ...(token ? { token } : { sign: false }) });
      const receiverAsset = amountOf(sender, '1');
      const answers = [
        [
          await postIncomingPayment(context, { walletAddress: receiver.url, incomingAmount: receiverAsset }),
          'invalid_request',
          /^invalid amount$/,
        ],
        [await read(`${incoming}/${crypto.randomUUID()}`), 'not_found', /./],
        [await read(id, 'unknown-token'), 'invalid_token', /^Invalid Token$/],
        [await completeIncomingPayment(context, id), 'conflict', /^wrong state$/],
        [
          await postIncomingPayment(context, { walletAddress: sender.url }),
          'insufficient_grant',
          /^Insufficient Grant$/,
        ],
      ] as const;
      for (const [{ body, status }, code, text] of answers) {
        assert.equal(body.error.code, code, `${status}`);
        assert.match(body.error.code, /^[a-z]+(_[a-z]+)*$/);
        assert.match(body.error.description, text);
      }
    },
  },
];
