/** Error codes and descriptions of the resource server. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { operations } from '../../steps/resource-operations.ts';
import {
  amountOf,
  completeIncomingPayment,
  createIncomingPayment,
  postIncomingPayment,
} from '../../steps/scenarios.ts';
import { inNewWorld } from '../../steps/world.ts';

export const checks: readonly Check[] = [
  {
    id: 'resource.not-stored',
    rows: ['RS-31'],
    title: 'no answer of the resource server may be stored, whether it succeeds or not',
    run: (context) =>
      inNewWorld(context, {}, async (world) => {
        // Last, because the others need the payment open.
        const last = 'complete-incoming-payment';
        const inOrder = [...operations].sort((a, b) => Number(a.id === last) - Number(b.id === last));
        for (const operation of inOrder) {
          const call = await operation.call(world);
          const answer = await world.call({ ...call, token: await operation.token(world) });
          const refused = await world.call({ ...call, token: 'unknown-token' });
          for (const { headers, status } of [answer, refused]) {
            assert.match(headers.get('cache-control') ?? '', /\bno-store\b/, `${operation.id} answered ${status}`);
          }
          expectStatus(answer, 200, 201);
          expectResourceError(refused, 401);
        }
      }),
  },
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
