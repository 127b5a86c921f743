/** Amounts typed on the consent page never exceed the request (AS-93). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllowedAmounts } from '../../src/identity-provider/allowed-amounts.ts';
import { formatValue } from '../../src/identity-provider/describe-access.ts';
import type { AccessItem } from '../../src/open-payments/access.ts';
import fc from '../support/fast-check.ts';

const identifier = 'https://granite.example/alice';
const asks = (value: string, assetScale = 2, member = 'debitAmount'): AccessItem[] => [
  { type: 'quote', actions: ['create'] },
  {
    type: 'outgoing-payment',
    actions: ['create'],
    identifier,
    limits: { [member]: { value, assetCode: 'USD', assetScale } },
  },
];
const read = (text: string | undefined, access = asks('500')) => parseAllowedAmounts(access, { 'amount-1': text });

test('a lower amount is allowed, in minor units of the requested asset', () => {
  const limits = [{ identifier, debitAmount: { value: '250', assetCode: 'USD', assetScale: 2 } }];
  for (const text of ['2.50', '2,50', '2.5', ' 2.5 ', '02.50']) assert.deepEqual(read(text).limits, limits, text);
  assert.deepEqual(read('2.50', asks('500', 2, 'receiveAmount')).limits, [
    { identifier, receiveAmount: { value: '250', assetCode: 'USD', assetScale: 2 } },
  ]);
  assert.deepEqual(read('3', asks('5', 0)).limits, [
    { identifier, debitAmount: { value: '3', assetCode: 'USD', assetScale: 0 } },
  ]);
});

test('an empty field and the requested amount leave the request as it is', () => {
  for (const text of [undefined, '', '  ', '5', '5.00']) {
    assert.deepEqual(read(text), { limits: [], mistakes: new Map() });
  }
});

test('rejects malformed, too precise, too high and zero amounts at their field', () => {
  for (const [text, mistake] of [
    ['a', /Write an amount as 5\.00/],
    ['-1', /Write an amount/],
    ['1e0', /Write an amount/],
    ['١', /Write an amount/],
    ['1.', /Write an amount/],
    ['1,250', /2 decimal places/],
    ['2.505', /2 decimal places/],
    ['5.01', /5\.00 USD at most/],
    ['9'.repeat(40), /at most/],
    ['0', /more than nothing/],
    ['0.00', /more than nothing/],
  ] as const) {
    const { limits, mistakes } = read(text);
    assert.match(mistakes.get('amount-1') ?? '', mistake, text);
    assert.deepEqual(limits, []);
  }
  assert.match(read('1.5', asks('5', 0)).mistakes.get('amount-1') ?? '', /whole numbers/);
});

test('ignores a field for an item without amount', () => {
  const access: AccessItem[] = [{ type: 'outgoing-payment', actions: ['create'], identifier }];
  assert.deepEqual(parseAllowedAmounts(access, { 'amount-0': '1', 'amount-7': '1' }).limits, []);
});

test('property: the result is never zero and never exceeds the request', () => {
  const amount = fc.bigInt(1n, 2n ** 64n - 1n);
  const near = fc.tuple(amount, fc.integer({ min: 0, max: 18 }), fc.bigInt(-3n, 3n));
  fc.assert(
    fc.property(near, fc.oneof(fc.string(), fc.constant(undefined)), ([asked, scale, difference], other) => {
      const written = asked + difference < 0n ? 0n : asked + difference;
      const text = other ?? formatValue({ value: String(written), assetCode: 'USD', assetScale: scale });
      const { limits, mistakes } = read(text, asks(String(asked), scale));
      for (const { debitAmount } of limits) {
        assert.ok(BigInt(debitAmount!.value) < asked && BigInt(debitAmount!.value) > 0n);
      }
      if (other !== undefined) return;
      assert.equal(mistakes.size, written > asked || written === 0n ? 1 : 0);
      if (written < asked && written > 0n) assert.equal(limits[0]?.debitAmount?.value, String(written));
    }),
  );
});
