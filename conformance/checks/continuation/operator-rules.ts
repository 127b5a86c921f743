/** Continuation rules that the operator configures: the wait between polls and the renewal of continuation tokens. RFC 9635 §5. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectGnapError, expectStatus } from '../../steps/expect.ts';
import {
  cancelGrant,
  continueGrant,
  obtainConsent,
  outgoingAccess,
  requestInteractiveGrant,
  requestPollableGrant,
} from '../../steps/scenarios.ts';
import { inWorldWithRules } from '../../steps/world.ts';

export const checks: readonly Check[] = [
  {
    id: 'continuation.wait',
    rows: ['AS-122', 'AS-123', 'AMB-18'],
    title: 'an answered poll restarts the wait, a poll that came too fast does not extend it',
    run: async (context) => {
      await inWorldWithRules(context, { grants: { waitSeconds: 5 } }, async (world) => {
        await world.control.request('POST', '/clock', { freeze: true });
        const pending = await requestPollableGrant(world);
        const tooFast = async () => expectGnapError(await continueGrant(world, pending), 400, 'too_fast');
        const answered = async () => expectStatus(await continueGrant(world, pending), 200);
        await tooFast();
        await world.control.advanceClock(4);
        await tooFast();
        await world.control.advanceClock(1);
        await answered();
        await tooFast();
        await world.control.advanceClock(4);
        await tooFast();
        await world.control.advanceClock(1);
        await answered();

        const withFinish = await requestInteractiveGrant(world, [outgoingAccess(world.sender)]);
        const interactRef = await obtainConsent(world, withFinish);
        expectGnapError(await continueGrant(world, withFinish.body, interactRef), 400, 'too_fast');
        await world.control.advanceClock(5);
        expectStatus(await continueGrant(world, withFinish.body, interactRef), 200);
      });
    },
  },
  {
    id: 'continuation.token-constant',
    rows: ['AS-124'],
    title: 'the continue token and URI stay as they are, from the first answer to the cancellation',
    run: async (context) => {
      const pending = await requestPollableGrant(context);
      const polled = expectStatus(await continueGrant(context, pending), 200).body;
      assert.deepEqual(polled.continue, pending.continue);
      const withFinish = await requestInteractiveGrant(context, [outgoingAccess(context.sender)]);
      const interactRef = await obtainConsent(context, withFinish);
      const issued = expectStatus(await continueGrant(context, withFinish.body, interactRef), 200).body;
      assert.deepEqual(issued.continue, withFinish.body.continue);
      expectStatus(await cancelGrant(context, withFinish.body), 204);
    },
  },
  {
    id: 'continuation.token-renewed',
    rows: ['AS-124'],
    title: 'with the switch on, each answer brings a new continue token and voids the previous one',
    run: async (context) => {
      await inWorldWithRules(context, { switches: { rotateContinuation: true } }, async (world) => {
        const first = await requestPollableGrant(world);
        const second = expectStatus(await continueGrant(world, first), 200).body;
        assert.equal(second.continue.uri, first.continue.uri);
        assert.notEqual(second.continue.access_token.value, first.continue.access_token.value);
        expectGnapError(await continueGrant(world, first), 401, 'invalid_continuation');
        const third = expectStatus(await continueGrant(world, second), 200).body;
        expectGnapError(await cancelGrant(world, second), 401, 'invalid_continuation');
        expectStatus(await cancelGrant(world, third), 204);

        const pending = await requestInteractiveGrant(world, [outgoingAccess(world.sender)]);
        const interactRef = await obtainConsent(world, pending);
        const issued = expectStatus(await continueGrant(world, pending.body, interactRef), 200).body;
        expectGnapError(await cancelGrant(world, pending.body), 401, 'invalid_continuation');
        expectStatus(await cancelGrant(world, issued), 204);
      });
    },
  },
];
