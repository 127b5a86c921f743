/** States of a grant as its ASE tells them over the control API, and that none is left backwards. RFC 9635 §1.5. */
import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectGnapError, expectStatus } from '../../steps/expect.ts';
import { walkInteraction } from '../../steps/interaction.ts';
import {
  cancelGrant,
  continueGrant,
  obtainConsent,
  outgoingAccess,
  passWait,
  quoteAccess,
  requestInteractiveGrant,
  requestToken,
} from '../../steps/scenarios.ts';
import type { Json } from '../../steps/signed-client.ts';
import { inNewWorld } from '../../steps/world.ts';

/** State of the latest grant of the sender's ASE. */
async function newestState({ control, sender }: CheckContext): Promise<string> {
  const { ases } = (await control.request('GET', '/')).body;
  const ase = ases.find(({ resourceServer }: Json) => resourceServer === sender.resourceServer);
  const { status, body } = await control.request('GET', `/ases/${ase.name}/grants`);
  assert.equal(status, 200);
  return body.grants[0].state;
}

export const checks: readonly Check[] = [
  {
    id: 'grant.states',
    rows: ['LIM-01'],
    title:
      'a grant is pending, approved, issued and revoked, in this order, and later actions do not change a final state',
    run: (context) =>
      inNewWorld(context, {}, async (world) => {
        const pending = await requestInteractiveGrant(world, [outgoingAccess(world.sender)]);
        assert.equal(await newestState(world), 'pending');
        const interactRef = await obtainConsent(world, pending);
        assert.equal(await newestState(world), 'approved');
        await passWait(world, pending.body);
        const issued = expectStatus(await continueGrant(world, pending.body, interactRef), 200).body;
        assert.equal(await newestState(world), 'issued');
        await walkInteraction(world.call, pending.body.interact.redirect);
        await passWait(world, issued);
        assert.ok((await continueGrant(world, issued, interactRef)).status >= 400, 'a reference serves once');
        assert.equal(await newestState(world), 'issued');
        expectStatus(await cancelGrant(world, issued), 204);
        assert.equal(await newestState(world), 'revoked');
        await walkInteraction(world.call, pending.body.interact.redirect);
        assert.ok((await continueGrant(world, issued, interactRef)).status >= 400, 'nothing continues it');
        assert.equal(await newestState(world), 'revoked');
      }),
  },
  {
    id: 'grant.states-without-consent',
    rows: ['LIM-01'],
    title: 'a denied grant stays rejected; one that needs no consent is issued at once',
    run: (context) =>
      inNewWorld(context, {}, async (world) => {
        const pending = await requestInteractiveGrant(world, [outgoingAccess(world.sender)], false);
        await world.control.withConsent('deny', () => walkInteraction(world.call, pending.body.interact.redirect));
        assert.equal(await newestState(world), 'rejected');
        await walkInteraction(world.call, pending.body.interact.redirect);
        await passWait(world, pending.body);
        expectGnapError(await continueGrant(world, pending.body), 401, 'request_denied');
        assert.equal(await newestState(world), 'rejected');
        await requestToken(world, world.sender, [quoteAccess()]);
        assert.equal(await newestState(world), 'issued');
      }),
  },
];
