/** Words of the pages that scripts look for (AS-93). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InteractionView } from '../../src/identity-provider/interactions.ts';
import { consentPage } from '../../src/identity-provider/page.ts';

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
};

const labelsIn = (page: string): string[] => [...page.matchAll(/aria-label="([^"]*)"/g)].map(([, label]) => label!);

test('buttons are labelled accept and deny, or as one likes', () => {
  assert.deepEqual(labelsIn(consentPage(view, 'c')), ['accept', 'deny']);
  assert.deepEqual(labelsIn(consentPage(view, 'c', { accept: 'allow' })), ['allow', 'deny']);
  assert.deepEqual(labelsIn(consentPage(view, 'c', { accept: '"><script>', deny: "don't" })), [
    '&quot;&gt;&lt;script&gt;',
    'don&#39;t',
  ]);
});
