/** The consent page decides nothing for a form, a browser or a host that is not the owner's. RFC 9635 §11. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { ConsentBrowser, expectNothingIssued, fieldsOf, isPage, openPage } from '../../steps/consent-page.ts';
import { expectStatus } from '../../steps/expect.ts';
import { withoutQuery } from '../../steps/interaction.ts';
import { sendRaw } from '../../steps/raw-request.ts';
import { outgoingAccess, requestInteractiveGrant } from '../../steps/scenarios.ts';

export const checks: readonly Check[] = [
  {
    id: 'consent.foreign-form',
    rows: ['AS-84', 'AS-92'],
    title: 'a form decides only in its browser and only for its interaction',
    consent: 'manual',
    run: async (context) => {
      const { owner, pending, page } = await openPage(context);
      const stranger = new ConsentBrowser(context);
      const other = await openPage(context, { owner: stranger });
      const foreign = fieldsOf(other.page.text, 'consent');
      stranger.url = owner.url;
      for (const [browser, fields] of [
        [owner, { csrf: '' }],
        [owner, { csrf: foreign['csrf']! }],
        [stranger, {}],
        [stranger, { csrf: foreign['csrf']! }],
      ] as const) {
        const refused = await browser.submit(page, { ...fields, decision: 'accept' });
        assert.ok(isPage(expectStatus(refused, 403)));
      }
      await expectNothingIssued(context, pending);
      expectStatus(await owner.click(page, 'accept'), 303);
    },
  },
  {
    id: 'consent.foreign-origin',
    rows: ['AS-84'],
    title: 'a form that a browser sends from another port, a sibling domain or an opaque origin decides nothing',
    consent: 'manual',
    run: async (context) => {
      const { owner, page } = await openPage(context);
      const consentUrl = owner.url;
      const { origin, protocol, host, hostname } = new URL(consentUrl);
      const raw = new URLSearchParams({ ...fieldsOf(page.text, 'consent'), decision: 'accept' }).toString();
      const send = (header: readonly [string, string]) =>
        context.call({
          url: new URL('consent', consentUrl).href,
          method: 'POST',
          raw,
          contentType: 'application/x-www-form-urlencoded',
          headers: [['cookie', owner.jar.header(consentUrl) ?? ''], header],
          sign: false,
        });
      for (const header of [
        ['origin', `${protocol}//${hostname}:1`],
        ['origin', `${protocol}//sibling.${host}`],
        ['origin', 'null'],
        ['sec-fetch-site', 'same-site'],
        ['sec-fetch-site', 'cross-site'],
      ] as const) {
        expectStatus(await send(header), 403);
      }
      expectStatus(await send(['origin', origin]), 303);
    },
  },
  {
    id: 'consent.session-swap',
    rows: ['AS-90'],
    title: 'a browser that opens the link before or after the owner cannot finish what the owner accepts',
    consent: 'manual',
    run: async (context) => {
      const [early, late, owner] = [1, 2, 3].map(() => new ConsentBrowser(context)) as [
        ConsentBrowser,
        ConsentBrowser,
        ConsentBrowser,
      ];
      const pending = await requestInteractiveGrant(context, [outgoingAccess(context.sender)]);
      const { redirect } = pending.body.interact;
      expectStatus(await early.get(redirect), 302);
      const page = expectStatus(await owner.open(pending), 200);
      expectStatus(await late.get(redirect), 302);
      const decided = expectStatus(await owner.click(page, 'accept'), 303);
      const finish = `${withoutQuery(redirect)}/finish`;
      for (const stranger of [early, late]) expectStatus(await stranger.get(finish), 401);
      assert.ok((await owner.follow(decided))['interact_ref'], 'the owner finishes');
    },
  },
  {
    id: 'consent.foreign-host',
    rows: ['AS-84'],
    title:
      'pages answer under their published host only, errors included, so that a rebound name cannot act for a person',
    consent: 'manual',
    run: async (context) => {
      const { owner, pending, page } = await openPage(context);
      const consentUrl = owner.url;
      const cookie = ['cookie', owner.jar.header(consentUrl) ?? ''] as const;
      const interaction = withoutQuery(pending.body.interact.redirect);
      const raw = new URLSearchParams({ ...fieldsOf(page.text, 'consent'), decision: 'accept' }).toString();
      const form = { raw, contentType: 'application/x-www-form-urlencoded' };
      for (const request of [
        { url: consentUrl },
        { url: new URL('consent', consentUrl).href, ...form },
        { url: new URL('consent', consentUrl).href, method: 'DELETE' },
        { url: new URL('sign-in', consentUrl).href, ...form },
        { url: new URL('sign-out', consentUrl).href, ...form },
        { url: new URL('nothing', consentUrl).href },
        { url: interaction },
        { url: interaction, method: 'DELETE' },
        { url: `${interaction}/finish` },
      ]) {
        for (const host of ['rebound.example', `rebound.example:${new URL(consentUrl).port || 80}`]) {
          const headers = [['host', host], cookie] as const;
          const answer = expectStatus(
            await context.call({ ...request, headers, sign: false, accept: 'text/html' }),
            421,
          );
          assert.doesNotMatch(answer.text, /<form|csrf/);
          assert.deepEqual(answer.headers.getSetCookie(), []);
        }
      }
      assert.ok((await owner.follow(await owner.click(page, 'accept')))['interact_ref'], 'nothing was decided');
    },
  },
  {
    id: 'consent.host-forms',
    rows: ['AS-84'],
    title:
      'a page counts the authority of an absolute target, else Host in any spelling, and never a forwarded host or a proxy’s word',
    consent: 'manual',
    run: async (context) => {
      const { owner } = await openPage(context);
      const { protocol, origin, host, hostname, port, pathname, search } = new URL(owner.url);
      const elsewhere = 'rebound.example';
      const path = pathname + search;
      const absolute = (authority: string) => `${protocol}//${authority}${path}`;
      const cookie = `Cookie: ${owner.jar.header(owner.url)}`;
      const statusOf = async (target: string, ...headers: string[]) => {
        const [version, ...lines] = headers[0] === 'HTTP/1.0' ? headers : ['HTTP/1.1', ...headers];
        const head = [`GET ${target} ${version}`, ...lines, cookie, 'Accept: text/html', 'Connection: close'];
        return (await sendRaw(origin, [...head, '', ''].join('\r\n'))).status;
      };
      const forwarded = (name: string) => [
        ...[`X-Forwarded-Host: ${name}`, `Forwarded: host="${name}"`, `X-Original-Host: ${name}`, `X-Host: ${name}`],
        ...[`X-Forwarded-Server: ${name}`, `X-HTTP-Host-Override: ${name}`],
      ];
      const withPort = (name: string) => (port === '' ? name : `${name}:${port}`);
      for (const [target, ...headers] of [
        [path, `Host: ${host}`],
        [path, `Host: ${host.toUpperCase()}`],
        [path, `Host: ${withPort(`${hostname}.`)}`],
        [path, `Host: ${host}`, ...forwarded(elsewhere)],
        [absolute(host), `Host: ${elsewhere}`],
      ] as const) {
        assert.equal(await statusOf(target, ...headers), 200, `${target} ${headers}`);
      }
      for (const [target, ...headers] of [
        [path, `Host: ${elsewhere}`, ...forwarded(host)],
        [path, `Host: ${withPort(`${hostname}.${elsewhere}`)}`],
        [path, `Host: ${hostname}:1`],
        [path, `Host: ${host}@${elsewhere}`],
        [path, `Host: ${elsewhere}@${host}`],
        [path, `Host: ${host}/${elsewhere}`],
        [path, 'Host:'],
        [path, 'HTTP/1.0'],
        [absolute(elsewhere), `Host: ${host}`],
        [absolute(withPort(elsewhere)), `Host: ${host}`],
      ] as const) {
        const status = await statusOf(target, ...headers);
        assert.ok(status === 421 || status === 400, `${status} for ${target} ${headers}`);
      }
    },
  },
];
