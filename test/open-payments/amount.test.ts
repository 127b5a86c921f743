/** Amounts from 0 to 2^64−1 and nothing else (RS-16, RS-17, RS-29). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRange, MAX_AMOUNT, parseAmount, sameAsset, toWireAmount } from '../../src/open-payments/amount.ts';
import fc from '../support/fast-check.ts';

const wire = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 });

test('every uint64 survives the way to the wire and back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: MAX_AMOUNT }), (value) => {
      const amount = { value, asset: { code: 'USD', scale: 2 } };
      assert.deepEqual(toWireAmount(amount), wire(value.toString()));
      assert.deepEqual(parseAmount(wire(value.toString())), amount);
    }),
    { examples: [[0n], [2n ** 53n + 1n], [MAX_AMOUNT]] },
  );
});

for (const value of [
  '',
  '-1',
  '+1',
  '01',
  '00',
  '1.0',
  '1e3',
  ' 1',
  '1\n',
  '0x1',
  '١',
  '18446744073709551616',
  'NaN',
]) {
  test(`${JSON.stringify(value)} is not an amount`, () => {
    assert.throws(() => parseAmount(wire(value)), { code: 'invalid_amount' });
  });
}

test('a result outside of uint64 is refused', () => {
  assert.equal(checkRange(0n), 0n);
  assert.equal(checkRange(MAX_AMOUNT), MAX_AMOUNT);
  assert.throws(() => checkRange(-1n), { code: 'invalid_amount' });
  assert.throws(() => checkRange(MAX_AMOUNT + 1n), { code: 'invalid_amount' });
});

test('an asset is its code and its scale', () => {
  const usd = { code: 'USD', scale: 2 };
  assert.equal(sameAsset(usd, { code: 'USD', scale: 2 }), true);
  assert.equal(sameAsset(usd, { code: 'USD', scale: 9 }), false);
  assert.equal(sameAsset(usd, { code: 'EUR', scale: 2 }), false);
});
