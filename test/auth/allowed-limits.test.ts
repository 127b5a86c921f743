/** Granting less than requested (RFC 9635 §3.2.1). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowLess } from '../../src/auth/allowed-limits.ts';
import type { Access } from '../../src/open-payments/access.ts';
import fc from '../support/fast-check.ts';

const identifier = 'https://granite.example/alice';
const usd = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 });
const pays: Access = {
  type: 'outgoing-payment',
  actions: ['create'],
  identifier,
  limits: { debitAmount: usd('500'), interval: 'R/2026-01-01/P1M', receiver: 'https://marble.example/1' },
};
const reads: Access = { type: 'incoming-payment', actions: ['list-all'], identifier };

test('only the amount of the outgoing-payment item changes', () => {
  const allowed = [{ identifier, debitAmount: { ...usd('20'), more: 'unknown' } }];
  assert.deepEqual(allowLess([reads, pays], allowed), [
    reads,
    { ...pays, limits: { ...pays.limits, debitAmount: usd('20') } },
  ]);
  assert.deepEqual(allowLess([reads, pays], []), [reads, pays]);
  assert.deepEqual(pays.limits?.debitAmount, usd('500'), 'the request is not modified');
});

test('an item without amount and an unknown item are rejected', () => {
  const unlimited: Access = { type: 'outgoing-payment', actions: ['create'], identifier };
  for (const access of [[unlimited], [reads], []]) {
    assert.throws(() => allowLess(access, [{ identifier, debitAmount: usd('1') }]), { code: 'unacceptable_limits' });
  }
});

test('property: the grant never exceeds the request', () => {
  const value = fc.oneof(
    fc.bigInt(-2n, 2n ** 65n).map(String),
    fc.constantFrom('500', '501', '499', '0', '', '1e3', ' 1', '0x1', '01', '+1', '١'),
    fc.string(),
  );
  const asset = { assetCode: fc.constantFrom('USD', 'EUR', ''), assetScale: fc.constantFrom(2, 0, 9, Number.NaN) };
  const amount = fc.record({ value, ...asset });
  const allowed = fc.record(
    {
      identifier: fc.constantFrom(identifier, 'https://granite.example/bob'),
      debitAmount: amount,
      receiveAmount: amount,
    },
    { requiredKeys: ['identifier'] },
  );
  let granted = 0;
  fc.assert(
    fc.property(fc.array(allowed, { maxLength: 3 }), (limits) => {
      let access: Access[];
      try {
        access = allowLess([reads, pays], limits);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'unacceptable_limits');
        return;
      }
      granted += 1;
      const [first, item] = access as [Access, typeof pays];
      assert.deepEqual(first, reads);
      const { debitAmount, ...others } = item.limits!;
      assert.deepEqual(others, { interval: pays.limits!.interval, receiver: pays.limits!.receiver });
      assert.match(debitAmount!.value, /^[1-9][0-9]*$/);
      assert.ok(BigInt(debitAmount!.value) <= 500n);
      assert.deepEqual({ ...debitAmount, value: '' }, usd(''));
    }),
    { numRuns: 1000 },
  );
  assert.ok(granted > 0);
});
