/** Exact exchange rates (SET-03, SET-04, SET-10). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convertDown, convertUp, invertRate, parsePrice, rateBetween } from '../../src/payments/rates.ts';
import fc from '../support/fast-check.ts';

const prices = { USD: '1', EUR: '1.08', JPY: '0.0067', XRP: '0.29' };
const usd = { code: 'USD', scale: 2 };
const eur = { code: 'EUR', scale: 2 };

test('a rate is an exact fraction in lowest terms, scales included', () => {
  assert.deepEqual(rateBetween(prices, eur, usd), { numerator: 27n, denominator: 25n });
  assert.deepEqual(rateBetween(prices, usd, eur), { numerator: 25n, denominator: 27n });
  assert.deepEqual(rateBetween(prices, usd, { code: 'JPY', scale: 0 }), { numerator: 100n, denominator: 67n });
  assert.deepEqual(rateBetween(prices, usd, { code: 'XRP', scale: 9 }), { numerator: 10n ** 9n, denominator: 29n });
});

test('100 at 0.29 is 29, where floating point says 28', () => {
  assert.equal(Math.floor(0.29 * 100), 28);
  assert.equal(convertDown(100n, rateBetween(prices, { code: 'XRP', scale: 2 }, usd)), 29n);
});

test('the same currency in another scale is converted, with or without a price', () => {
  const fine = { code: 'USD', scale: 9 };
  assert.deepEqual(rateBetween({}, usd, fine), { numerator: 10n ** 7n, denominator: 1n });
  assert.equal(convertDown(19_999_999n, rateBetween({}, fine, usd)), 1n);
  assert.equal(convertUp(10_000_001n, rateBetween({}, fine, usd)), 2n);
  assert.deepEqual(rateBetween({}, { code: 'X', scale: 0 }, { code: 'X', scale: 255 }).numerator, 10n ** 255n);
});

test('receivers are rounded down, senders up', () => {
  const third = { numerator: 1n, denominator: 3n };
  assert.deepEqual([convertDown(8n, third), convertUp(8n, third)], [2n, 3n]);
  assert.deepEqual([convertDown(9n, third), convertUp(9n, third)], [3n, 3n]);
  assert.deepEqual([convertDown(0n, third), convertUp(0n, third)], [0n, 0n]);
});

test('no rate without a price, nor for names that every object has, nor for an impossible scale', () => {
  for (const code of ['GBP', 'constructor', '__proto__', 'toString', '']) {
    assert.throws(() => rateBetween(prices, usd, { code, scale: 2 }), { code: 'no_rate' }, code);
    assert.throws(() => rateBetween(prices, { code, scale: 2 }, usd), { code: 'no_rate' }, code);
  }
  for (const scale of [-1, 256, 1.5, NaN, 1e9]) {
    assert.throws(() => rateBetween(prices, usd, { code: 'EUR', scale }), { code: 'no_rate' }, `${scale}`);
  }
});

test('a price is a positive decimal', () => {
  assert.deepEqual(parsePrice('1.50'), { numerator: 3n, denominator: 2n });
  assert.deepEqual(parsePrice('007'), { numerator: 7n, denominator: 1n });
  for (const text of ['0', '0.00', '-1', '+1', '1e3', '.5', '1.', '1,5', '', ' 1', 'NaN', 'Infinity', '1'.repeat(31)]) {
    assert.throws(() => parsePrice(text), /is not a price/, text);
  }
});

const rate = fc.record({
  numerator: fc.bigInt({ min: 1n, max: 10n ** 40n }),
  denominator: fc.bigInt({ min: 1n, max: 10n ** 40n }),
});
const value = fc.bigInt({ min: 0n, max: 2n ** 64n });

test('rounding errs by less than one unit, always in its own direction', () => {
  fc.assert(
    fc.property(rate, value, (r, v) => {
      const exact = v * r.numerator;
      const down = convertDown(v, r) * r.denominator;
      const up = convertUp(v, r) * r.denominator;
      assert.ok(down <= exact && exact - down < r.denominator);
      assert.ok(up >= exact && up - exact < r.denominator);
    }),
  );
});

test('what a sender pays for an amount is enough for it, and one unit less is not', () => {
  fc.assert(
    fc.property(rate, value, (r, wanted) => {
      const paid = convertUp(wanted, invertRate(r));
      assert.ok(convertDown(paid, r) >= wanted);
      if (paid > 0n) assert.ok(convertDown(paid - 1n, r) < wanted);
    }),
  );
});
