/**
 * Exchange rates from the operator's HTTP service: `GET {url}?base=USD` returns `base` and `rates`, the value of one
 * unit of the base in other currencies. Rates are cached for 15 seconds (SET-06, OPI-063). An expired rate is never
 * used in place of one that cannot be fetched.
 */
import type { Clock } from '../clock.ts';
import { Problem } from '../errors.ts';
import { type Outbound, OutboundError } from '../net/outbound.ts';
import { type Reviver, readJson } from '../net/read-json.ts';
import type { Asset } from '../open-payments/amount.ts';
import { parsePrice, type Rate, scaleRate } from './rates.ts';

export interface RateServiceOptions {
  readonly clock: Clock;
  readonly outbound: Pick<Outbound, 'request'>;
}

/** The rate between two assets, scales included, as the service at this URL says. Throws `no_rate`. */
export type AskForRate = (url: string, from: Asset, to: Asset) => Promise<Rate>;

/** How long an answer counts, in milliseconds of business time. */
const LIFE_MS = 15_000;

/** A JSON number as it is written: `JSON.parse` alone would round it to a double. */
class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Rates = Readonly<Record<string, unknown>>;

export function createRateService({ clock, outbound }: RateServiceOptions): AskForRate {
  /** Cached answers by URL. */
  const answers = new Map<string, { readonly at: number; readonly rates: Promise<Rates> }>();

  async function fetchRates(url: string, base: string): Promise<Rates> {
    const answer = readJson(await outbound.request({ url }), isRates, unusable, keepNumberText);
    if (answer.base !== base) throw unusable('the answer is for another base');
    return answer.rates;
  }

  function ratesOf(service: string, base: string): Promise<Rates> {
    const url = new URL(service);
    url.searchParams.set('base', base);
    const now = clock.businessNow();
    const known = answers.get(url.href);
    // Older, or of a time that the clock was set back from.
    if (known && now - known.at < LIFE_MS && now >= known.at) return known.rates;
    const answer = { at: now, rates: fetchRates(url.href, base) };
    answers.set(url.href, answer);
    answer.rates.catch(() => {
      if (answers.get(url.href) === answer) answers.delete(url.href);
    });
    return answer.rates;
  }

  return async (service, from, to) => {
    if (from.code === to.code) return scaleRate({ numerator: 1n, denominator: 1n }, from, to);
    try {
      const rates = await ratesOf(service, from.code);
      // The code may come from another ASE: `constructor` is not a currency.
      return scaleRate(parseRate(Object.hasOwn(rates, to.code) ? rates[to.code] : undefined), from, to);
    } catch (error) {
      if (!(error instanceof RatesUnusable || error instanceof OutboundError)) throw error;
      throw new Problem('no_rate', { detail: `${from.code} to ${to.code}: ${error.message}`, cause: error });
    }
  };
}

/** The service did not answer, or its answer is invalid. */
class RatesUnusable extends Error {}

const unusable = (detail: string) => new RatesUnusable(detail);

const keepNumberText: Reviver = (_name, value, { source }) =>
  typeof value === 'number' ? new NumberText(source!) : value;

function isRates(answer: unknown): answer is { readonly base: unknown; readonly rates: Rates } {
  const { rates } = (answer ?? {}) as { rates?: unknown };
  return typeof rates === 'object' && rates !== null && !Array.isArray(rates) && !(rates instanceof NumberText);
}

/** A number above 0 of at most 30 digits before and after the point, with an exponent of at most two digits. */
function parseRate(value: unknown): Rate {
  const [, mantissa, exponent = '0'] =
    (value instanceof NumberText && /^([0-9.]+)(?:[eE]([+-]?[0-9]{1,2}))?$/.exec(value.text)) || [];
  if (mantissa === undefined) throw new RatesUnusable('the rate is missing or not a positive number');
  let rate: Rate;
  try {
    rate = parsePrice(mantissa);
  } catch {
    throw new RatesUnusable('the rate is 0 or too long');
  }
  const power = 10n ** BigInt(Math.abs(Number(exponent)));
  return Number(exponent) < 0
    ? { numerator: rate.numerator, denominator: rate.denominator * power }
    : { numerator: rate.numerator * power, denominator: rate.denominator };
}
