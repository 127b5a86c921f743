/** ISO 8601 repeating intervals (LIM-06…12), also against a calendar that counts period by period. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intervalContaining, parseInterval } from '../../src/open-payments/interval.ts';
import fc from '../support/fast-check.ts';

const iso = (time: number): string => new Date(time).toISOString().replace('.000', '');

/** The period at an instant, as `start/end`. */
function periodAt(text: string, at: string): string | undefined {
  const period = intervalContaining(parseInterval(text), Date.parse(at));
  return period && `${iso(period.start)}/${iso(period.end)}`;
}

test('periods are half-open', () => {
  const text = 'R2/2024-01-10T00:00:00Z/P1D';
  assert.equal(periodAt(text, '2024-01-09T23:59:59.999Z'), undefined);
  assert.equal(periodAt(text, '2024-01-10T00:00:00Z'), '2024-01-10T00:00:00Z/2024-01-11T00:00:00Z');
  assert.equal(periodAt(text, '2024-01-10T23:59:59.999Z'), '2024-01-10T00:00:00Z/2024-01-11T00:00:00Z');
  assert.equal(periodAt(text, '2024-01-11T00:00:00Z'), '2024-01-11T00:00:00Z/2024-01-12T00:00:00Z');
  assert.equal(periodAt(text, '2024-01-12T00:00:00Z'), undefined);
});

test('Rn is n periods, forwards and backwards; R and R-1 have no bound', () => {
  assert.equal(periodAt('R1/2024-01-01T00:00:00Z/P1M', '2024-01-31T23:59:59Z')?.slice(0, 10), '2024-01-01');
  assert.equal(periodAt('R1/2024-01-01T00:00:00Z/P1M', '2024-02-01T00:00:00Z'), undefined);
  assert.equal(periodAt('R3/2024-01-01T00:00:00Z/P1M', '2024-03-31T00:00:00Z')?.slice(0, 10), '2024-03-01');
  assert.equal(periodAt('R3/2024-01-01T00:00:00Z/P1M', '2024-04-01T00:00:00Z'), undefined);
  assert.equal(periodAt('R2/P1M/2024-03-01T00:00:00Z', '2024-01-01T00:00:00Z')?.slice(0, 10), '2024-01-01');
  assert.equal(periodAt('R2/P1M/2024-03-01T00:00:00Z', '2023-12-31T23:59:59Z'), undefined);
  assert.equal(periodAt('R2/P1M/2024-03-01T00:00:00Z', '2024-03-01T00:00:00Z'), undefined);
  for (const repetition of ['R', 'R-1']) {
    assert.equal(
      periodAt(`${repetition}/2024-01-01T00:00:00Z/P1Y`, '9876-05-05T00:00:00Z')?.slice(0, 10),
      '9876-01-01',
    );
    assert.equal(periodAt(`${repetition}/2024-01-01T00:00:00Z/P1Y`, '2023-12-31T00:00:00Z'), undefined);
    assert.equal(
      periodAt(`${repetition}/P1Y/2024-01-01T00:00:00Z`, '0101-05-05T00:00:00Z')?.slice(0, 10),
      '0101-01-01',
    );
    assert.equal(periodAt(`${repetition}/P1Y/2024-01-01T00:00:00Z`, '2024-01-01T00:00:00Z'), undefined);
  }
});

test('start/end repeats its own length', () => {
  const text = 'R/2024-01-01T00:00:00Z/2024-02-01T00:00:00Z';
  assert.equal(periodAt(text, '2024-02-01T00:00:00Z'), '2024-02-01T00:00:00Z/2024-03-03T00:00:00Z');
  assert.equal(periodAt(text, '2024-03-03T00:00:00Z'), '2024-03-03T00:00:00Z/2024-04-03T00:00:00Z');
});

