/**
 * Amounts and quotes, written a second time: each amount is the smallest or largest whole number that fulfils an
 * inequality, found by bisection, instead of by division.
 */

const LIMIT = 2n ** 64n - 1n;

export interface SecondAsset {
  readonly code: string;
  readonly scale: number;
}

export interface SecondQuote {
  readonly kind: string;
  readonly debitAsset: SecondAsset;
  readonly receiveAsset: SecondAsset;
  readonly fee: { readonly basisPoints: number; readonly fixed: string };
  readonly amount: string;
}

/** True for the decimal digits of an integer from 0 to 2^64 − 1, without leading zeros. */
export const isAmount = (text: string): boolean =>
  text !== '' &&
  [...text].every((digit) => '0123456789'.includes(digit)) &&
  (text === '0' || !text.startsWith('0')) &&
  (text.length < 20 || (text.length === 20 && text <= `${LIMIT}`));

/** The smallest natural number for which a monotone condition holds. */
function smallest(condition: (value: bigint) => boolean): bigint {
  let high = 1n;
  while (!condition(high)) high *= 2n;
  let low = 0n;
  while (low < high) {
    const middle = (low + high) / 2n;
    if (condition(middle)) high = middle;
    else low = middle + 1n;
  }
  return low;
}

/** Numerator and denominator of a decimal. */
function toFraction(text: string): readonly [bigint, bigint] {
  const [whole = '', fraction = ''] = text.split('.');
  return [BigInt(whole + fraction), 10n ** BigInt(fraction.length)];
}

/** The quote, or the code of its error with the smallest debit that would deliver something. */
export function computeQuote(
  { kind, debitAsset, receiveAsset, fee, amount }: SecondQuote,
  prices: Readonly<Record<string, string>>,
) {
  const [from, to] = [prices[debitAsset.code], prices[receiveAsset.code]];
  if (from === undefined || to === undefined) return { error: 'no_rate' };
  const [fromValue, fromUnit] = toFraction(from);
  const [toValue, toUnit] = toFraction(to);
  // A debit is worth at least a receive amount if debit × a ≥ receive × b.
  const a = fromValue * toUnit * 10n ** BigInt(receiveAsset.scale);
  const b = toValue * fromUnit * 10n ** BigInt(debitAsset.scale);
  const feeOf = (debit: bigint) =>
    smallest((share) => share * 10_000n >= debit * BigInt(fee.basisPoints)) + BigInt(fee.fixed);
  const delivered = (net: bigint) => (net <= 0n ? 0n : smallest((receive) => receive * b > net * a) - 1n);
  const value = BigInt(amount);
  const minimum = () => smallest((debit) => delivered(debit - feeOf(debit)) > 0n);
  if (kind === 'fixed-send') {
    const receiveAmount = delivered(value - feeOf(value));
    if (receiveAmount === 0n) return { error: 'non_positive_receive_amount', minSendAmount: `${minimum()}` };
    return inRange({ debitAmount: value, fee: feeOf(value), receiveAmount });
  }
  const net = smallest((debit) => debit * a >= value * b);
  return inRange({ debitAmount: net + feeOf(net), fee: feeOf(net), receiveAmount: value });
}

function inRange(quote: { debitAmount: bigint; fee: bigint; receiveAmount: bigint }) {
  if (quote.debitAmount > LIMIT || quote.receiveAmount > LIMIT) return { error: 'invalid_amount' };
  return { quote: Object.fromEntries(Object.entries(quote).map(([name, value]) => [name, `${value}`])) };
}
