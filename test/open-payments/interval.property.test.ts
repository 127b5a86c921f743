/**
 * Repeating intervals (LIM-06…12) against an independent calendar: days are counted from civil dates in bigint, without
 * `Date`, and periods are looked for one by one. What is compared is written as text in all the ways that ISO 8601 has.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intervalContaining, parseInterval } from '../../src/open-payments/interval.ts';
import fc from '../support/fast-check.ts';

interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** Milliseconds since midnight. */
  readonly time: number;
}

/** Minutes ahead of UTC; undefined is written without a zone. */
type Zone = number | undefined;

const DAY = 86_400_000n;
const floorDiv = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;

/** Days since 1 January 1970: years begin in March, so that the leap day comes last. */
function countDays(year: bigint, month: bigint, day: bigint): bigint {
  const shifted = month > 2n ? year : year - 1n;
  const era = floorDiv(shifted, 400n);
  const yearOfEra = shifted - era * 400n;
  const monthOfYear = (month + 9n) % 12n;
  const dayOfYear = (153n * monthOfYear + 2n) / 5n + day - 1n;
  const dayOfEra = yearOfEra * 365n + yearOfEra / 4n - yearOfEra / 100n + dayOfYear;
  return era * 146_097n + dayOfEra - 719_468n;
}

function lengthOfMonth(year: bigint, month: bigint): bigint {
  const [nextYear, nextMonth] = month === 12n ? [year + 1n, 1n] : [year, month + 1n];
  return countDays(nextYear, nextMonth, 1n) - countDays(year, month, 1n);
}

/** Instant `k` periods after a local date and time; a day that the month does not have is its last. */
function boundOf(origin: Civil, zone: number, months: number, milliseconds: bigint, k: number): bigint {
  const index = BigInt(origin.year) * 12n + BigInt(origin.month - 1) + BigInt(k) * BigInt(months);
  const year = floorDiv(index, 12n);
  const month = index - year * 12n + 1n;
  const length = lengthOfMonth(year, month);
  const day = BigInt(origin.day) < length ? BigInt(origin.day) : length;
  const local = countDays(year, month, day) * DAY + BigInt(origin.time);
  return local - BigInt(zone) * 60_000n + BigInt(k) * milliseconds;
}

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

/** `style` chooses among the ways to write the same instant. */
function writeInstant({ year, month, day, time }: Civil, zone: Zone, style: number): string {
  const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
  if (time === 0 && zone === undefined && style % 2 === 0) return date;
  const [hours, minutes] = [Math.floor(time / 3_600_000), Math.floor(time / 60_000) % 60];
  const [seconds, fraction] = [Math.floor(time / 1000) % 60, time % 1000];
  let text = `${date}T${pad(hours)}:${pad(minutes)}`;
  if (seconds !== 0 || fraction !== 0 || style % 3 === 0) text += `:${pad(seconds)}`;
  if (fraction !== 0) {
    const digits = pad(fraction, 3);
    text += `${style % 2 === 0 ? '.' : ','}${style % 5 === 0 ? `${digits}999` : digits.replace(/0+$/, '')}`;
  }
  if (zone === undefined) return text;
  if (zone === 0 && style % 4 !== 0) return `${text}Z`;
  const ahead = Math.abs(zone);
  const [zoneHours, zoneMinutes] = [pad(Math.floor(ahead / 60)), pad(ahead % 60)];
  const sign = zone < 0 ? '-' : '+';
  if (ahead % 60 === 0 && style % 3 === 0) return `${text}${sign}${zoneHours}`;
  return `${text}${sign}${zoneHours}${style % 2 === 0 ? ':' : ''}${zoneMinutes}`;
}

const civil: fc.Arbitrary<Civil> = fc
  .record({
    year: fc.oneof(fc.integer({ min: 1600, max: 2400 }), fc.constantFrom(1, 1900, 2000, 2024, 2100, 9998)),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.oneof(fc.integer({ min: 1, max: 31 }), fc.constantFrom(28, 29, 30, 31)),
    time: fc.oneof(
      fc.constantFrom(0, 1, 86_399_999, 43_200_000, 3_600_000, 500),
      fc.integer({ min: 0, max: 86_399_999 }),
    ),
  })
  .map((date) => {
    const length = Number(lengthOfMonth(BigInt(date.year), BigInt(date.month)));
    return { ...date, day: Math.min(date.day, length) };
  });
const zone: fc.Arbitrary<Zone> = fc.constantFrom(undefined, 0, 60, -300, 330, 345, -570, 840, -1439, 1439);

/** Each unit as it would be written, undefined where it is not. */
const duration = fc
  .record({
    Y: fc.option(fc.nat(3), { nil: undefined }),
    M: fc.option(fc.nat(14), { nil: undefined }),
    W: fc.option(fc.nat(6), { nil: undefined }),
    D: fc.option(fc.nat(40), { nil: undefined }),
    H: fc.option(fc.nat(50), { nil: undefined }),
    m: fc.option(fc.nat(100), { nil: undefined }),
    S: fc.option(fc.nat(100_000), { nil: undefined }),
    fraction: fc.option(fc.nat(999), { nil: undefined, freq: 3 }),
  })
  .map(({ Y, M, W, D, H, m, S, fraction }) => {
    const unit = (value: number | undefined, name: string) => (value === undefined ? '' : `${value}${name}`);
    const part = S === undefined || fraction === undefined ? '' : `.${pad(fraction, 3)}`;
    const time = `${unit(H, 'H')}${unit(m, 'M')}${S === undefined ? '' : `${S}${part}S`}`;
    const days = (W ?? 0) * 7 + (D ?? 0);
    const seconds = (H ?? 0) * 3600 + (m ?? 0) * 60 + (S ?? 0);
    return {
      text: `P${unit(Y, 'Y')}${unit(M, 'M')}${unit(W, 'W')}${unit(D, 'D')}${time && `T${time}`}`,
      months: (Y ?? 0) * 12 + (M ?? 0),
      milliseconds: BigInt(days) * DAY + BigInt(seconds) * 1000n + (part ? BigInt(fraction!) : 0n),
    };
  })
  .filter(({ months, milliseconds }) => months > 0 || milliseconds > 0n);

