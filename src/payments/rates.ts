/** Exchange rates as exact fractions between minor units (SET-03, SET-04). No floating point, no intermediate rounding. */
import { Problem } from '../errors.ts';
import type { Asset } from '../open-payments/amount.ts';

/** Minor units of the destination for one minor unit of the source; both parts positive, in lowest terms. */
export interface Rate {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Prices of one whole unit of each currency in a common base currency: `{ USD: '1', EUR: '1.08', JPY: '0.0067' }`. */
export type Prices = Readonly<Record<string, string>>;

const DECIMAL = /^([0-9]{1,30})(?:\.([0-9]{1,30}))?$/;
const MAX_SCALE = 255;

/** Parses a price: a positive decimal without sign or exponent. Throws an Error for anything else. */
export function parsePrice(text: string): Rate {
  const [, whole, fraction = ''] = DECIMAL.exec(text) ?? [];
  const numerator = whole === undefined ? 0n : BigInt(whole + fraction);
  if (numerator === 0n) throw new Error(`"${text}" is not a price: a positive decimal such as 1.08 is expected`);
  return reduce(numerator, 10n ** BigInt(fraction.length));
}

/**
 * The rate from one asset to another, scales included; assets of one currency need no price.
 * Throws `no_rate` for a currency without a price and for an impossible scale.
 */
export function rateBetween(prices: Prices, from: Asset, to: Asset): Rate {
  const [source, destination] = from.code === to.code ? [ONE, ONE] : [priceOf(prices, from), priceOf(prices, to)];
  const numerator = source.numerator * destination.denominator;
  return scaleRate({ numerator, denominator: source.denominator * destination.numerator }, from, to);
}

/** A rate between whole units as one between minor units. Throws `no_rate` for an impossible scale. */
export function scaleRate({ numerator, denominator }: Rate, from: Asset, to: Asset): Rate {
  return reduce(numerator * powerOfTen(to), denominator * powerOfTen(from));
}

/** `value` in the destination's minor units, rounded down: what a receiver gets. */
export function convertDown(value: bigint, rate: Rate): bigint {
  return (value * rate.numerator) / rate.denominator;
}

/** `value` in the destination's minor units, rounded up: what a sender pays. */
export function convertUp(value: bigint, rate: Rate): bigint {
  return (value * rate.numerator + rate.denominator - 1n) / rate.denominator;
}

/** The same rate seen from the destination. */
export function invertRate(rate: Rate): Rate {
  return { numerator: rate.denominator, denominator: rate.numerator };
}

const ONE: Rate = { numerator: 1n, denominator: 1n };

function priceOf(prices: Prices, asset: Asset): Rate {
  // The code may come from another ASE: `constructor` is not a currency.
  const price = Object.hasOwn(prices, asset.code) ? prices[asset.code] : undefined;
  if (price === undefined) throw new Problem('no_rate', { detail: `no price for ${asset.code}` });
  return parsePrice(price);
}

function powerOfTen({ scale }: Asset): bigint {
  if (!Number.isInteger(scale) || scale < 0 || scale > MAX_SCALE) {
    throw new Problem('no_rate', { detail: `scale ${scale} is not between 0 and ${MAX_SCALE}` });
  }
  return 10n ** BigInt(scale);
}

function reduce(numerator: bigint, denominator: bigint): Rate {
  const divisor = greatestCommonDivisor(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}