test('month ends are counted from the origin and do not drift', () => {
  const starts = (text: string, ...days: string[]): (string | undefined)[] =>
    days.map((day) => periodAt(text, `${day}T12:00:00Z`)?.slice(0, 10));
  assert.deepEqual(
    starts('R/2023-01-31T00:00:00Z/P1M', '2023-02-27', '2023-02-28', '2023-03-30', '2023-03-31', '2023-04-30'),
    ['2023-01-31', '2023-02-28', '2023-02-28', '2023-03-31', '2023-04-30'],
  );
  assert.deepEqual(starts('R/2024-01-31T00:00:00Z/P1M', '2024-02-28', '2024-02-29'), ['2024-01-31', '2024-02-29']);
  assert.deepEqual(
    starts('R/2024-02-29T00:00:00Z/P1Y', '2025-02-27', '2025-02-28', '2028-02-28', '2028-02-29', '2100-03-01'),
    ['2024-02-29', '2025-02-28', '2027-02-28', '2028-02-29', '2100-02-28'],
  );
  assert.deepEqual(starts('R/P1M/2024-03-31T00:00:00Z', '2024-02-29', '2024-02-28', '2024-01-30', '2024-03-30'), [
    '2024-02-29',
    '2024-01-31',
    '2023-12-31',
    '2024-02-29',
  ]);
});

test('months are counted in the zone of the origin; without a zone it is UTC', () => {
  assert.equal(
    periodAt('R/2024-01-31T23:30:00-05:00/P1M', '2024-02-29T00:00:00Z'),
    '2024-02-01T04:30:00Z/2024-03-01T04:30:00Z',
  );
  assert.equal(
    periodAt('R/2024-03-01T00:00:00+02:00/P1M', '2024-03-30T00:00:00Z'),
    '2024-02-29T22:00:00Z/2024-03-31T22:00:00Z',
  );
  assert.equal(
    periodAt('R/2024-03-01T00:00:00+0200/P1D', '2024-03-01T00:00:00Z'),
    '2024-02-29T22:00:00Z/2024-03-01T22:00:00Z',
  );
  assert.equal(
    periodAt('R/2024-03-01T00:00:00+02/2024-03-02T00:00:00', '2024-03-01T00:00:00Z'),
    '2024-02-29T22:00:00Z/2024-03-01T22:00:00Z',
  );
  assert.equal(
    periodAt('R/2024-03-01T00:00/PT1H', '2024-03-01T00:59:00Z'),
    '2024-03-01T00:00:00Z/2024-03-01T01:00:00Z',
  );
  assert.equal(periodAt('R/2024-03-01/P1D', '2024-03-01T23:00:00Z'), '2024-03-01T00:00:00Z/2024-03-02T00:00:00Z');
});

test('fractions of a second count to the millisecond, with point or comma', () => {
  assert.equal(
    periodAt('R/2024-03-01T00:00:00.123456Z/PT0.5S', '2024-03-01T00:00:01Z'),
    '2024-03-01T00:00:00.623Z/2024-03-01T00:00:01.123Z',
  );
  assert.equal(
    periodAt('R/2024-03-01T00:00:00,1Z/PT0,25S', '2024-03-01T00:00:00.1Z'),
    '2024-03-01T00:00:00.100Z/2024-03-01T00:00:00.350Z',
  );
});

test('a duration has any of its parts', () => {
  assert.equal(
    periodAt('R-1/P1Y2M10DT2H30M/2022-05-11T15:30:00Z', '2022-05-11T15:29:59Z'),
    '2021-03-01T13:00:00Z/2022-05-11T15:30:00Z',
  );
  assert.equal(periodAt('R/2024-01-01T00:00:00Z/P2W', '2024-01-15T00:00:00Z')?.slice(0, 10), '2024-01-15');
  assert.equal(periodAt('R/2024-01-01T00:00:00Z/P1M1D', '2024-02-02T00:00:00Z')?.slice(0, 10), '2024-02-02');
});

