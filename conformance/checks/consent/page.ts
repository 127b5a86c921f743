/** The consent page: its text, its form, and what a decision means for the client. RFC 9635 §4. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import {
  buttonsOf,
  ConsentBrowser,
  expectNothingIssued,
  fetchToken,
  fieldsOf,
  isPage,
  openPage,
  textOf,
} from '../../steps/consent-page.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../steps/expect.ts';
import { withoutQuery } from '../../steps/interaction.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  outgoingAccess,
  payQuote,
  postOutgoingPayment,
  requestInteractiveGrant,
} from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';

/** Minor units as a decimal. */
function toDecimal({ value, assetScale }: Json): string {
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
      const amount = `${toDecimal(debitAmount)} ${sender.assetCode}`;
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
      const decided = await owner.click(page, 'accept', { [amountFieldOf(page)]: toDecimal(less) });
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
    id: 'consent.browsers-see-pages',
    rows: ['AS-79', 'AS-90'],
    title: 'a browser gets a page when an interaction is refused, and any other client a JSON error',
    consent: 'manual',
    run: async (context) => {
      const { body } = await requestInteractiveGrant(context, [outgoingAccess(context.sender)]);
      const base = withoutQuery(body.interact.redirect);
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
