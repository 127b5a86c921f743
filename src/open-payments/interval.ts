/**
 * ISO 8601 repeating intervals as grants use them (LIM-07…12; `Rn` is n periods): `R[n]/start/duration`,
 * `R[n]/start/end` and `R[n]/duration/end`, of which `R/…` and `R-1/…` are unbounded.
 *
 * Extended calendar format only. Instants without a zone are UTC (an end without one has the start's) and are cut to
 * milliseconds. Every bound is counted from the origin, never from its neighbour, so that a period from the 31st
 * returns to the 31st: n periods are n times the months, in the calendar of the origin's zone, and then n times the rest.
 */
import { Problem } from '../errors.ts';

export interface RepeatingInterval {
  /** The start, or the end of the form that counts backwards: milliseconds since the epoch. */
  readonly origin: number;
  /** Milliseconds that the origin's zone is ahead of UTC: months are counted in its calendar. */
  readonly offset: number;
  /** Length of a period: calendar months, then milliseconds. */
  readonly period: Duration;
  /** Numbers of the first and the last period; period 0 begins at the origin. Infinite without a bound. */
  readonly first: number;
  readonly last: number;
}

export interface Duration {
  readonly months: number;
  readonly milliseconds: number;
}

/** Half-open: [start, end), in milliseconds since the epoch. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

const MAX_LENGTH = 128;
const COUNT = /^R(-1|[0-9]*)$/;
const INSTANT = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?(Z|([+-])(\d\d)(?::?(\d\d))?)?)?$/;
const DURATION =
  /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?)?$/;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Average length in the Gregorian calendar, in which 400 years have 146,097 days. */
const AVERAGE_MONTH = (146_097 * DAY) / 4_800;
/** Longer periods are rejected: their bounds would leave the years that a database can store. */
const LONGEST_PERIOD = 12_000 * AVERAGE_MONTH;

/** True if the text is a repeating interval (AS-46). */
export function isInterval(text: string): boolean {
  try {
    parseInterval(text);
    return true;
  } catch {
    return false;
  }
}

/** Throws `invalid_interval` unless the text is one of the three forms, not empty and not absurdly long. */
export function parseInterval(text: string): RepeatingInterval {
  const [repetition = '', left = '', right = '', ...rest] = text.length > MAX_LENGTH ? [] : text.split('/');
  const count = parseCount(repetition);
  if (rest.length > 0) throw invalid('more than three parts');
  if (left.startsWith('P')) {
    return { ...parseInstant(right), period: parseDuration(left), first: -count, last: -1 };
  }
  const start = parseInstant(left);
  if (right.startsWith('P')) return { ...start, period: parseDuration(right), first: 0, last: count - 1 };
  const length = parseInstant(right, start.offset).origin - start.origin;
  return { ...start, period: checkPeriod({ months: 0, milliseconds: length }), first: 0, last: count - 1 };
}

/** The period that holds an instant, or undefined where there is none. Takes the same time for every instant. */
export function intervalContaining(interval: RepeatingInterval, at: number): Period | undefined {
  const { origin, period, first, last } = interval;
  let number = Math.floor((at - origin) / averageLength(period));
  // Months differ from their average by days, so the guess is off by a period or two at most.
  while (boundary(interval, number) > at) number -= 1;
  while (boundary(interval, number + 1) <= at) number += 1;
  if (number < first || number > last) return undefined;
  return { start: boundary(interval, number), end: boundary(interval, number + 1) };
}

/** Where period `number` begins. Grows strictly with the number. */
export function boundary({ origin, offset, period }: RepeatingInterval, number: number): number {
  return addMonths(origin + offset, number * period.months) - offset + number * period.milliseconds;
}

/** Months later (or earlier) at the same day and time, or on the last day of a month that is too short. */
function addMonths(time: number, months: number): number {
  if (months === 0) return time;
  const date = new Date(time);
  const day = date.getUTCDate();
  // The first day first: day 31 would roll over into the next month.
  date.setUTCMonth(date.getUTCMonth() + months, 1);
  const daysOfMonth = new Date(new Date(date).setUTCMonth(date.getUTCMonth() + 1, 0)).getUTCDate();
  return date.setUTCDate(Math.min(day, daysOfMonth));
}

function averageLength({ months, milliseconds }: Duration): number {
  return months * AVERAGE_MONTH + milliseconds;
}

/** Number of periods; Infinity without a bound. */
function parseCount(text: string): number {
  const digits = COUNT.exec(text)?.[1];
  if (digits === undefined) throw invalid('no repetition such as R, R-1 or R12');
  const count = digits === '' || digits === '-1' ? Infinity : Number(digits);
  if (count === 0) throw invalid('no period at all');
  return count;
}

function parseInstant(text: string, defaultOffset = 0): { origin: number; offset: number } {
  const match = INSTANT.exec(text);
  if (!match) throw invalid('no instant');
  const [, date, time = '00:00', seconds = '00', fraction = '', zone, sign, hours, minutes = '00'] = match;
  const written = `${date}T${time}:${seconds}.${wholeMilliseconds(fraction)}Z`;
  const local = Date.parse(written);
  // Date.parse may carry 30 February over into March; a database cannot store year 0.
  if (Number.isNaN(local) || new Date(local).toISOString() !== written || date!.startsWith('0000')) {
    throw invalid('no such date or time');
  }
  if (zone === undefined) return { origin: local - defaultOffset, offset: defaultOffset };
  if (sign === undefined) return { origin: local, offset: 0 };
  if (Number(hours) > 23 || Number(minutes) > 59) throw invalid('no such zone');
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * HOUR + Number(minutes) * MINUTE);
  return { origin: local - offset, offset };
}

function parseDuration(text: string): Duration {
  const match = DURATION.exec(text);
  if (!match) throw invalid('no duration');
  const fraction = match[8] ?? '';
  // Cut off, it would add up with every period.
  if (/[1-9]/.test(fraction.slice(3))) throw invalid('a period finer than milliseconds');
  const [years, months, weeks, days, hours, minutes, seconds] = match.slice(1, 8).map((digits) => Number(digits ?? 0));
  return checkPeriod({
    months: years! * 12 + months!,
    milliseconds:
      (weeks! * 7 + days!) * DAY +
      hours! * HOUR +
      minutes! * MINUTE +
      seconds! * SECOND +
      Number(wholeMilliseconds(fraction)),
  });
}

function checkPeriod(period: Duration): Duration {
  const length = averageLength(period);
  if (length <= 0) throw invalid('a period without length');
  if (length > LONGEST_PERIOD) throw invalid('a period of more than a thousand years');
  return period;
}

/** The first three digits of a fraction of a second; clocks here count milliseconds. */
const wholeMilliseconds = (fraction: string): string => fraction.slice(0, 3).padEnd(3, '0');

const invalid = (detail: string): Problem => new Problem('invalid_interval', { detail });
