/** Repeating intervals of ISO 8601, as the limits of outgoing payments use them. */

interface Duration {
  readonly months: number;
  readonly ms: number;
}

export interface Interval {
  /** Number of periods; infinite for `R/` and `R-1/`. */
  readonly count: number;
  /** First instant, or the last one where periods are counted backwards. */
  readonly origin: number;
  readonly duration: Duration;
  readonly direction: 1 | -1;
}

export interface Period {
  readonly begin: number;
  /** Exclusive. */
  readonly end: number;
}

/** Clocks may disagree by so much about the beginning of the first period. */
const TOLERANCE_MS = 60_000;
const SHORTEST_MONTH_MS = 28 * 86_400_000;

/** Undefined if the text is not a repeating interval. */
export function parseInterval(text: unknown): Interval | undefined {
  const [repeat = '', first = '', second = '', ...more] = typeof text === 'string' ? text.split('/') : [];
  const [, times] = /^R(-1|[1-9]\d{0,8})?$/.exec(repeat) ?? ['', 'none'];
  if (times === 'none' || more.length > 0) return undefined;
  const count = times === undefined || times === '-1' ? Infinity : Number(times);
  const [begin, end] = [parseInstant(first), parseInstant(second)];
  const [length, lengthBefore] = [parseDuration(second), parseDuration(first)];
  if (begin !== undefined && length) return { count, origin: begin, duration: length, direction: 1 };
  if (end !== undefined && lengthBefore) return { count, origin: end, duration: lengthBefore, direction: -1 };
  if (begin === undefined || end === undefined || end <= begin) return undefined;
  return { count, origin: begin, duration: { months: 0, ms: end - begin }, direction: 1 };
}

function parseInstant(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  if (!match) return undefined;
  const [, date, time = '00:00:00', zone = 'Z'] = match;
  const instant = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(instant) ? undefined : instant;
}

function parseDuration(text: string): Duration | undefined {
  const match = /^P(?!$)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?!$)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(
    text,
  );
  if (!match) return undefined;
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((digits) => Number(digits ?? 0));
  const ms = 1000 * (seconds + 60 * (minutes + 60 * (hours + 24 * (days + 7 * weeks))));
  const duration = { months: years * 12 + months, ms };
  return duration.months === 0 && ms === 0 ? undefined : duration;
}

/** The instant after so many periods; a day that its month lacks is the last one of the month. */
function boundary({ origin, duration, direction }: Interval, index: number): number {
  const date = new Date(origin);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + direction * duration.months * index);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay));
  return date.getTime() + direction * duration.ms * index;
}

/** The period that holds an instant; undefined outside of all. */
export function periodAt(interval: Interval, instant: number): Period | undefined {
  const { count, origin, direction, duration } = interval;
  const distance = direction * (instant - origin);
  const shortest = duration.months * SHORTEST_MONTH_MS + duration.ms;
  // Counted forward, a period begins at its boundary; counted backwards, it ends there and does not hold it.
  const isPast = (index: number): boolean => {
    const passed = direction * (instant - boundary(interval, index));
    return direction === 1 ? passed >= 0 : passed > 0;
  };
  if (direction === 1 && distance < 0 && distance >= -TOLERANCE_MS) return periodOf(interval, 0);
  if (!isPast(0)) return undefined;
  let [low, high] = [0, Math.min(count, Math.floor(distance / shortest) + 1)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isPast(middle)) low = middle;
    else high = middle;
  }
  if (high === count && isPast(count)) return undefined;
  return periodOf(interval, isPast(high) && high < count ? high : low);
}

function periodOf(interval: Interval, index: number): Period {
  const ends = [boundary(interval, index), boundary(interval, index + 1)] as const;
  const begin = Math.min(...ends) - (interval.direction === 1 && index === 0 ? TOLERANCE_MS : 0);
  return { begin, end: Math.max(...ends) };
}
