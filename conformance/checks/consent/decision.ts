/** Decisions at the consent page by a signed-in or an anonymous owner. RFC 9635 §1.6 and §4. */
import assert from 'node:assert/strict';
import { NotApplicable } from '../../runner/capability.ts';
import type { Check } from '../../runner/check.ts';
import { buttonsOf, expectNothingIssued, fetchToken, fieldsOf, openPage, textOf } from '../../steps/consent-page.ts';
import { expectStatus } from '../../steps/expect.ts';
import { amountOf } from '../../steps/scenarios.ts';
import type { Json } from '../../steps/signed-client.ts';
import { inNewWorld } from '../../steps/world.ts';

export const checks: readonly Check[] = [
  {
    id: 'consent.less-over-the-back-channel',
    rows: ['AS-82', 'LIM-02'],
    title: 'an identity provider may allow less in the body of its acceptance, and nothing beyond the request',
    consent: 'manual',
    run: async (context) => {
      const { target, call, sender } = context;
      if (!target.backChannel) throw new NotApplicable('back-channel');
      const { secret, url } = target.backChannel;
      const { pending, limits } = await openPage(context, { finish: false });
      const [, id, nonce] = /\/interact\/([^/?]+)\/([^/?]+)/.exec(pending.body.interact.redirect) ?? [];
      const accept = (body: Json) => {
        const headers = [['x-idp-secret', secret] as const];
        return call({ url: `${url}/grant/${id}/${nonce}/accept`, headers, json: body, sign: false });
      };
      const less = (amount: Json, identifier = sender.url) => ({ limits: [{ identifier, debitAmount: amount }] });
      for (const body of [
        less(amountOf(sender, '1001')),
        less(amountOf(sender, '0')),
        less({ ...amountOf(sender, '1'), assetCode: 'XXX' }),
        less({ ...amountOf(sender, '1'), assetScale: sender.assetScale + 1 }),
        less(amountOf(sender, '1'), context.receiver.url),
        { limits: [{ identifier: sender.url, receiveAmount: amountOf(sender, '1') }] },
        { limit: [] },
      ]) {
        const refused = expectStatus(await accept(body), 400);
        assert.equal(refused.body.error.code, 'invalid_request', JSON.stringify(body));
      }
      expectStatus(await accept(less(amountOf(sender, '300'))), 202);
      const token = await fetchToken(context, pending);
      assert.deepEqual(token.access[0].limits, { ...limits, debitAmount: amountOf(sender, '300') });
    },
  },
  {
    id: 'consent.unknown-choice',
    rows: ['AS-83'],
    title: 'the back channel accepts two decisions only; an unknown interaction is reported first',
    consent: 'manual',
    run: async (context) => {
      const { target, call } = context;
      if (!target.backChannel) throw new NotApplicable('back-channel');
      const { secret, url } = target.backChannel;
      const { pending } = await openPage(context);
      const [, id, nonce] = /\/interact\/([^/?]+)\/([^/?]+)/.exec(pending.body.interact.redirect) ?? [];
      const post = (path: string) => {
        return call({ method: 'POST', url: `${url}/grant/${path}`, headers: [['x-idp-secret', secret]], sign: false });
      };
      assert.equal(expectStatus(await post(`${id}/${nonce}/approve`), 400).body.error.code, 'invalid_request');
      assert.equal(expectStatus(await post(`${id}/x/approve`), 404).body.error.code, 'unknown_interaction');
      assert.equal(expectStatus(await post(`${id}/${nonce}/accept`), 202).body, undefined);
      assert.equal(expectStatus(await post(`${id}/${nonce}/approve`), 400).body.error.code, 'invalid_request');
      assert.equal(expectStatus(await post(`${id}/${nonce}/reject`), 400).body.error.code, 'invalid_interaction');
    },
  },
  {
    id: 'consent.sign-in',
    rows: ['AS-N05', 'AS-92'],
    title: 'with sign-in only the holder can consent, and not after signing out; wrong passphrases are limited',
    run: (context) => {
      const wallet = (name: string) => ({
        path: `/${name}`,
        asset: 'USD/2',
        publicName: name,
        passphrase: `${name}-phrase`,
      });
      const names = ['ann', 'ben', 'shop'];
      const definition = {
        ases: [{ name: 'slate', wallets: names.map((name) => ({ ...wallet(name), balance: 1000 })) }],
        sender: 'slate/ann',
        receiver: 'slate/ben',
        client: { wallet: 'slate/shop', keyId: 'shop-1' },
        signIn: true,
      };
      return inNewWorld(context, { definition, consent: 'manual' }, async (world) => {
        const { owner, pending, page } = await openPage(world);
        assert.ok(!textOf(page.text).includes('10.00'), 'nothing is shown before sign-in');
        const consentUrl = owner.url;
        const signIn = (account: string, passphrase: string) => {
          owner.url = consentUrl;
          return owner.submit(page, { account, passphrase }, 'sign-in');
        };
        // A forged form without sign-in.
        const { interactId, nonce, csrf } = fieldsOf(page.text, 'sign-in');
        const raw = new URLSearchParams({ interactId: interactId!, nonce: nonce!, csrf: csrf!, decision: 'accept' });
        const forge = () =>
          world.call({
            url: consentUrl.replace(/\?.*/, ''),
            raw: `${raw}&holder=/ann`,
            contentType: 'application/x-www-form-urlencoded',
            headers: [['cookie', owner.jar.header(consentUrl) ?? '']],
            sign: false,
          });
        const unsigned = expectStatus(await forge(), 303);
        assert.ok(!unsigned.headers.get('location')?.includes('/finish'), 'back to the page');
        expectStatus(await signIn('/ann', 'ben-phrase'), 403);

        expectStatus(await signIn('/ben', 'ben-phrase'), 303);
        const foreign = expectStatus(await owner.get(consentUrl), 403);
        assert.ok(!buttonsOf(foreign.text).has('accept'));
        expectStatus(await forge(), 403);
        await expectNothingIssued(world, pending);

        expectStatus(await owner.submit(foreign, {}, 'sign-out'), 303);
        for (let guess = 0; guess < 4; guess += 1) expectStatus(await signIn('/ann', 'guess'), 403);
        expectStatus(await signIn('/ann', 'ann-phrase'), 429);
        // Shorter than the lifetime of an interaction.
        await world.control.advanceClock(900);
        const later = await openPage(world, { owner });
        const signedIn = await owner.submit(later.page, { account: '/ann', passphrase: 'ann-phrase' }, 'sign-in');
        assert.match(signedIn.headers.getSetCookie().join(), /; HttpOnly; SameSite=Lax/);
        const asked = await owner.get(new URL(expectStatus(signedIn, 303).headers.get('location')!, owner.url).href);

        // Signed out in another tab.
        expectStatus(await owner.submit(asked, {}, 'sign-out'), 303);
        const stale = expectStatus(await owner.click(asked, 'accept'), 303).headers.get('location')!;
        assert.ok(!stale.includes('/finish'), 'back to the page');
        const again = expectStatus(await owner.get(new URL(stale, owner.url).href), 200);
        expectStatus(await owner.submit(again, { account: '/ann', passphrase: 'ann-phrase' }, 'sign-in'), 303);
        const last = expectStatus(await owner.get(new URL(stale, owner.url).href), 200);
        const { interact_ref: reference } = await owner.follow(await owner.click(last, 'accept'));
        assert.ok((await fetchToken(world, later.pending, reference)).value);
      });
    },
  },
];
