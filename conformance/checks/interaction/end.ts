/**
 * Decisions over the back channel and the end of interactions, including those that the owner abandons. The owner
 * decides by hand here. RFC 9635 §4.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { NotApplicable } from '../../runner/capability.ts';
import { type Check, type CheckContext, profiles } from '../../runner/check.ts';
import { expectGnapError, expectStatus } from '../../steps/expect.ts';
import { CookieJar, finishUri, hashEncoding, interactionHash, withoutQuery } from '../../steps/interaction.ts';
import {
  cancelGrant,
  continueGrant,
  outgoingAccess,
  passWait,
  postGrant,
  quoteAccess,
  requestInteractiveGrant,
} from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';
import { inNewWorld } from '../../steps/world.ts';

/** An interaction that is open in the owner's browser and undecided. */
interface Undecided {
  readonly grant: Json;
  readonly clientNonce: string;
  /** `/grant/{id}/{nonce}` of the back channel. */
  readonly path: string;
  /** Destination of the first redirect. */
  readonly consentUrl: URL;
  finish(query?: string): Promise<Answer>;
  /** Opens the link again, in the same browser. */
  reopen(): Promise<Answer>;
}

async function begin(context: CheckContext, finish: boolean, changeUrl = (url: URL) => url): Promise<Undecided> {
  const { body, clientNonce } = await requestInteractiveGrant(context, [outgoingAccess(context.sender)], finish);
  const { redirect } = body.interact;
  const [, id, nonce] = /\/interact\/([^/?]+)\/([^/?]+)/.exec(redirect) ?? [];
  assert.ok(id && nonce, 'interact.redirect holds id and nonce');
  const jar = new CookieJar();
  const url = changeUrl(new URL(redirect)).href;
  const started = expectStatus(await context.call({ url, sign: false }), 302);
  jar.store(url, started);
  const visit = (target: string) => {
    const cookie = jar.header(target);
    return context.call({ url: target, sign: false, headers: cookie ? [['cookie', cookie]] : [] });
  };
  return {
    grant: body,
    clientNonce,
    path: `/grant/${id}/${nonce}`,
    consentUrl: new URL(started.headers.get('location') ?? '', url),
    finish: (query = '') => visit(`${withoutQuery(redirect)}/finish${query}`),
    reopen: () => visit(redirect),
  };
}

/** A call to the back channel; `secret` null sends none. */
function callBack(
  { target, call }: CheckContext,
  method: 'GET' | 'POST',
  path: string,
  secret: string | null = target.backChannel?.secret ?? '',
): Promise<Answer> {
  if (!target.backChannel) throw new NotApplicable('back-channel');
  const headers = secret === null ? [] : [['x-idp-secret', secret] as const];
  return call({ method, url: target.backChannel.url + path, headers, sign: false });
}

/** Query of the finish URI in the redirect. */
const told = (answer: Answer): Record<string, string> =>
  Object.fromEntries(new URL(expectStatus(answer, 302).headers.get('location') ?? '').searchParams);

