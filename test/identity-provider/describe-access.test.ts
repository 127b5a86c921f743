/** Access items in words (AS-93, LIM-17). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeRight, formatAmount } from '../../src/identity-provider/describe-access.ts';
import type { AccessItem } from '../../src/open-payments/access.ts';

test('amounts are exact decimals of their asset', () => {
  const format = (value: string, assetScale: number) => formatAmount({ value, assetCode: 'XYZ', assetScale });
  assert.equal(format('1250', 2), '12.50 XYZ');
  assert.equal(format('5', 2), '0.05 XYZ');
  assert.equal(format('5', 0), '5 XYZ');
  assert.equal(format('18446744073709551615', 9), '18446744073.709551615 XYZ');
});

const identifier = 'https://granite.example/alice';
const usd = { value: '500', assetCode: 'USD', assetScale: 2 };
const most = (limits: AccessItem['limits']): string => {
  const words = describeRight({ type: 'outgoing-payment', actions: ['create'], identifier, ...(limits && { limits }) });
  return `${words.limit?.before}${words.limit?.amount}${words.limit?.after}`;
};

test('describes amount, frequency and end', () => {
  assert.equal(
    most({ debitAmount: usd, interval: 'R12/2026-12-21T00:00:00Z/P1M' }),
    'Up to 5.00 USD each month, until 21 December 2027',
  );
  assert.equal(
    most({ debitAmount: usd, interval: 'R/2026-12-21T00:00:00Z/P1W' }),
    'Up to 5.00 USD each week, with no end date',
  );
  assert.equal(
    most({ receiveAmount: usd, interval: 'R1/2026-01-01/2026-02-01' }),
    'The receiver gets up to 5.00 USD from 1 January 2026 to 1 February 2026',
  );
  assert.equal(most({ debitAmount: usd }), 'Up to 5.00 USD in all');
  assert.equal(most({ interval: 'R/P1D/2026-01-01' }), 'Any amount each day, until 1 January 2026');
  assert.equal(most(undefined), 'Any amount, as often as it likes');
});

test('describes payer, receiver, first period and number of periods', () => {
  const limits = { debitAmount: usd, interval: 'R12/2026-12-21T00:00:00Z/P1M', receiver: 'https://marble.example/1' };
  const { facts } = describeRight({ type: 'outgoing-payment', actions: ['create'], identifier, limits });
  assert.deepEqual(facts, [
    ['From', identifier],
    ['To', 'https://marble.example/1'],
    ['First period', '21 December 2026 to 21 January 2027'],
    ['Number of periods', '12'],
  ]);
});

test('describes every action', () => {
  const also = (type: AccessItem['type'], actions: string[]) => describeRight({ type, actions }).also;
  const all = ['create', 'complete', 'read', 'read-all', 'list', 'list-all'];
  assert.equal(new Set(also('incoming-payment', all)).size, all.length);
  assert.equal(also('outgoing-payment', ['read', 'list-all']).length, 2);
  assert.equal(also('quote', ['create', 'read', 'read-all']).length, 3);
  // `create` is described by the title and the amount.
  assert.deepEqual(also('outgoing-payment', ['create']), []);
});

test('reading payments is not described as paying', () => {
  const words = describeRight({
    type: 'outgoing-payment',
    actions: ['read-all'],
    identifier,
    limits: { debitAmount: usd },
  });
  assert.equal(words.title, 'See payments');
  assert.equal(words.limit, undefined);
});
