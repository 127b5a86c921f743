/** Fees in basis points and fixed (SET-05, SET-11). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFee, feeFor, noFee, principalLeaving } from '../../src/payments/fees.ts';
import fc from '../support/fast-check.ts';

test('the share is rounded up, the fixed part is added', () => {
  const fee = { basisPoints: 100, fixed: 100n };
  assert.equal(feeFor(10_000n, fee), 200n);
  assert.equal(feeFor(10_001n, fee), 201n);
  assert.equal(feeFor(9_800n, fee), 198n);
  assert.equal(feeFor(1n, { basisPoints: 1, fixed: 0n }), 1n);
  assert.equal(feeFor(0n, fee), 100n);
  assert.equal(feeFor(2n ** 64n - 1n, noFee), 0n);
  assert.equal(feeFor(2n ** 64n - 1n, { basisPoints: 1, fixed: 0n }), 1_844_674_407_370_956n);
});

test('a fee of everything, a negative or a broken one is refused', () => {
  for (const fee of [
    { basisPoints: 10_000, fixed: 0n },
    { basisPoints: -1, fixed: 0n },
    { basisPoints: 0.5, fixed: 0n },
    { basisPoints: NaN, fixed: 0n },
    { basisPoints: 0, fixed: -1n },
  ]) {
    assert.throws(() => checkFee(fee), Error, `${fee.basisPoints}, ${fee.fixed}`);
  }
  const dearest = { basisPoints: 9_999, fixed: 0n };
  assert.equal(checkFee(dearest), dearest);
  assert.equal(checkFee(noFee), noFee);
});

const fee = fc.record({
  basisPoints: fc.integer({ min: 0, max: 9_999 }),
  fixed: fc.bigInt({ min: 0n, max: 10n ** 9n }),
});

test('the principal that leaves a net amount leaves it, and one unit less does not', () => {
  fc.assert(
    fc.property(fee, fc.bigInt({ min: 1n, max: 2n ** 64n }), (charged, net) => {
      const principal = principalLeaving(net, charged);
      assert.ok(principal - feeFor(principal, charged) >= net);
      assert.ok(principal - 1n - feeFor(principal - 1n, charged) < net);
    }),
  );
});
