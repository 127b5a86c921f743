/** The consent page as text (AS-93, LIM-17): labels that scripts look for, and escaped values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConsentPage, consentPage } from '../../src/identity-provider/pages.ts';
import type { InteractionView } from '../../src/open-payments/interaction.ts';

const view: InteractionView = {
  interactionId: 'i',
  nonce: 'n',
  grantId: 'g',
  clientName: 'A & B',
  clientUri: 'https://client.example',
  access: [],
  subject: undefined,
  state: 'pending',
  finishUri: undefined,
  expiresAt: 0,
};

const render = (page: Partial<ConsentPage> = {}): string =>
  consentPage({ view, interactId: 'i', nonce: 'n', csrf: 'c', provider: 'granite', ...page });
const labelsIn = (page: string): string[] => [...page.matchAll(/aria-label="([^"]*)"/g)].map(([, label]) => label!);

test('buttons have configurable labels, accept and deny by default', () => {
  assert.deepEqual(labelsIn(render()), ['accept', 'deny']);
  const allow = render({ labels: { accept: 'allow' } });
  assert.deepEqual(labelsIn(allow), ['allow', 'deny']);
  assert.match(allow, />Allow<\/button>/);
  assert.deepEqual(labelsIn(render({ labels: { accept: '"><script>', deny: "don't" } })), [
    '&quot;&gt;&lt;script&gt;',
    'don&#39;t',
  ]);
});

test('no value of a request reorders or hides the text around it', () => {
  const page = render({
    view: { ...view, clientName: 'Shop\u202e\u2066\u200b\u2028\r\nBank', clientUri: 'https://a\u202e.example' },
  });
  assert.match(page, /<h1>Shop\ufffd{6}Bank asks for access<\/h1>/);
  assert.doesNotMatch(page, /[\u200b\u2028-\u202e\u2060-\u2069]/);
  const joined = render({ view: { ...view, clientName: '👩\u200d🌾 מכולת می\u200cخواهم' } });
  assert.ok(joined.includes('<h1>👩\u200d🌾 מכולת می\u200cخواهم asks'), 'what scripts need stays');
});

test('every value of a request is escaped', () => {
  const hostile = `"><script>'&`;
  const page = render({
    view: {
      ...view,
      clientName: hostile,
      clientUri: hostile,
      access: [
        {
          type: 'outgoing-payment',
          actions: ['create', 'read', hostile],
          identifier: hostile,
          limits: { receiver: hostile, debitAmount: { value: '5', assetCode: hostile, assetScale: 2 } },
        },
        { type: 'incoming-payment', actions: ['list-all'], identifier: hostile },
      ],
      subject: { sub_ids: [{ id: hostile, format: 'uri' }] },
    },
    provider: hostile,
    account: hostile,
    fields: { 'amount-0': hostile },
    mistakes: new Map([['amount-0', hostile]]),
  });
  assert.ok(!page.includes('<script'));
  assert.ok(!page.includes(hostile));
  assert.ok(page.split('&quot;&gt;&lt;script&gt;&#39;&amp;').length > 10, 'it is there, escaped');
});

test('only items with an amount have a field', () => {
  const debitAmount = { value: '500', assetCode: 'USD', assetScale: 2 };
  const access = [
    { type: 'quote', actions: ['create'] },
    { type: 'outgoing-payment', actions: ['create'], identifier: 'https://a.example/1' },
    { type: 'outgoing-payment', actions: ['create'], identifier: 'https://a.example/2', limits: { debitAmount } },
  ] as const;
  const page = render({ view: { ...view, access } });
  assert.deepEqual(
    [...page.matchAll(/name="(amount-\d)"/g)].map(([, name]) => name),
    ['amount-2'],
  );
});
