/**
 * The interaction: from interact.redirect to the finish URI, its session, its hash, and refusal by the owner.
 * RFC 9635 §4.
 */
import assert from 'node:assert/strict';
import { NotApplicable } from '../../runner/capability.ts';
import type { Check, CheckContext } from '../../runner/check.ts';
import { ConsentBrowser } from '../../steps/consent-page.ts';
import { expectGnapError, expectStatus } from '../../steps/expect.ts';
import {
  CookieJar,
  finishUri,
  hashEncoding,
  interactionHash,
  walkInteraction,
  withoutQuery,
} from '../../steps/interaction.ts';
import { giveConsent } from '../../steps/owner-consent.ts';
import {
  continueGrant,
  obtainConsent,
  outgoingAccess,
  type PendingGrant,
  passWait,
  postGrant,
  requestInteractiveGrant,
} from '../../steps/scenarios.ts';
import type { Answer } from '../../steps/signed-client.ts';

const pendingGrant = (context: CheckContext, finish: boolean | string = true): Promise<PendingGrant> =>
  requestInteractiveGrant(context, [outgoingAccess(context.sender)], finish);

/** The URL to which the identity provider returns the browser (AS-85). */
const finishStep = ({ body }: PendingGrant): string => {
  const start = withoutQuery(body.interact.redirect);
  if (!/\/interact\/[^/]+\/[^/]+$/.test(start)) throw new NotApplicable('interaction-urls');
  return `${start}/finish`;
};

