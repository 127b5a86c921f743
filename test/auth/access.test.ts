/** Access items beyond the schema (AS-38, AS-41…50, AS-55…57, AS-N08, LIM-N02). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkAttributable, needsConsent, parseAccess, toWireAccess } from '../../src/auth/access.ts';
import type { Access } from '../../src/open-payments/access.ts';
import fc from '../support/fast-check.ts';

const rules = {
  switches: { unknownLimitMembers: 'refuse' },
  isInterval: (text: string) => text.startsWith('R/'),
} as const;
const alice = 'https://granite.example/alice';
const amount = { value: '100', assetCode: 'USD', assetScale: 2 };

// biome-ignore lint/suspicious/noExplicitAny: values that pass the schema are not typed
const read = (item: any, changed: object = {}): Access[] => parseAccess([item], { ...rules, ...changed });
const withLimits = (limits: object) => ({ type: 'outgoing-payment', actions: ['create'], identifier: alice, limits });
const invalid = { code: 'invalid_request' };

describe('rejected limits', () => {
  const refused: Record<string, object> = {
    'AS-44 both amounts': { debitAmount: amount, receiveAmount: amount },
    'AS-43 a fraction': { debitAmount: { ...amount, value: '1.5' } },
    'AS-43 a sign': { debitAmount: { ...amount, value: '-1' } },
    'AS-43 a leading zero': { debitAmount: { ...amount, value: '01' } },
    'AS-43 a number': { debitAmount: { ...amount, value: 1 } },
    'AS-43 beyond 64 bits': { receiveAmount: { ...amount, value: `${2n ** 64n}` } },
    'AS-43 no asset': { receiveAmount: { value: '1', assetScale: 2 } },
    'an asset code of 33 characters': { debitAmount: { ...amount, assetCode: 'A'.repeat(33) } },
    'AS-43 a scale that is none': { receiveAmount: { ...amount, assetScale: 256 } },
    'AS-43 no object': { receiveAmount: null },
    'LIM-N02 nothing at all': { debitAmount: { ...amount, value: '0' } },
    'AS-46 no interval': { interval: 'every month' },
    'AS-46 no text': { interval: 1 },
    'AS-48 an unknown member': { debitAmont: amount },
  };
  for (const [name, limits] of Object.entries(refused)) {
    test(name, () => assert.throws(() => read(withLimits(limits)), invalid));
  }
});

test('AS-43: amounts are positive 64-bit integers', () => {
  fc.assert(
    fc.property(fc.bigInt(-2n, 2n ** 65n), (value) => {
      const taken = (() => {
        try {
          return read(withLimits({ debitAmount: { ...amount, value: `${value}` } })).length === 1;
        } catch {
          return false;
        }
      })();
      assert.equal(taken, value > 0n && value < 2n ** 64n);
    }),
  );
});

test('AS-47: an interval without an amount is a limit', () => {
  assert.deepEqual(read(withLimits({ interval: 'R/x' })), [withLimits({ interval: 'R/x' })]);
});

test('AS-48: an unknown member is dropped if the switch allows it', () => {
  const [item] = read(withLimits({ debitAmount: { ...amount, extra: 1 }, foo: 1 }), {
    switches: { unknownLimitMembers: 'ignore' },
  });
  assert.deepEqual(item, withLimits({ debitAmount: amount }));
});

test('AS-38: an item without actions is rejected', () => {
  assert.throws(() => read({ type: 'quote', actions: [] }), invalid);
});

test('AS-41: list-all on incoming payments requires a wallet address, quotes do not', () => {
  assert.throws(() => read({ type: 'incoming-payment', actions: ['list-all'] }), invalid);
  assert.equal(read({ type: 'incoming-payment', actions: ['list-all'], identifier: alice }).length, 1);
  assert.equal(read({ type: 'incoming-payment', actions: ['read-all', 'list'] }).length, 1);
  assert.equal(read({ type: 'quote', actions: ['read-all'] }).length, 1);
});

test('AS-N08: two outgoing-payment items must differ in their wallet address', () => {
  const item = read(withLimits({}))[0]!;
  const incoming: Access = { type: 'incoming-payment', actions: ['read'], identifier: alice };
  assert.throws(() => checkAttributable([item, { ...item, limits: { debitAmount: amount } } as Access]), invalid);
  checkAttributable([item, { ...item, identifier: `${alice}2` } as Access, incoming, incoming]);
});

test('AS-55…57: consent is needed for outgoing payments and for list-all', () => {
  assert.equal(needsConsent({ type: 'outgoing-payment', actions: ['read'], identifier: alice }), true);
  assert.equal(needsConsent({ type: 'incoming-payment', actions: ['list-all'], identifier: alice }), true);
  assert.equal(needsConsent({ type: 'incoming-payment', actions: ['create', 'read-all', 'list'] }), false);
  assert.equal(needsConsent({ type: 'quote', actions: ['create', 'read-all'] }), false);
});

test('OPI-100: list-all needs neither consent nor an identifier if the operator says so', () => {
  const everything = { type: 'incoming-payment', actions: ['list-all'] };
  assert.throws(() => read(everything), { code: 'invalid_request', description: 'access identifier required' });
  assert.deepEqual(read(everything, { grants: { consentForListAll: false } }), [everything]);
  assert.throws(() => read(everything, { grants: { consentForListAll: false, consentFor: ['incoming-payment'] } }));
});

test('AMB-05: the identifier of a quote item is not sent to the client', () => {
  assert.deepEqual(toWireAccess([{ type: 'quote', actions: ['read'], identifier: alice }]), [
    { type: 'quote', actions: ['read'] },
  ]);
});
