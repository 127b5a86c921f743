/** Decisions of an identity provider over the back channel. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import { callBackChannel, codeOf, openInteraction } from '../../steps/back-channel.ts';
import { expectStatus } from '../../steps/expect.ts';
import { cancelGrant, outgoingAccess } from '../../steps/scenarios.ts';

export const checks: readonly Check[] = [
  {
    id: 'back-channel.decisions',
    rows: ['AS-78', 'AS-80', 'AS-82', 'AS-83'],
    title: 'an identity provider reads the request, accepts or rejects it once, and gets the reason of a refusal',
    run: async (context) => {
      const accepted = await openInteraction(context);
      const { body } = expectStatus(await callBackChannel(context, 'GET', accepted.path), 200);
      assert.equal(typeof body.grantId, 'string');
      assert.deepEqual([body.state, body.access], ['PENDING', [outgoingAccess(context.sender)]]);
      expectStatus(await callBackChannel(context, 'POST', `${accepted.path}/accept`), 202);
      assert.equal((await callBackChannel(context, 'GET', accepted.path)).body.state, 'APPROVED');
      assert.deepEqual(codeOf(await callBackChannel(context, 'POST', `${accepted.path}/reject`)), [
        400,
        'invalid_interaction',
      ]);

      const rejected = await openInteraction(context);
      expectStatus(await callBackChannel(context, 'POST', `${rejected.path}/reject`), 202);
      assert.equal((await callBackChannel(context, 'GET', rejected.path)).body.state, 'DENIED');

      const unknown = `/grant/${randomUUID()}/${randomUUID()}`;
      for (const method of ['GET', 'POST'] as const) {
        const path = method === 'GET' ? unknown : `${unknown}/accept`;
        assert.deepEqual(codeOf(await callBackChannel(context, method, path)), [404, 'unknown_interaction'], method);
      }
      const cancelled = await openInteraction(context);
      expectStatus(await cancelGrant(context, cancelled.grant), 204);
      assert.deepEqual(codeOf(await callBackChannel(context, 'POST', `${cancelled.path}/accept`)), [
        401,
        'user_denied',
      ]);
    },
  },
  {
    id: 'back-channel.secret',
    rows: ['AS-81'],
    title: 'a wrong secret of any length is 401 before any lookup, and decides nothing',
    run: async (context) => {
      const { path } = await openInteraction(context);
      for (const secret of ['', 'x', `${context.target.backChannel?.secret}x`]) {
        expectStatus(await callBackChannel(context, 'GET', path, secret), 401);
        expectStatus(await callBackChannel(context, 'POST', `${path}/accept`, secret), 401);
        expectStatus(await callBackChannel(context, 'GET', `/grant/${randomUUID()}/x`, secret), 401);
      }
      assert.equal((await callBackChannel(context, 'GET', path)).body.state, 'PENDING');
    },
  },
];
