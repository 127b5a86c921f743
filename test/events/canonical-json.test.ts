/** RFC 8785: the examples of the document, and that one value has one text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalize } from '../../src/events/canonical-json.ts';
import fc from '../support/fast-check.ts';

test('the sample of §3.2.2 and §3.2.3', () => {
  const text = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`;
  assert.equal(
    canonicalize(JSON.parse(text)),
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

test('members are sorted by UTF-16 code units, not by code points or locale', () => {
  const names = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
  const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
  assert.deepEqual(
    Object.keys(JSON.parse(canonicalize(Object.fromEntries(names.map((name) => [name, 0]))))).toSorted(),
    names.toSorted(),
  );
  const text = canonicalize(Object.fromEntries(names.map((name) => [name, 0])));
  const places = sorted.map((name) => text.indexOf(`${JSON.stringify(name)}:`));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  assert.ok(!places.includes(-1));
});

test('one text for one value, in whatever order its members came', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain = JSON.parse(JSON.stringify(value));
      const text = canonicalize(plain);
      assert.deepEqual(JSON.parse(text), plain);
      const reversed = JSON.parse(JSON.stringify(plain), (_name, part) =>
        part !== null && typeof part === 'object' && !Array.isArray(part)
          ? Object.fromEntries(Object.entries(part).reverse())
          : part,
      );
      assert.equal(canonicalize(reversed), text);
    }),
  );
});