test('far dates and short periods take no loop over periods', () => {
  const before = process.threadCpuUsage();
  for (let i = 0; i < 1_000; i += 1) {
    assert.equal(
      periodAt('R/1970-01-01T00:00:00Z/PT1S', '9999-12-31T23:59:59.5Z'),
      '9999-12-31T23:59:59Z/+010000-01-01T00:00:00Z',
    );
    assert.equal(
      periodAt('R/P1M/9999-12-31T00:00:00Z', '0001-02-28T12:00:00Z'),
      '0001-02-28T00:00:00Z/0001-03-31T00:00:00Z',
    );
    assert.equal(
      periodAt('R/0001-01-01T00:00:00Z/PT0.001S', '9999-12-31T23:59:59.5Z')?.slice(0, 24),
      '9999-12-31T23:59:59.500Z',
    );
  }
  const { user, system } = process.threadCpuUsage(before);
  assert.ok(user + system < 2_000_000);
});

const start = '2024-01-01T00:00:00Z';
for (const text of [
  '',
  'R',
  'R/',
  'R//',
  `R/${start}`,
  `${start}/P1M`,
  `R0/${start}/P1M`,
  `R00/${start}/P1M`,
  `R-2/${start}/P1M`,
  `R+1/${start}/P1M`,
  `R1.5/${start}/P1M`,
  `r1/${start}/P1M`,
  `R1/${start}/P1M/`,
  `R1/${start}/P1M/P1M`,
  `R1/P1M/P1M`,
  `R1/P1M/`,
  `R1/${start}/`,
  `R1/${start}/P`,
  `R1/${start}/PT`,
  `R1/${start}/P1DT`,
  `R1/${start}/P0D`,
  `R1/${start}/PT0.0001S`,
  `R/${start}/PT0.3333333S`,
  `R1/${start}/PT1.5H`,
  `R1/${start}/P0001-01-01T00:00:00`,
  `R1/P1M/2024-02`,
  `R1/${start}/-P1D`,
  `R1/${start}/P-1D`,
  `R1/${start}/P1.5M`,
  `R1/${start}/P1S`,
  `R1/${start}/PT1D`,
  `R1/${start}/P1D1M`,
  `R1/${start}/P1M `,
  `R1/${start}/P1M\n`,
  `R1/${start}/p1m`,
  `R1/${start}/P1001Y`,
  `R1/${start}/P${'9'.repeat(60)}Y`,
  `R1/${start}/${start}`,
  `R1/${start}/2023-12-31T00:00:00Z`,
  'R3/foo/P1M',
  'R3/2024-02-30T00:00:00Z/P1M',
  'R3/2023-02-29T00:00:00Z/P1M',
  'R3/2024-13-01T00:00:00Z/P1M',
  'R3/2024-01-01T24:00:00Z/P1M',
  'R3/2024-01-01T00:60:00Z/P1M',
  'R3/2024-01-01T00:00:60Z/P1M',
  'R3/2024-01-01T00:00:00+24:00/P1M',
  'R3/2024-01-01T00:00:00.Z/P1M',
  'R3/2024-01-01Z/P1M',
  'R3/2024-W01-1T00:00:00Z/P1M',
  'R3/2024-W01/P1M',
  'R3/2024-001T00:00:00Z/P1M',
  'R3/2016-12-31T23:59:60Z/P1M',
  'R3/2024-01-01t00:00:00z/P1M',
  'R3/-2024-01-01T00:00:00Z/P1M',
  'R-0/2024-01-01T00:00:00Z/P1M',
  'R1e3/2024-01-01T00:00:00Z/P1M',
  'R3/2024-1-1T00:00:00Z/P1M',
  'R3/20240101T000000Z/P1M',
  'R3/0000-01-01T00:00:00Z/P1M',
  'R3/+012024-01-01T00:00:00Z/P1M',
  'R3/2024-01-01 00:00:00Z/P1M',
  `R3/2024-01-01T00:00:00.${'0'.repeat(110)}Z/P1M`,
]) {
  test(`${JSON.stringify(text.slice(0, 60))} is not a repeating interval`, () => {
    assert.throws(() => parseInterval(text), { code: 'invalid_interval' });
  });
}

