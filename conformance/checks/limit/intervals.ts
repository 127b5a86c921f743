/**
 * Limits with repeating intervals: which payments of a grant share an interval, told by the clock of the target.
 * Open Payments auth-server POST / (`limits`, `interval`), ISO 8601 repeating intervals.
 */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { type LimitedGrant, withLimitedGrant } from '../../steps/limited-grant.ts';
import { amountOf } from '../../steps/scenarios.ts';

/**
 * Relation of an instant to the ones before it: in a new interval with its full limit, in the interval that was last
 * used up, or outside all intervals.
 */
type Place = 'new' | 'same' | 'outside';

interface IntervalCase {
  readonly id: string;
  readonly rows: readonly string[];
  readonly title: string;
  readonly interval: string;
  readonly steps: readonly (readonly [instant: string, place: Place])[];
}

const cases: readonly IntervalCase[] = [
  {
    id: 'limit.interval-count',
    rows: ['LIM-08', 'AMB-03', 'LIM-02', 'LIM-06', 'LIM-07'],
    title: 'R3 and a month are three months',
    interval: 'R3/2031-01-01T00:00:00Z/P1M',
    steps: [
      ['2031-01-01T00:00:00Z', 'new'],
      ['2031-01-31T23:59:59.999Z', 'same'],
      ['2031-02-01T00:00:00Z', 'new'],
      ['2031-03-01T00:00:00Z', 'new'],
      ['2031-03-31T23:59:59.999Z', 'same'],
      ['2031-04-01T00:00:00Z', 'outside'],
    ],
  },
  {
    id: 'limit.interval-single',
    rows: ['LIM-08', 'LIM-09', 'LIM-06'],
    title: 'R1 is a single period',
    interval: 'R1/2031-01-01T00:00:00Z/P1M',
    steps: [
      ['2030-12-31T23:00:00Z', 'outside'],
      ['2031-01-15T00:00:00Z', 'new'],
      ['2031-02-01T00:00:00Z', 'outside'],
    ],
  },
  {
    id: 'limit.interval-unbounded',
    rows: ['LIM-09'],
    title: 'R/ has an unlimited number of periods',
    interval: 'R/2031-01-01T00:00:00Z/P1M',
    steps: [
      ['2031-01-15T00:00:00Z', 'new'],
      ['2131-01-31T23:59:59Z', 'new'],
      ['2131-02-01T00:00:00Z', 'new'],
    ],
  },
  {
    id: 'limit.interval-unbounded-by-minus-one',
    rows: ['LIM-09'],
    title: 'R-1/ has an unlimited number of periods',
    interval: 'R-1/2031-01-01T00:00:00Z/P1M',
    steps: [
      ['2031-01-15T00:00:00Z', 'new'],
      ['2131-01-31T23:59:59Z', 'new'],
      ['2131-02-01T00:00:00Z', 'new'],
    ],
  },
  {
    id: 'limit.interval-month-ends',
    rows: ['LIM-10'],
    title: 'months from the 31st end with short months and return to the 31st',
    interval: 'R/2031-01-31T00:00:00Z/P1M',
    steps: [
      ['2031-01-31T00:00:00Z', 'new'],
      ['2031-02-27T23:59:59Z', 'same'],
      ['2031-02-28T00:00:00Z', 'new'],
      ['2031-03-30T23:59:59Z', 'same'],
      ['2031-03-31T00:00:00Z', 'new'],
      ['2031-04-30T00:00:00Z', 'new'],
      ['2031-05-30T23:59:59Z', 'same'],
      ['2032-01-31T00:00:00Z', 'new'],
      ['2032-02-28T23:59:59Z', 'same'],
      ['2032-02-29T00:00:00Z', 'new'],
    ],
  },
  {
    id: 'limit.interval-leap-days',
    rows: ['LIM-10'],
    title: 'years from a leap day return to it every fourth year, but not in 2100',
    interval: 'R/2028-02-29T12:00:00Z/P1Y',
    steps: [
      ['2028-02-29T12:00:00Z', 'new'],
      ['2029-02-28T11:59:59Z', 'same'],
      ['2029-02-28T12:00:00Z', 'new'],
      ['2031-02-28T12:00:00Z', 'new'],
      ['2032-02-29T11:59:59Z', 'same'],
      ['2032-02-29T12:00:00Z', 'new'],
      ['2099-02-28T12:00:00Z', 'new'],
      ['2100-02-28T11:59:59Z', 'same'],
      ['2100-02-28T12:00:00Z', 'new'],
    ],
  },
  {
    id: 'limit.interval-zone',
    rows: ['LIM-10'],
    title: 'months are those of the zone that the start is written in',
    interval: 'R/2031-03-01T00:00:00+02:00/P1M',
    steps: [
      ['2031-02-28T22:00:00Z', 'new'],
      ['2031-03-31T21:59:59Z', 'same'],
      ['2031-03-31T22:00:00Z', 'new'],
    ],
  },
  {
    id: 'limit.interval-without-zone',
    rows: ['LIM-07'],
    title: 'without a zone it is UTC',
    interval: 'R2/2031-01-10T00:00:00/P1D',
    steps: [
      ['2031-01-09T23:58:00Z', 'outside'],
      ['2031-01-10T00:00:00Z', 'new'],
      ['2031-01-10T23:59:59.999Z', 'same'],
      ['2031-01-11T00:00:00Z', 'new'],
      ['2031-01-12T00:00:00Z', 'outside'],
    ],
  },
  {
    id: 'limit.interval-fractions',
    rows: ['LIM-07'],
    title: 'fractions of a second count, in the start and in the duration',
    interval: 'R2/2031-01-10T00:00:00.25Z/PT0.5S',
    steps: [
      ['2031-01-10T00:00:00.250Z', 'new'],
      ['2031-01-10T00:00:00.749Z', 'same'],
      ['2031-01-10T00:00:00.750Z', 'new'],
      ['2031-01-10T00:00:01.249Z', 'same'],
      ['2031-01-10T00:00:01.250Z', 'outside'],
    ],
  },
  {
    id: 'limit.interval-weeks',
    rows: ['LIM-07', 'LIM-08'],
    title: 'weeks have seven days',
    interval: 'R2/2031-01-01T00:00:00Z/P1W',
    steps: [
      ['2031-01-01T00:00:00Z', 'new'],
      ['2031-01-07T23:59:59Z', 'same'],
      ['2031-01-08T00:00:00Z', 'new'],
      ['2031-01-15T00:00:00Z', 'outside'],
    ],
  },
  {
    id: 'limit.interval-start-end',
    rows: ['LIM-11', 'LIM-08'],
    title: 'start and end: the length of the first period, also where it was a month',
    interval: 'R3/2031-01-01T00:00:00Z/2031-02-01T00:00:00Z',
    steps: [
      ['2031-01-01T00:00:00Z', 'new'],
      ['2031-01-31T23:59:59Z', 'same'],
      ['2031-02-01T00:00:00Z', 'new'],
      ['2031-03-03T23:59:59Z', 'same'],
      ['2031-03-04T00:00:00Z', 'new'],
      ['2031-04-03T23:59:59Z', 'same'],
      ['2031-04-04T00:00:00Z', 'outside'],
    ],
  },
  {
    id: 'limit.interval-duration-end',
    rows: ['LIM-12', 'LIM-08', 'LIM-10'],
    title: 'duration and end: counted backwards from the end',
    interval: 'R3/P1M/2031-05-31T00:00:00Z',
    steps: [
      ['2031-02-27T12:00:00Z', 'outside'],
      ['2031-02-28T00:00:00Z', 'new'],
      ['2031-03-30T23:59:59Z', 'same'],
      ['2031-03-31T00:00:00Z', 'new'],
      ['2031-04-29T23:59:59Z', 'same'],
      ['2031-04-30T00:00:00Z', 'new'],
      ['2031-05-30T23:59:59Z', 'same'],
      ['2031-05-31T00:00:00Z', 'outside'],
    ],
  },
  {
    id: 'limit.interval-duration-end-mixed',
    rows: ['LIM-12', 'LIM-10'],
    title: 'months and a time are counted backwards as well: the months first',
    interval: 'R/P1M1DT1H/2031-05-31T00:00:00Z',
    steps: [
      ['2031-03-28T22:00:00Z', 'new'],
      ['2031-04-28T22:59:59Z', 'same'],
      ['2031-04-28T23:00:00Z', 'new'],
      ['2031-05-30T23:59:59Z', 'same'],
      ['2031-05-31T00:00:00Z', 'outside'],
    ],
  },
  {
    id: 'limit.interval-first-minute',
    rows: ['LIM-06'],
    title: 'the minute before the first interval belongs to it, however short it is',
    interval: 'R2/2031-01-01T00:00:00Z/PT10S',
    steps: [
      ['2030-12-31T23:58:59.999Z', 'outside'],
      ['2030-12-31T23:59:00Z', 'new'],
      ['2030-12-31T23:59:30Z', 'same'],
      ['2031-01-01T00:00:09.999Z', 'same'],
      ['2031-01-01T00:00:10Z', 'new'],
      ['2031-01-01T00:00:20Z', 'outside'],
    ],
  },
];

