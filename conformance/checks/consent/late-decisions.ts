/** Decisions on the consent page that come twice, too late, or from a second tab. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectNothingIssued, fetchToken, isPage, openPage } from '../../steps/consent-page.ts';
import { expectStatus } from '../../steps/expect.ts';
import { withoutQuery } from '../../steps/interaction.ts';
import { cancelGrant } from '../../steps/scenarios.ts';

export const checks: readonly Check[] = [
  {
    id: 'consent.second-click',
    rows: ['AS-85', 'AS-N02'],
    title:
      'the second click of the same decision leads back to the client as the first does; the opposite one decides nothing',
    consent: 'manual',
    run: async (context) => {
      const { owner, pending, page } = await openPage(context);
      const consentUrl = owner.url;
      const click = (label: string) => {
        owner.url = consentUrl;
        return owner.click(page, label);
      };
      await click('accept');
      expectStatus(await click('deny'), 400);
      const { interact_ref: reference } = await owner.follow(await click('accept'));
      assert.ok((await fetchToken(context, pending, reference)).value);
    },
  },
  {
    id: 'consent.replayed',
    rows: ['AS-N02', 'AS-83'],
    title: 'a form is accepted once, whatever its second decision',
    consent: 'manual',
    run: async (context) => {
      const { owner, pending, page } = await openPage(context);
      const consentUrl = owner.url;
      const { interact_ref: reference } = await owner.follow(await owner.click(page, 'accept'));
      owner.url = consentUrl;
      for (const label of ['accept', 'deny']) assert.ok(isPage(expectStatus(await owner.click(page, label), 400)));
      assert.ok(isPage(expectStatus(await owner.get(consentUrl), 400)), 'nor is it shown again');
      assert.ok((await fetchToken(context, pending, reference)).value);
    },
  },
  {
    id: 'consent.two-tabs',
    rows: ['AS-N06'],
    title: 'one interaction may be open twice in a browser: either form works, for one decision',
    consent: 'manual',
    run: async (context) => {
      const { owner, pending, page } = await openPage(context);
      const again = expectStatus(await owner.open(pending), 200);
      const consentUrl = owner.url;
      const { interact_ref: reference } = await owner.follow(await owner.click(page, 'accept'));
      assert.ok(reference);
      owner.url = consentUrl;
      expectStatus(await owner.click(again, 'deny'), 400);
      assert.ok((await fetchToken(context, pending, reference)).value);
    },
  },
  {
    id: 'consent.expired',
    rows: ['AS-91', 'AS-92'],
    title: 'an expired page decides nothing, and links back to the client',
    consent: 'manual',
    run: async (context) => {
      const { owner, pending, page } = await openPage(context);
      const consentUrl = owner.url;
      await context.control.advanceClock(601);
      const late = expectStatus(await owner.click(page, 'accept'), 400);
      const [, way] = /<a [^>]*href="([^"]*)"/.exec(late.text) ?? [];
      assert.equal(way, `${withoutQuery(pending.body.interact.redirect)}/finish`);
      assert.doesNotMatch(expectStatus(await owner.get(consentUrl), 400).text, /<form/);
      await expectNothingIssued(context, pending);
    },
  },
  {
    id: 'consent.cancelled',
    rows: ['AS-92', 'AS-83', 'AS-88'],
    title: 'a grant that its client cancels while the page is open cannot be consented to',
    consent: 'manual',
    run: async (context) => {
      const { owner, pending, page } = await openPage(context);
      const { redirect } = pending.body.interact;
      expectStatus(await cancelGrant(context, pending.body), 204);
      assert.ok(isPage(expectStatus(await owner.click(page, 'accept'), 400)));
      const finished = expectStatus(await owner.get(`${withoutQuery(redirect)}/finish`), 302);
      const told = new URL(finished.headers.get('location') ?? '').searchParams;
      assert.equal(told.get('result'), 'unknown_interaction');
      assert.equal(told.get('interact_ref'), null);
    },
  },
];
