/** Requests in plain words (AS-93, LIM-17). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeInterval, describeRequest, formatAmount } from '../../src/identity-provider/plain-words.ts';

test('amounts are written in their unit, exactly', () => {
  const format = (value: string, assetScale: number) => formatAmount({ value, assetCode: 'XYZ', assetScale });
  assert.equal(format('1250', 2), '12.50 XYZ');
  assert.equal(format('5', 2), '0.05 XYZ');
  assert.equal(format('5', 0), '5 XYZ');
  assert.equal(format('18446744073709551615', 9), '18446744073.709551615 XYZ');
});

test('intervals say how long, how often, and from or until when', () => {
  assert.match(describeInterval('R12/2025-01-01T00:00:00Z/P1M'), /a month, 12 times, the first one from 2025-01-01/);
  assert.match(describeInterval('R/P1W/2025-01-01T00:00:00Z'), /a week, without end, the last one until 2025-01-01/);
  assert.match(describeInterval('R-1/2025-01-01/PT90M'), /PT90M, without end/);
  assert.match(describeInterval('R1/2025-01-01/2025-02-01'), /as long as from 2025-01-01 to 2025-02-01, once/);
});

test('every action and every limit has its sentence', () => {
  const identifier = 'https://granite.example/alice';
  const sentences = describeRequest({
    access: [
      {
        type: 'outgoing-payment',
        actions: ['create', 'read-all'],
        identifier,
        limits: { interval: 'R/2025-01-01/P1D' },
      },
      { type: 'incoming-payment', actions: ['create', 'complete', 'read', 'list', 'list-all'] },
      { type: 'quote', actions: ['create', 'read'] },
    ],
    subject: { sub_ids: [{ id: identifier, format: 'uri' }] },
  });
  assert.equal(sentences.length, 2 + 1 + 5 + 2 + 1);
  assert.equal(new Set(sentences).size, sentences.length);
});