export const checks: readonly Check[] = [
  {
    id: 'interaction.start',
    rows: ['AS-76', 'AS-N06', 'AS-N07'],
    title: 'opening the interaction sets a session cookie and redirects, leaking and storing nothing',
    run: async (context) => {
      const { body } = await pendingGrant(context);
      const answer = expectStatus(await context.call({ url: body.interact.redirect, sign: false }), 302);
      assert.ok(answer.headers.get('location'), 'Location');
      const cookies = answer.headers.getSetCookie();
      assert.ok(cookies.length > 0, 'Set-Cookie');
      for (const cookie of cookies) {
        assert.match(cookie, /;\s*httponly/i);
        assert.match(cookie, /;\s*samesite=lax/i);
      }
      assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
      assert.match(answer.headers.get('cache-control') ?? '', /no-store/);
      assert.match(answer.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/);
    },
  },
  {
    id: 'interaction.unknown',
    rows: ['AS-79'],
    title: 'an interaction with a wrong nonce is not started',
    run: async (context) => {
      const { body } = await pendingGrant(context);
      const { redirect, finish } = body.interact;
      const url = redirect.replace(finish, 'x'.repeat(finish.length));
      if (url === redirect) throw new NotApplicable('interaction-urls');
      expectStatus(await context.call({ url, sign: false }), 400);
    },
  },
  {
    id: 'interaction.hash',
    rows: ['AS-85', 'AS-86', 'AS-100', 'AS-101', 'AS-102', 'AS-103', 'AS-104', 'AS-106', 'AMB-01'],
    title: 'the finish URI gains a hash that verifies and a reference, and keeps its own query',
    run: async (context) => {
      const pending = await pendingGrant(context, `${finishUri}?order=a%26b&order=2`);
      const { finish } = await giveConsent(context, pending.body.interact.redirect);
      assert.ok(finish, 'the interaction ends at the finish URI');
      assert.deepEqual(finish.searchParams.getAll('order'), ['a&b', '2']);
      const interactRef = finish.searchParams.get('interact_ref') ?? '';
      assert.match(interactRef, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      const parts = {
        clientNonce: pending.clientNonce,
        serverNonce: pending.body.interact.finish,
        interactRef,
        grantEndpoint: context.sender.authServer,
      };
      assert.equal(finish.searchParams.get('hash'), interactionHash(parts, hashEncoding[context.profile]));
    },
  },
  {
    id: 'interaction.references-differ',
    rows: ['AS-106', 'AS-115'],
    title: 'a reference belongs to its grant alone',
    run: async (context) => {
      const first = await pendingGrant(context);
      const second = await pendingGrant(context);
      const firstRef = await obtainConsent(context, first);
      const secondRef = await obtainConsent(context, second);
      assert.notEqual(firstRef, secondRef);
      await passWait(context, first.body);
      expectGnapError(await continueGrant(context, first.body, secondRef), 404, 'invalid_continuation');
    },
  },
  {
    id: 'interaction.parallel',
    rows: ['AS-N06'],
    title: 'two interactions in one browser do not affect each other',
    consent: 'manual',
    run: async (context) => {
      const owner = new ConsentBrowser(context);
      const grants = [await pendingGrant(context), await pendingGrant(context)];
      // Both pages are open before either is decided.
      const opened: { readonly page: Answer; readonly url: string }[] = [];
      for (const grant of grants) opened.push({ page: expectStatus(await owner.open(grant), 200), url: owner.url });
      for (const { page, url } of opened) {
        owner.url = url;
        const told = await owner.follow(await owner.click(page, 'accept'));
        assert.ok(told['interact_ref'], 'both come to their end');
      }
    },
  },
  {
    id: 'interaction.without-session',
    rows: ['AS-90'],
    title: 'the end of an interaction is refused to a browser without its session',
    run: async (context) => {
      const pending = await pendingGrant(context);
      const jar = new CookieJar();
      const { answers } = await walkInteraction(
        context.call,
        (await pendingGrant(context)).body.interact.redirect,
        jar,
      );
      const foreign = answers.flatMap((answer) => answer.headers.getSetCookie()).map((line) => line.split(';')[0]!);
      assert.ok(foreign.length > 0, 'the other interaction has a session');
      for (const headers of [[], [['cookie', foreign.join('; ')] as const]]) {
        const answer = await context.call({ url: finishStep(pending), sign: false, headers });
        expectStatus(answer, 401);
        assert.equal(answer.headers.get('location'), null);
      }
      const unknown = finishStep(pending).replace(pending.body.interact.finish, 'x'.repeat(20));
      expectStatus(await context.call({ url: unknown, sign: false }), 404);
    },
  },
  {
    id: 'interaction.finish-once',
    rows: ['AS-85', 'AS-N02', 'AS-N06'],
    title: 'the end of an interaction ends its session: replayed with the same cookie it yields no second reference',
    consent: 'manual',
    run: async (context) => {
      const pending = await pendingGrant(context);
      const owner = new ConsentBrowser(context);
      const page = expectStatus(await owner.open(pending), 200);
      const url = finishStep(pending);
      const cookie = owner.jar.header(url);
      assert.ok(cookie, 'there is a session');
      const decided = await owner.click(page, 'accept');
      const finish = new URL(decided.headers.get('location') ?? '', url).href;
      const { interact_ref: interactRef } = await owner.follow(decided);
      assert.equal(owner.jar.header(url), undefined, 'the session cookie is deleted');
      const replay = async () => {
        for (const end of [url, finish]) {
          const again = await context.call({ url: end, sign: false, headers: [['cookie', cookie]] });
          assert.ok(!(again.headers.get('location') ?? '').includes('interact_ref'), 'no second reference');
          expectStatus(again, 401);
        }
      };
      await replay();
      await passWait(context, pending.body);
      expectStatus(await continueGrant(context, pending.body, interactRef), 200);
      await replay();
      await passWait(context, pending.body);
      expectGnapError(
        await continueGrant(context, pending.body, interactRef),
        401,
        'request_denied',
        'invalid_continuation',
      );
    },
  },
  {
    id: 'interaction.rejected',
    rows: ['AS-87', 'AS-115', 'CT-02'],
    title: 'a refusal comes back as result=grant_rejected without hash and reference, and no reference works',
    run: async (context) => {
      await context.control.withConsent('deny', async () => {
        const pending = await pendingGrant(context);
        const { finish } = await walkInteraction(context.call, pending.body.interact.redirect);
        assert.equal(finish?.searchParams.get('result'), 'grant_rejected');
        assert.equal(finish.searchParams.get('hash'), null);
        assert.equal(finish.searchParams.get('interact_ref'), null);
        await passWait(context, pending.body);
        const guess = crypto.randomUUID();
        expectGnapError(await continueGrant(context, pending.body, guess), 404, 'invalid_continuation');
      });
    },
  },
  {
    id: 'interaction.rejected-poll',
    rows: ['AS-89', 'AS-118', 'AMB-27', 'CT-02'],
    title: 'a client that polls learns of the refusal',
    run: async (context) => {
      await context.control.withConsent('deny', async () => {
        const pending = await pendingGrant(context, false);
        const walk = await walkInteraction(context.call, pending.body.interact.redirect);
        assert.equal(walk.finish, undefined);
        expectStatus(walk.answers.at(-1)!, 202);
        await passWait(context, pending.body);
        expectGnapError(await continueGrant(context, pending.body), 401, 'request_denied');
      });
    },
  },
  {
    id: 'interaction.private-use-scheme',
    rows: ['AS-94'],
    title: 'the finish URI may be that of an app',
    run: async (context) => {
      const finish = { method: 'redirect', uri: 'org.example.app://callback', nonce: crypto.randomUUID() };
      const request = {
        access_token: { access: [outgoingAccess(context.sender)] },
        interact: { start: ['redirect'], finish },
      };
      const { body } = expectStatus(await postGrant(context, context.sender, request), 200);
      assert.deepEqual(Object.keys(body).sort(), ['continue', 'interact']);
    },
  },
];
