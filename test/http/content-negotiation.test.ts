/** Content negotiation by weight; JSON wins a tie (RFC 9110 §12.5.1; WA-15, WA-17). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preferredType } from '../../src/http/content-negotiation.ts';

const offered = ['application/json', 'application/spsp4+json', 'text/html'] as const;

const cases: readonly (readonly [accept: string | undefined, (typeof offered)[number] | undefined])[] = [
  [undefined, 'application/json'],
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['application/json', 'application/json'],
  ['Application/JSON; charset=utf-8', 'application/json'],
  ['text/html', 'text/html'],
  ['text/*;q=0.2', 'text/html'],
  ['application/json, text/html', 'application/json'],
  ['text/html, application/json', 'application/json'],
  ['text/html, application/json;q=0.9', 'text/html'],
  ['text/html;q=0.8, application/json', 'application/json'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
  ['text/html;q=0, */*', 'application/json'],
  ['application/json;q=0, */*;q=0.1', 'application/spsp4+json'],
  ['application/spsp4+json', 'application/spsp4+json'],
  ['application/spsp4+json, application/json', 'application/json'],
  ['application/spsp4+json;q=1.000, */*;q=0.001', 'application/spsp4+json'],
  ['text/html;q=0.5, application/spsp4+json;q=0.7', 'application/spsp4+json'],
  ['image/png', undefined],
  ['*/*;q=0', undefined],
  ['application/json;q=0.000', undefined],
];

for (const [accept, expected] of cases) {
  test(`Accept: ${accept} prefers ${expected}`, () => assert.equal(preferredType(accept, offered), expected));
}

test('ignores types that are not offered', () => {
  assert.equal(preferredType('text/html, */*;q=0.8', ['application/json']), 'application/json');
  assert.equal(preferredType('text/html', ['application/json']), undefined);
});