const count = fc.constantFrom<number | undefined>(1, 2, 3, 12, 37, undefined);
const writeCount = (number: number | undefined, style: number): string =>
  number !== undefined ? `R${number}` : style % 2 === 0 ? 'R' : 'R-1';

/** The period at an instant, looked for from the origin on. */
function findPeriod(
  bound: (k: number) => bigint,
  backwards: boolean,
  number: number | undefined,
  at: bigint,
): { start: number; end: number } | undefined {
  for (let i = 0; i < (number ?? 60); i += 1) {
    const k = backwards ? -1 - i : i;
    if (bound(k) <= at && at < bound(k + 1)) return { start: Number(bound(k)), end: Number(bound(k + 1)) };
  }
  return undefined;
}

/** Period to look at, and where: right at its beginning, a millisecond beside it, or so many 1,024ths after it. */
const place = fc.record({
  k: fc.integer({ min: -1, max: 40 }),
  nudge: fc.constantFrom(-1n, 0n, 1n, 0n),
  part: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 1023n })),
  style: fc.nat(120),
});

function checkAt(
  text: string,
  bound: (k: number) => bigint,
  backwards: boolean,
  number: number | undefined,
  where: { k: number; nudge: bigint; part: bigint },
): void {
  const k = backwards ? -where.k : where.k;
  const at = bound(k) + where.nudge + ((bound(k + 1) - bound(k)) * where.part) / 1024n;
  const expected = findPeriod(bound, backwards, number, at);
  const found = intervalContaining(parseInterval(text), Number(at));
  assert.deepEqual(found, expected, `${text} at ${at}`);
}

test('a duration repeats after its start, or before its end (LIM-08, LIM-10, LIM-12)', () => {
  fc.assert(
    fc.property(
      civil,
      zone,
      duration,
      count,
      fc.boolean(),
      place,
      (origin, ahead, period, number, backwards, where) => {
        const instant = writeInstant(origin, ahead, where.style);
        const parts = backwards ? [period.text, instant] : [instant, period.text];
        const text = [writeCount(number, where.style), ...parts].join('/');
        const bound = (k: number) => boundOf(origin, ahead ?? 0, period.months, period.milliseconds, k);
        checkAt(text, bound, backwards, number, where);
      },
    ),
    { numRuns: 3_000 },
  );
});

test('start and end repeat the length between them; an end without a zone has the one of the start (LIM-11)', () => {
  fc.assert(
    fc.property(civil, zone, civil, zone, count, place, (from, ahead, to, other, number, where) => {
      const start = boundOf(from, ahead ?? 0, 0, 0n, 0);
      const length = boundOf(to, other ?? ahead ?? 0, 0, 0n, 0) - start;
      const text = [
        writeCount(number, where.style),
        writeInstant(from, ahead, where.style),
        writeInstant(to, other, where.style + 1),
      ].join('/');
      // A thousand years of 365.2425 days.
      if (length <= 0n || length > 365_242_500n * 86_400n) {
        assert.throws(() => parseInterval(text), { code: 'invalid_interval' });
        return;
      }
      checkAt(text, (k) => start + BigInt(k) * length, false, number, where);
    }),
    { numRuns: 3_000 },
  );
});

test('a date is accepted exactly if the calendar has it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9999 }), fc.nat(14), fc.nat(33), (year, month, day) => {
      const exists = month >= 1 && month <= 12 && day >= 1 && BigInt(day) <= lengthOfMonth(BigInt(year), BigInt(month));
      const text = `R/${pad(year, 4)}-${pad(month)}-${pad(day)}T00:00:00Z/P1M`;
      if (exists)
        assert.equal(parseInterval(text).origin, Number(countDays(BigInt(year), BigInt(month), BigInt(day)) * DAY));
      else assert.throws(() => parseInterval(text), { code: 'invalid_interval' });
    }),
    { numRuns: 3_000 },
  );
});

test('periods without bound tile time: where one ends the next begins', () => {
  fc.assert(
    fc.property(civil, zone, duration, fc.integer({ min: 0, max: 4_000_000_000_000 }), (origin, ahead, period, at) => {
      const forwards = parseInterval(`R/${writeInstant({ ...origin, year: 4 }, ahead, 0)}/${period.text}`);
      const backwards = parseInterval(`R/${period.text}/${writeInstant({ ...origin, year: 9999, day: 1 }, ahead, 0)}`);
      for (const interval of [forwards, backwards]) {
        const here = intervalContaining(interval, at)!;
        assert.ok(here.start <= at && at < here.end);
        assert.equal(intervalContaining(interval, here.end)!.start, here.end);
        assert.equal(intervalContaining(interval, here.start - 1)!.end, here.start);
      }
    }),
    { numRuns: 1_000 },
  );
});