/** Pays at the instant and asserts its relation to the earlier ones. */
async function step({ pay, settle, readSpent, moveTo }: LimitedGrant, instant: string, place: Place): Promise<void> {
  await moveTo(instant);
  if (place === 'new') {
    const { body } = expectStatus(await pay('100'), 201);
    assert.equal(body.grantSpentDebitAmount.value, '100', `${instant}: only this interval`);
    // Finish the payment before its receiver expires.
    assert.equal((await settle(body)).failed, false);
    return;
  }
  expectResourceError(await pay('2'), 403);
  const { spentDebitAmount } = await readSpent();
  assert.equal(spentDebitAmount?.value, place === 'same' ? '100' : undefined, `${instant}: spent`);
}

export const checks: readonly Check[] = cases.map(
  ({ id, rows, title, interval, steps }): Check => ({
    id,
    rows: [...rows, 'CT-03'],
    title: `${interval}: ${title}`,
    run: (context) => {
      const limits = ({ sender }: { sender: Parameters<typeof amountOf>[0] }) => ({
        interval,
        debitAmount: amountOf(sender, '100'),
      });
      return withLimitedGrant(context, limits, '2028-01-01T00:00:00Z', async (grant) => {
        for (const [instant, place] of steps) await step(grant, instant, place);
      });
    },
  }),
);
