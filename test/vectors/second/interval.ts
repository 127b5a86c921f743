/**
 * Repeating intervals, written a second time: the text is read character by character, and periods are stepped through
 * in calendar fields. It shares no code with the program, so that a mistake in one does not hide the same in the other.
 */

interface Fields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** Milliseconds since midnight. */
  readonly time: number;
}

interface Instant extends Fields {
  /** Minutes ahead of UTC; undefined if the text has no zone. */
  readonly offset: number | undefined;
}

interface Length {
  readonly months: number;
  readonly milliseconds: number;
}

export interface SecondInterval {
  readonly count: number;
  /** Start, or end of an interval that counts backwards. */
  readonly anchor: Instant & { readonly offset: number };
  readonly length: Length;
  readonly isBackwards: boolean;
}

const DAY = 86_400_000;

function fail(): never {
  throw new Error('not an interval');
}

function createScanner(text: string) {
  let at = 0;
  return {
    peek: () => text[at],
    isAtEnd: () => at === text.length,
    accept(character: string): boolean {
      if (text[at] !== character) return false;
      at += 1;
      return true;
    },
    digits(): string {
      const start = at;
      while (text[at] !== undefined && text[at]! >= '0' && text[at]! <= '9') at += 1;
      return text.slice(start, at);
    },
    exactly(length: number): number {
      const digits = this.digits();
      return digits.length === length ? Number(digits) : fail();
    },
  };
}

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
const daysOf = (year: number, month: number) =>
  [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;

function daysBeforeYear(year: number): number {
  const past = year - 1;
  return 365 * past + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400);
}

/** Milliseconds since the epoch, from the fields of a calendar without a zone. */
function toEpoch({ year, month, day, time }: Fields): number {
  let days = daysBeforeYear(year) - daysBeforeYear(1970) + day - 1;
  for (let earlier = 1; earlier < month; earlier += 1) days += daysOf(year, earlier);
  return days * DAY + time;
}

function readFraction(scanner: ReturnType<typeof createScanner>): string {
  if (!scanner.accept('.') && !scanner.accept(',')) return '';
  const digits = scanner.digits();
  return digits === '' ? fail() : digits;
}

const toMilliseconds = (fraction: string) => Number(`${fraction}000`.slice(0, 3));

function readInstant(text: string): Instant {
  const scanner = createScanner(text);
  const year = scanner.exactly(4);
  const month = scanner.accept('-') ? scanner.exactly(2) : fail();
  const day = scanner.accept('-') ? scanner.exactly(2) : fail();
  if (year === 0 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) fail();
  if (scanner.isAtEnd()) return { year, month, day, time: 0, offset: undefined };
  if (!scanner.accept('T')) fail();
  const hour = scanner.exactly(2);
  const minute = scanner.accept(':') ? scanner.exactly(2) : fail();
  const second = scanner.accept(':') ? scanner.exactly(2) : 0;
  const fraction = toMilliseconds(readFraction(scanner));
  if (hour > 23 || minute > 59 || second > 59) fail();
  const time = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
  if (scanner.isAtEnd()) return { year, month, day, time, offset: undefined };
  if (scanner.accept('Z')) return scanner.isAtEnd() ? { year, month, day, time, offset: 0 } : fail();
  const sign = scanner.accept('+') ? 1 : scanner.accept('-') ? -1 : fail();
  const hours = scanner.exactly(2);
  scanner.accept(':');
  const minutes = scanner.isAtEnd() ? 0 : scanner.exactly(2);
  if (hours > 23 || minutes > 59 || !scanner.isAtEnd()) fail();
  return { year, month, day, time, offset: sign * (hours * 60 + minutes) };
}

const UNITS = [
  ['Y', 12, 0],
  ['M', 1, 0],
  ['W', 0, 7 * DAY],
  ['D', 0, DAY],
  ['T', 0, 0],
  ['H', 0, 3_600_000],
  ['M', 0, 60_000],
  ['S', 0, 1000],
] as const;

function readDuration(text: string): Length {
  const scanner = createScanner(text);
  if (!scanner.accept('P') || scanner.isAtEnd()) fail();
  let [months, milliseconds, next, hasTime] = [0, 0, 0, false];
  while (!scanner.isAtEnd()) {
    if (scanner.accept('T')) {
      if (hasTime || scanner.isAtEnd()) fail();
      hasTime = true;
      next = 5;
      continue;
    }
    const digits = scanner.digits();
    const fraction = readFraction(scanner);
    if (digits === '' || /[1-9]/.test(fraction.slice(3))) fail();
    const found = UNITS.findIndex(
      ([letter], index) => index >= next && letter === scanner.peek() && index > 4 === hasTime,
    );
    if (found < 0 || (fraction !== '' && UNITS[found]![0] !== 'S')) fail();
    scanner.accept(UNITS[found]![0]);
    months += Number(digits) * UNITS[found]![1];
    milliseconds += Number(digits) * UNITS[found]![2] + toMilliseconds(fraction);
    next = found + 1;
  }
  if (months === 0 && milliseconds === 0) fail();
  if (months > 12_000 || milliseconds > 1000 * 365.2425 * DAY) fail();
  return { months, milliseconds };
}

export function readInterval(text: string): SecondInterval {
  const parts = text.split('/');
  if (parts.length !== 3) fail();
  const scanner = createScanner(parts[0]!);
  if (!scanner.accept('R')) fail();
  const isMinusOne = parts[0] === 'R-1';
  const digits = isMinusOne ? '' : scanner.digits();
  if (!isMinusOne && !scanner.isAtEnd()) fail();
  const count = digits === '' ? Number.POSITIVE_INFINITY : Number(digits);
  if (count === 0) fail();
  const isBackwards = parts[1]!.startsWith('P');
  const anchor = readInstant(parts[isBackwards ? 2 : 1]!);
  const fixed = { ...anchor, offset: anchor.offset ?? 0 };
  if (isBackwards) return { count, anchor: fixed, length: readDuration(parts[1]!), isBackwards };
  if (parts[2]!.startsWith('P')) return { count, anchor: fixed, length: readDuration(parts[2]!), isBackwards };
  const end = readInstant(parts[2]!);
  const milliseconds = toEpoch(end) - (end.offset ?? fixed.offset) * 60_000 - (toEpoch(fixed) - fixed.offset * 60_000);
  return milliseconds > 0 ? { count, anchor: fixed, length: { months: 0, milliseconds }, isBackwards } : fail();
}

/** Beginning of the period that is `number` periods after the anchor. */
function beginning({ anchor, length }: SecondInterval, number: number): number {
  const total = anchor.year * 12 + anchor.month - 1 + number * length.months;
  const [year, month] = [Math.floor(total / 12), (((total % 12) + 12) % 12) + 1];
  const day = Math.min(anchor.day, daysOf(year, month));
  return toEpoch({ year, month, day, time: anchor.time }) - anchor.offset * 60_000 + number * length.milliseconds;
}

/** The period that contains the instant: goes through them one by one. */
export function periodAt(interval: SecondInterval, instant: number): { start: number; end: number } | undefined {
  const step = interval.isBackwards ? -1 : 1;
  for (let passed = 0; passed < Math.min(interval.count, 100_000); passed += 1) {
    const number = interval.isBackwards ? -1 - passed : passed;
    const [start, end] = [beginning(interval, number), beginning(interval, number + 1)];
    if (start <= instant && instant < end) return { start, end };
    if (step > 0 ? start > instant : end <= instant) return undefined;
  }
  return undefined;
}
