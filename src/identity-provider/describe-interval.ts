/** ISO 8601 repeating intervals in words, in all three forms (LIM-07…12, LIM-17). */
import { boundary, type Duration, parseInterval, type RepeatingInterval } from '../open-payments/interval.ts';

export interface IntervalWords {
  /** Frequency: `each month`, `every 2 weeks`; for a single period, its start and end. */
  readonly each: string;
  /** End of the last period; undefined if the interval is unbounded. */
  readonly until: string | undefined;
  /** Start and end of the first period; undefined if the interval is unbounded in the past. */
  readonly first: string | undefined;
  /** Number of periods; undefined if unbounded. */
  readonly count: number | undefined;
}

/** Throws `invalid_interval`. */
export function describeInterval(text: string): IntervalWords {
  const interval = parseInterval(text);
  const { first, last, period } = interval;
  const count = last - first + 1;
  const end = dateOf(interval, last + 1);
  const begin = dateOf(interval, first);
  const span = begin && `${begin} to ${dateOf(interval, first + 1)}`;
  if (count === 1) return { each: `from ${span}`, until: undefined, first: undefined, count };
  return {
    each: describePeriod(period),
    until: end,
    first: span,
    count: Number.isFinite(count) ? count : undefined,
  };
}

/** The end of a sentence about a limit: ` each month, until 21 December 2027`. */
export function describeRepetition({ each, until, count }: IntervalWords): string {
  if (count === 1) return ` ${each}`;
  return ` ${each}, ${until === undefined ? 'with no end date' : `until ${until}`}`;
}

const SECOND = 1000;
const units = [
  ['week', 7 * 24 * 3600 * SECOND],
  ['day', 24 * 3600 * SECOND],
  ['hour', 3600 * SECOND],
  ['minute', 60 * SECOND],
  ['second', SECOND],
  ['millisecond', 1],
] as const;

/** `each month`, `every 2 weeks`, `every 1 month and 2 days`. */
function describePeriod({ months, milliseconds }: Duration): string {
  const parts: [number, string][] = [
    [Math.floor(months / 12), 'year'],
    [months % 12, 'month'],
  ];
  // Weeks only if nothing is left over: 30 days stay 30 days rather than 4 weeks and 2 days.
  let rest = milliseconds;
  for (const [unit, length] of milliseconds % units[0][1] === 0 ? units : units.slice(1)) {
    parts.push([Math.floor(rest / length), unit]);
    rest %= length;
  }
  const present = parts.filter(([number]) => number > 0);
  const [only] = present;
  if (present.length === 1 && only![0] === 1) return `each ${only![1]}`;
  const words = present.map(([number, unit]) => `${number} ${unit}${number === 1 ? '' : 's'}`);
  return `every ${new Intl.ListFormat('en-GB').format(words)}`;
}

const days = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

/** Start of a period in the time zone of the interval. The time is omitted at midnight. */
function dateOf(interval: RepeatingInterval, number: number): string | undefined {
  const instant = Number.isFinite(number) ? boundary(interval, number) : Number.NaN;
  const local = new Date(instant + interval.offset);
  // Out of the range of Date.
  if (Number.isNaN(local.getTime())) return undefined;
  const time = local.toISOString().slice(-'00:00:00.000Z'.length, -1);
  if (time === '00:00:00.000') return days.format(local);
  return `${days.format(local)}, ${time.replace(/(:00)?\.000$/, '')} ${zoneOf(interval.offset)}`;
}

function zoneOf(offset: number): string {
  if (offset === 0) return 'UTC';
  const minutes = Math.abs(offset) / (60 * SECOND);
  const digits = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0'));
  return `UTC${offset < 0 ? '−' : '+'}${digits.join(':')}`;
}