export const checks: readonly Check[] = [
  {
    id: 'interaction.identity-provider',
    rows: ['AS-75', 'AS-76', 'AS-77'],
    title:
      'the identity provider gets id, nonce, name and URL of the client, all from the grant and nothing from the query',
    consent: 'manual',
    run: async (context) => {
      const { client } = context.target;
      const document = await context.call({ operation: 'get-wallet-address', url: client, sign: false });
      const clientName = expectStatus(document, 200).body.publicName;
      const forge = (url: URL) => {
        assert.deepEqual(Object.fromEntries(url.searchParams), { clientName, clientUri: client });
        url.searchParams.set('clientName', 'Your bank');
        url.searchParams.set('clientUri', 'https://bank.example');
        return url;
      };
      const strip = (url: URL) => new URL(url.origin + url.pathname);
      for (const change of [forge, strip]) {
        const { consentUrl, path } = await begin(context, true, change);
        const [, , interactId, nonce] = path.split('/');
        const given = Object.fromEntries(consentUrl.searchParams);
        assert.deepEqual(given, { interactId, nonce, clientName, clientUri: client });
        const read = expectStatus(await callBack(context, 'GET', path), 200).body;
        assert.deepEqual(read.client, { name: clientName, uri: client });
        const page = await context.call({ url: consentUrl.href, sign: false, accept: 'text/html' });
        assert.ok(expectStatus(page, 200).text.includes(clientName) && !page.text.includes('Your bank'));
      }
    },
  },
  {
    id: 'interaction.forged-decision',
    rows: ['AS-81', 'AS-84', 'AS-92'],
    title: 'a decision without the secret, or with another, is 401 and decides nothing',
    consent: 'manual',
    run: async (context) => {
      const { path, grant, finish } = await begin(context, false);
      const { authServer } = context.sender;
      for (const secret of [null, '', 'guess', `${context.target.backChannel?.secret}x`]) {
        for (const decision of ['accept', 'reject'])
          expectStatus(await callBack(context, 'POST', `${path}/${decision}`, secret), 401);
      }
      // The browser endpoints do not accept the decision either.
      for (const decision of ['accept', 'reject']) {
        const url = `${withoutQuery(grant.interact.redirect)}/${decision}`;
        expectStatus(await context.call({ method: 'POST', url, sign: false }), 404, 405);
        const public_ = `${authServer.replace(/\/$/, '')}${path}/${decision}`;
        expectStatus(await context.call({ operation: null, method: 'POST', url: public_, sign: false }), 404);
      }
      assert.equal((await callBack(context, 'GET', path)).body.state, 'PENDING');
      await passWait(context, grant);
      const polled = expectStatus(await continueGrant(context, grant), 200);
      assert.equal(polled.body.access_token, undefined);
      assert.notEqual((await finish()).status, 202);
    },
  },
  {
    id: 'interaction.head',
    rows: ['AS-76', 'AS-85'],
    title: 'HEAD neither starts nor ends an interaction',
    consent: 'manual',
    run: async (context) => {
      const { grant, path, finish } = await begin(context, true);
      expectStatus(await callBack(context, 'POST', `${path}/accept`), 202);
      const start = grant.interact.redirect;
      for (const url of [start, `${withoutQuery(start)}/finish`]) {
        const answer = expectStatus(await context.call({ method: 'HEAD', url, sign: false }), 405);
        assert.deepEqual([answer.headers.get('allow'), answer.headers.getSetCookie()], ['GET', []]);
      }
      assert.ok(told(await finish())['interact_ref'], 'the browser that began can still finish');
    },
  },
  {
    id: 'interaction.head-consents-to-nothing',
    rows: ['AS-76', 'AS-92'],
    title: 'a HEAD request to the redirect URL, as link previews send it, does not count as consent',
    run: async (context) => {
      const { body } = await requestInteractiveGrant(context, [outgoingAccess(context.sender)], false);
      await context.call({ method: 'HEAD', url: body.interact.redirect, sign: false });
      await passWait(context, body);
      assert.equal(expectStatus(await continueGrant(context, body), 200).body.access_token, undefined);
    },
  },
  {
    id: 'interaction.decision-takes-effect',
    rows: ['AS-82', 'AS-89', 'AS-119', 'AS-120', 'AS-N03'],
    title:
      'a client that polls gets its token once the identity provider has reported consent, whatever the browser does',
    consent: 'manual',
    run: async (context) => {
      const { grant, path, finish } = await begin(context, false);
      await passWait(context, grant);
      assert.equal(expectStatus(await continueGrant(context, grant), 200).body.access_token, undefined);
      expectStatus(await callBack(context, 'POST', `${path}/accept`), 202);
      await passWait(context, grant);
      const { body } = expectStatus(await continueGrant(context, grant), 200);
      assert.deepEqual(body.access_token.access, [outgoingAccess(context.sender)]);
      expectStatus(await finish(), 202);

      const refused = await begin(context, false);
      expectStatus(await callBack(context, 'POST', `${refused.path}/reject`), 202);
      await passWait(context, refused.grant);
      expectGnapError(await continueGrant(context, refused.grant), 401, 'request_denied');
    },
  },
  {
    id: 'interaction.foreign-holder',
    rows: ['AS-N05', 'AS-92'],
    title: 'consent by anyone but the holder of the wallet address is refused and issues nothing',
    consent: 'manual',
    run: async (context) => {
      const { ases } = (await context.control.request('GET', '/')).body;
      const isHere = ({ walletAddresses }: Json) => walletAddresses.some(({ url }: Json) => url === context.sender.url);
      const listed = await context.control.request('GET', `/ases/${ases.find(isHere).name}/wallet-addresses`);
      const accountOf = (wanted: (url: string) => boolean): string =>
        listed.body.walletAddresses.find(({ url }: Json) => wanted(url)).account;
      const holder = accountOf((url) => url === context.sender.url);
      const other = accountOf((url) => url !== context.sender.url);
      assert.notEqual(holder, other);
      const { grant, path, finish } = await begin(context, true);
      const refused = await callBack(context, 'POST', `${path}/accept?holder=${other}`);
      assert.equal(expectStatus(refused, 403).body.error.code, 'user_denied');
      assert.equal((await callBack(context, 'GET', path)).body.state, 'PENDING');
      assert.deepEqual(told(await finish()), { result: 'grant_invalid' });
      await passWait(context, grant);
      expectGnapError(await continueGrant(context, grant, randomUUID()), 401, 'request_denied');

      // The holder owns the subject and the wallet address that pays.
      const subject = { sub_ids: [{ id: context.sender.url, format: 'uri' }] };
      const request = { access_token: { access: [quoteAccess()] }, subject, interact: { start: ['redirect'] } };
      const asked = expectStatus(await postGrant(context, context.sender, request), 200).body;
      const [, ids] = /\/interact(\/[^/?]+\/[^/?]+)/.exec(asked.interact.redirect) ?? [];
      expectStatus(await callBack(context, 'POST', `/grant${ids}/accept?holder=${other}`), 403);
      expectStatus(await callBack(context, 'POST', `/grant${ids}/accept?holder=${holder}`), 202);
      await passWait(context, asked);
      assert.deepEqual(expectStatus(await continueGrant(context, asked), 200).body.subject, subject);
    },
  },
  {
    id: 'interaction.no-open-redirect',
    rows: ['AS-79', 'AS-94'],
    title:
      'a link leads to the registered finish URI only in the browser that started it, and no query picks another target',
    consent: 'manual',
    run: async (context) => {
      const elsewhere = 'https://elsewhere.example/';
      const names = ['finish', 'finish_uri', 'redirect_uri', 'redirect', 'uri', 'url', 'next', 'return', 'returnUrl'];
      const query = new URLSearchParams(names.map((name): [string, string] => [name, elsewhere]));
      const [cancelled, rejected, accepted] = [
        await begin(context, true),
        await begin(context, true),
        await begin(context, true),
      ];
      expectStatus(await cancelGrant(context, cancelled.grant), 204);
      expectStatus(await callBack(context, 'POST', `${rejected.path}/reject`), 202);
      expectStatus(await callBack(context, 'POST', `${accepted.path}/accept`), 202);
      for (const { grant, reopen, finish, consentUrl } of [cancelled, rejected, accepted]) {
        const { redirect } = grant.interact;
        for (const url of [redirect, `${redirect}&${query}`]) {
          const stranger = expectStatus(await context.call({ url, sign: false }), 403);
          assert.equal(stranger.headers.get('location'), null);
        }
        assert.equal(told(await reopen())['result'], 'invalid_interaction');
        const { origin, pathname } = new URL((await finish(`?${query}`)).headers.get('location') ?? '');
        assert.equal(origin + pathname, finishUri);
        assert.ok(!consentUrl.href.includes('elsewhere'));
      }
      const forged = await begin(context, true, (url) => new URL(`${url}&${query}`));
      assert.ok(!forged.consentUrl.href.includes('elsewhere'));
    },
  },
  {
    id: 'interaction.ends-undecided',
    rows: ['AS-88', 'AS-89'],
    title: 'an interaction that is finished before the decision is grant_invalid, or 401 without a finish URI',
    consent: 'manual',
    run: async (context) => {
      const { finish, grant, path } = await begin(context, true);
      assert.deepEqual(told(await finish()), { result: 'grant_invalid' });
      await passWait(context, grant);
      expectGnapError(await continueGrant(context, grant, randomUUID()), 401, 'request_denied');
      assert.equal((await callBack(context, 'GET', path)).body.state, 'PENDING');
      const polling = await begin(context, false);
      assert.equal(expectStatus(await polling.finish(), 401).body.error.code, 'invalid_interaction');
    },
  },
  {
    id: 'interaction.ends-revoked',
    rows: ['AS-88', 'AS-89', 'AS-133'],
    title:
      'an interaction whose grant was cancelled ends as unknown_interaction, decided or not, or 404 without a finish URI',
    consent: 'manual',
    run: async (context) => {
      for (const isDecided of [false, true]) {
        const { finish, grant, path } = await begin(context, true);
        if (isDecided) expectStatus(await callBack(context, 'POST', `${path}/accept`), 202);
        expectStatus(await cancelGrant(context, grant), 204);
        const decided = await callBack(context, 'POST', `${path}/accept`);
        assert.equal(expectStatus(decided, 401).body.error.code, 'user_denied');
        assert.deepEqual(told(await finish()), { result: 'unknown_interaction' });
        expectGnapError(await continueGrant(context, grant, randomUUID()), 401, 'invalid_continuation');
      }
      const polling = await begin(context, false);
      expectStatus(await cancelGrant(context, polling.grant), 204);
      assert.equal(expectStatus(await polling.finish(), 404).body.error.code, 'unknown_interaction');
    },
  },
  {
    id: 'interaction.ends-expired',
    rows: ['AS-88', 'AS-89', 'AS-91', 'AS-N10'],
    title:
      'an interaction that expired, decided or not, ends as invalid_interaction, takes no decision and yields nothing',
    run: (context) =>
      inNewWorld(context, { consent: 'manual' }, async (world) => {
        await world.control.request('POST', '/clock', { freeze: true });
        const undecided = await begin(world, true);
        const accepted = await begin(world, true);
        const polling = await begin(world, false);
        const inTime = await begin(world, true);
        expectStatus(await callBack(world, 'POST', `${accepted.path}/accept`), 202);
        await world.control.advanceClock(599);
        expectStatus(await callBack(world, 'POST', `${inTime.path}/accept`), 202);
        assert.ok(told(await inTime.finish())['interact_ref'], 'a second before its end it is still open');
        await world.control.advanceClock(1);
        for (const { finish, path, grant } of [undecided, accepted]) {
          const late = await callBack(world, 'POST', `${path}/accept`);
          assert.equal(expectStatus(late, 400).body.error.code, 'invalid_interaction');
          assert.deepEqual(told(await finish()), { result: 'invalid_interaction', message: 'interaction expired' });
          await passWait(world, grant);
          const continued = await continueGrant(world, grant, randomUUID());
          assert.ok([401, 404].includes(continued.status) && continued.body.error, 'nothing is issued');
        }
        assert.equal(expectStatus(await polling.finish(), 401).body.error.code, 'invalid_interaction');
        expectGnapError(await continueGrant(world, polling.grant), 401, 'request_denied');
      }),
  },
  {
    id: 'interaction.published-vector',
    rows: ['AS-100', 'AS-101', 'AS-102', 'AS-105'],
    title: 'the hash function reproduces the published hash for the published values',
    consent: 'manual',
    run: async (context) => {
      const published = {
        clientNonce: 'VJLO6A4CATR0KRO',
        serverNonce: 'MBDOFXG4Y5CVJCX821LH',
        interactRef: '4IFWWIKYB2PQ6U56NL1',
        grantEndpoint: 'https://server.example.com/tx',
      };
      assert.equal(interactionHash(published, 'base64url'), 'x-gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY');
      const verify = async (world: CheckContext) => {
        const { clientNonce, grant, path, finish } = await begin(world, true);
        expectStatus(await callBack(world, 'POST', `${path}/accept`), 202);
        const { hash, interact_ref: interactRef = '' } = told(await finish());
        const { finish: serverNonce } = grant.interact;
        const parts = { clientNonce, serverNonce, interactRef, grantEndpoint: world.sender.authServer };
        assert.equal(hash, interactionHash(parts, hashEncoding[world.profile]));
      };
      for (const profile of profiles) await inNewWorld(context, { consent: 'manual', profile }, verify);
    },
  },
];
