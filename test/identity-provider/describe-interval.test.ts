/** Repeating intervals in words (LIM-17): all three forms. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeInterval } from '../../src/identity-provider/describe-interval.ts';

test('start and duration', () => {
  assert.deepEqual(describeInterval('R12/2026-12-21T00:00:00Z/P1M'), {
    each: 'each month',
    until: '21 December 2027',
    first: '21 December 2026 to 21 January 2027',
    count: 12,
  });
  const unbounded = describeInterval('R/2026-01-31T08:30:00+02:00/P1M');
  assert.equal(unbounded.until, undefined);
  assert.equal(unbounded.count, undefined);
  assert.equal(unbounded.first, '31 January 2026, 08:30 UTC+02:00 to 28 February 2026, 08:30 UTC+02:00');
});

test('duration and end', () => {
  assert.deepEqual(describeInterval('R3/P1W/2026-01-22T00:00:00Z'), {
    each: 'each week',
    until: '22 January 2026',
    first: '1 January 2026 to 8 January 2026',
    count: 3,
  });
  assert.equal(describeInterval('R/P1D/2026-01-22').first, undefined, 'unbounded in the past');
});

test('start and end', () => {
  const twice = describeInterval('R2/2026-01-01/2026-02-01');
  assert.equal(twice.each, 'every 31 days');
  assert.equal(twice.until, '4 March 2026');
  assert.equal(describeInterval('R1/2026-01-01/2026-02-01').each, 'from 1 January 2026 to 1 February 2026');
});

test('periods of all lengths', () => {
  const each = (duration: string) => describeInterval(`R/2026-01-01/${duration}`).each;
  assert.equal(each('P1Y'), 'each year');
  assert.equal(each('P3M'), 'every 3 months');
  assert.equal(each('P7D'), 'each week');
  assert.equal(each('P2W'), 'every 2 weeks');
  assert.equal(each('P10D'), 'every 10 days');
  assert.equal(each('PT1H'), 'each hour');
  assert.equal(each('PT36H'), 'every 1 day and 12 hours');
  assert.equal(each('P1Y2M3DT4M5.5S'), 'every 1 year, 2 months, 3 days, 4 minutes, 5 seconds and 500 milliseconds');
});

test('an end beyond the calendar is omitted', () => {
  assert.equal(describeInterval('R99999999999/2026-01-01/P900Y').until, undefined);
  assert.throws(() => describeInterval('monthly'), { code: 'invalid_interval' });
});
