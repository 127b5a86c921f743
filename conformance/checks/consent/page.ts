/** The consent page: its text, its form, and protection against forged and repeated decisions. RFC 9635 §4. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import {
  buttonsOf,
  ConsentBrowser,
  expectNothingIssued,
  fetchToken,
  fieldsOf,
  openPage,
  textOf,
} from '../../steps/consent-page.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../steps/expect.ts';
import { sendRaw } from '../../steps/raw-request.ts';
import {
  amountOf,
  cancelGrant,
  createIncomingPayment,
  createQuote,
  outgoingAccess,
  payQuote,
  postOutgoingPayment,
  requestInteractiveGrant,
} from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';

const isPage = (answer: Answer): boolean => (answer.headers.get('content-type') ?? '').startsWith('text/html');

/** Minor units as a decimal. */
function written({ value, assetScale }: Json): string {
  const digits = value.padStart(assetScale + 1, '0');
  return assetScale === 0 ? value : `${digits.slice(0, -assetScale)}.${digits.slice(-assetScale)}`;
}

const amountFieldOf = (page: Answer): string => {
  const field = Object.keys(fieldsOf(page.text, 'consent')).find((name) => name.startsWith('amount'));
  assert.ok(field, 'there is a field to allow less');
  return field;
};

export const checks: readonly Check[] = [
  {
    id: 'consent.page',
    rows: ['AS-78', 'AS-93', 'LIM-17'],
    title: 'the page shows the client, the rights, limits, interval and receiver, and offers to accept or to refuse',
    consent: 'manual',
    run: async (context) => {
      const { sender, receiver, target } = context;
      const shown = expectStatus(await context.call({ url: target.client, sign: false }), 200).body.publicName;
      const incoming = `${receiver.resourceServer}/incoming-payments/${randomUUID()}`;
      const debitAmount = amountOf(sender, '1250');
      const amount = `${written(debitAmount)} ${sender.assetCode}`;
      for (const [interval, words] of [
        [
          'R12/2030-01-31T00:00:00Z/P1M',
          ['each month', '31 January 2031', '31 January 2030 to 28 February 2030', '12'],
        ],
        ['R3/P2W/2030-06-30T00:00:00Z', ['every 2 weeks', 'until 30 June 2030', '19 May 2030 to 2 June 2030', '3']],
        ['R2/2030-01-01T00:00:00Z/2030-01-02T00:00:00Z', ['each day', 'until 3 January 2030']],
        ['R/2030-01-01T08:30:00Z/PT1H', ['each hour', 'no end date', '1 January 2030, 08:30 UTC']],
      ] as const) {
        const access = outgoingAccess(sender, { debitAmount, interval, receiver: incoming });
        const page = await new ConsentBrowser(context).open(await requestInteractiveGrant(context, [access]));
        const text = textOf(expectStatus(page, 200).text);
        for (const part of [shown, target.client, sender.url, incoming, amount, ...words]) {
          assert.ok(text.includes(part), `the page does not say ${part}`);
        }
        const buttons = buttonsOf(page.text);
        assert.ok(buttons.has('accept') && buttons.has('deny'), [...buttons.keys()].join());
      }
    },
  },
  {
    id: 'consent.headers',
    rows: ['AS-N07', 'AS-93'],
    title: 'pages run no script, load no foreign style, are not cached or framed, and send no referrer',
    consent: 'manual',
    run: async (context) => {
      const { owner, page } = await openPage(context);
      const refused = await owner.submit(page, { decision: 'accept', csrf: 'x' });
      for (const { headers, text } of [page, refused]) {
        assert.doesNotMatch(text, /<script|\son\w+=|style="/i);
        const policy = headers.get('content-security-policy') ?? '';
        for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"]) {
          assert.ok(policy.includes(part), `${part} is not in ${policy}`);
        }
        assert.doesNotMatch(policy, /unsafe/);
        assert.equal(headers.get('referrer-policy'), 'no-referrer');
        assert.match(headers.get('cache-control') ?? '', /no-store/);
        assert.equal(headers.get('x-content-type-options'), 'nosniff');
      }
      assert.match(refused.headers.get('content-security-policy') ?? '', /form-action 'none'/);
      // Browsers apply it to redirects that follow the form, wherever the client's callback leads.
      assert.doesNotMatch(page.headers.get('content-security-policy') ?? '', /form-action/);
      const [cookie = ''] = page.headers.getSetCookie();
      // With `Strict`, a second tab that the client's site opens would make the form in the first useless.
      assert.match(cookie, /; HttpOnly; SameSite=Lax/);
    },
  },
  {
    id: 'consent.accept',
    rows: ['AS-85', 'AS-86', 'AS-92', 'AS-93'],
    title:
      'accepting on the page leads back to the client with a reference that brings the token, which was not issued before',
    consent: 'manual',
    run: async (context) => {
      const { owner, pending, page, limits } = await openPage(context);
      await expectNothingIssued(context, pending);
      const { interact_ref: reference } = await owner.follow(await owner.click(page, 'accept'));
      assert.ok(reference, 'a reference');
      assert.deepEqual((await fetchToken(context, pending, reference)).access[0].limits, limits);
    },
  },
  {
    id: 'consent.deny',
    rows: ['AS-87', 'AS-93'],
    title: 'the client learns that the owner refused',
    consent: 'manual',
    run: async (context) => {
      const { owner, pending, page } = await openPage(context);
      assert.deepEqual(await owner.follow(await owner.click(page, 'deny')), { result: 'grant_rejected' });
      await expectNothingIssued(context, pending);
    },
  },
  {
    id: 'consent.less',
    rows: ['AS-N05', 'AS-93', 'LIM-02'],
    title: 'the owner can lower the limit: the token shows it, and payments beyond it are refused',
    consent: 'manual',
    run: async (context) => {
      const { owner, pending, page, limits } = await openPage(context);
      const less = amountOf(context.sender, '300');
      const decided = await owner.click(page, 'accept', { [amountFieldOf(page)]: written(less) });
      const { interact_ref: reference } = await owner.follow(decided);
      const token = await fetchToken(context, pending, reference);
      assert.deepEqual(token.access[0].limits, { ...limits, debitAmount: less });
      const { id } = await createIncomingPayment(context);
      const quote = (value: string) => createQuote(context, id, { debitAmount: amountOf(context.sender, value) });
      const json = { walletAddress: context.sender.url, quoteId: (await quote('301')).id };
      expectResourceError(await postOutgoingPayment(context, json, token.value), 403);
      await payQuote(context, (await quote('300')).id, token.value);
    },
  },
  {
    id: 'consent.less-mistaken',
    rows: ['AS-93'],
    title:
      'an amount above the request, an empty one or an invalid one shows the page again with the input; nothing is decided',
    consent: 'manual',
    run: async (context) => {
      const { owner, pending, page, limits } = await openPage(context);
      const field = amountFieldOf(page);
      for (const text of ['10.01', '99999999999999999999999', '0', '-1', '1e1', 'x"><b>', '1.001']) {
        const again = expectStatus(await owner.click(page, 'accept', { [field]: text }), 400);
        assert.equal(fieldsOf(again.text, 'consent')[field], text, 'what was written is kept');
        assert.match(again.text, new RegExp(`<input id="${field}"[^>]* aria-invalid="true"`), text);
      }
      await expectNothingIssued(context, pending);
      const { interact_ref: reference } = await owner.follow(await owner.click(page, 'accept'));
      assert.deepEqual((await fetchToken(context, pending, reference)).access[0].limits, limits);
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
      const finish = `${redirect.replace(/[?#].*$/, '')}/finish`;
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
      const interaction = pending.body.interact.redirect.replace(/[?#].*$/, '');
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
      assert.equal(way, `${pending.body.interact.redirect.replace(/[?#].*$/, '')}/finish`);
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
      const finished = expectStatus(await owner.get(`${redirect.replace(/[?#].*$/, '')}/finish`), 302);
      const told = new URL(finished.headers.get('location') ?? '').searchParams;
      assert.equal(told.get('result'), 'unknown_interaction');
      assert.equal(told.get('interact_ref'), null);
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
    id: 'consent.browsers-see-pages',
    rows: ['AS-79', 'AS-90'],
    title: 'a browser gets a page when an interaction is refused, and any other client a JSON error',
    consent: 'manual',
    run: async (context) => {
      const { body } = await requestInteractiveGrant(context, [outgoingAccess(context.sender)]);
      const base = body.interact.redirect.replace(/[?#].*$/, '');
      for (const [url, status] of [
        [`${base}x`, 400],
        [`${base}/finish`, 401],
        [`${base}x/finish`, 404],
      ] as const) {
        const page = expectStatus(await new ConsentBrowser(context).get(url), status);
        assert.ok(isPage(page));
        assert.match(page.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/);
        expectGnapError(await context.call({ url, sign: false }), status, 'unknown_interaction', 'invalid_request');
      }
    },
  },
];
