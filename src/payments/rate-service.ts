/**
 * Exchange rates from the operator's HTTP service: `GET {url}?base=USD` returns `base` and `rates`, the value of one
 * unit of the base in other currencies. Rates are cached for 15 seconds (SET-06, OPI-063). An expired rate is never
 * used in place of one that cannot be fetched.
 */
import type { Clock } from '../clock.ts';
import { Problem } from '../errors.ts';
import { type Outbound, OutboundError } from '../net/outbound.ts';
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
    const { status, body } = await outbound.request({ url });
    if (status !== 200) throw new RatesUnusable(`status ${status}`);
    return parseRates(body, base);
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

function parseRates(body: Buffer, base: string): Rates {
  const answer = parseExactly(body.toString('utf8')) as { base?: unknown; rates?: unknown } | null | undefined;
  if (answer?.base !== base) throw new RatesUnusable('the answer is for another base');
  const { rates } = answer;
  const isObject = typeof rates === 'object' && rates !== null && !Array.isArray(rates);
  if (!isObject || rates instanceof NumberText) throw new RatesUnusable('the answer does not contain rates');
  return rates as Rates;
}

function parseExactly(text: string): unknown {
  try {
    return JSON.parse(text, ((_name: string, value: unknown, { source }: { source?: string }) =>
      typeof value === 'number' ? new NumberText(source!) : value) as (name: string, value: unknown) => unknown);
  } catch {
    throw new RatesUnusable('the answer is not JSON');
  }
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