test('no text makes anything but an interval or the one problem', () => {
  const part = fc.oneof(
    fc.constantFrom(
      'R',
      'R3',
      'R-1',
      'R999999999999999999999',
      start,
      '2024-02-29T12:00:00+05:30',
      'P1M',
      'PT1S',
      'P3W',
    ),
    fc.stringMatching(/^[RPTZ0-9:.,+/-]{0,20}$/),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 2, maxLength: 4 }), fc.integer({ min: 0, max: 4e12 }), (parts, at) => {
      try {
        const period = intervalContaining(parseInterval(parts.join('/')), at);
        if (period) assert.ok(period.start <= at && at < period.end);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'invalid_interval');
      }
    }),
    { numRuns: 2_000 },
  );
});

/** A second calendar, with month lengths from a table: `months` and then `milliseconds` after an instant in UTC. */
function laterByCalendar(from: string, months: number, milliseconds: number): number {
  const [year, month, day] = from.slice(0, 10).split('-').map(Number) as [number, number, number];
  const index = year * 12 + (month - 1) + months;
  const newYear = Math.floor(index / 12);
  const newMonth = index - newYear * 12;
  const leap = newYear % 4 === 0 && (newYear % 100 !== 0 || newYear % 400 === 0);
  const length = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][newMonth]!;
  const timeOfDay = Date.parse(from) - Date.parse(`${from.slice(0, 10)}T00:00:00Z`);
  return Date.UTC(newYear, newMonth, Math.min(day, length)) + timeOfDay + milliseconds;
}

/** Steps through the periods one by one. */
function periodByStepping(
  from: string,
  step: { months: number; ms: number },
  count: number,
  backwards: boolean,
  at: number,
) {
  const bound = (k: number) => laterByCalendar(from, k * step.months, k * step.ms);
  for (let k = 0; k < Math.min(count, 3_000); k += 1) {
    const [first, next] = backwards ? [bound(-k - 1), bound(-k)] : [bound(k), bound(k + 1)];
    if (first <= at && at < next) return { start: first, end: next };
    if (backwards ? at >= next : at < first) return undefined;
  }
  return undefined;
}

test('agrees with a calendar that steps through the periods', () => {
  const instant = fc
    .date({ min: new Date('1990-01-01T00:00:00Z'), max: new Date('2110-01-01T00:00:00Z'), noInvalidDate: true })
    .map((date) => date.toISOString());
  const monthEnd = fc.constantFrom('2024-01-31T10:00:00.000Z', '2024-02-29T00:00:00.000Z', '2023-12-30T23:59:59.999Z');
  const step = fc.record({ months: fc.integer({ min: 0, max: 30 }), days: fc.nat(70), seconds: fc.nat(100_000) });
  fc.assert(
    fc.property(
      fc.oneof(instant, monthEnd),
      step.filter(({ months, days }) => months + days > 0),
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      fc.boolean(),
      fc.double({ min: -1, max: 41, noNaN: true }),
      fc.constantFrom(0, 0, -1, 1),
      (from, { months, days, seconds }, count, bounded, backwards, where, nudge) => {
        const duration = `P${months}M${days}DT${seconds}S`;
        const ms = days * 86_400_000 + seconds * 1_000;
        const text = `R${bounded ? count : ''}/${backwards ? `${duration}/${from}` : `${from}/${duration}`}`;
        const whole = nudge === 0 ? 0 : Math.floor(where);
        const sign = backwards ? -1 : 1;
        // Anywhere, or right at a bound and one millisecond beside it.
        const at =
          nudge === 0
            ? Date.parse(from) + Math.floor(sign * where * (months * 2_629_746_000 + ms))
            : laterByCalendar(from, sign * whole * months, sign * whole * ms) + Math.min(nudge, 0);
        const expected = periodByStepping(from, { months, ms }, bounded ? count : Infinity, backwards, at);
        assert.deepEqual(intervalContaining(parseInterval(text), at), expected, `${text} at ${iso(at)}`);
      },
    ),
    { numRuns: 2_000 },
  );
});
