/**
 * The amounts of a payment in the money model, computed differently from the server: everything is counted in atoms, so
 * small that a unit of any asset at any price is a whole number of them (SET-03, RS-Q-10…13).
 */

export interface Asset {
  readonly code: string;
  readonly scale: number;
}

/** Price of one whole unit of each currency, as a decimal. */
export type Prices = Readonly<Record<string, string>>;

/** Terms of a quote: the assets, the prices and the fee, in hundredths of a percent and in units of `from`. */
export interface Terms {
  readonly from: Asset;
  readonly to: Asset;
  readonly prices: Prices;
  readonly basisPoints: number;
  readonly fixed: bigint;
}

export interface Amounts {
  readonly debit: bigint;
  readonly fee: bigint;
  readonly receive: bigint;
}

export const nameOf = ({ code, scale }: Asset): string => `${code}:${scale}`;

const PLACES = 30;
const FINEST = 255;

/** Atoms of one minor unit; what both assets of one currency cost does not matter. */
function worth({ code, scale }: Asset, { from, to, prices }: Terms): bigint {
  const price = from.code === to.code ? '1' : prices[code]!;
  const [whole, part = ''] = price.split('.');
  return BigInt(whole + part.padEnd(PLACES, '0')) * 10n ** BigInt(FINEST - scale);
}

/** How often it fits, and whether something is left. */
function measure(value: bigint, unit: bigint): { readonly times: bigint; readonly isExact: boolean } {
  const left = value % unit;
  return { times: (value - left) / unit, isExact: left === 0n };
}

const covering = (value: bigint, unit: bigint): bigint => {
  const { times, isExact } = measure(value, unit);
  return isExact ? times : times + 1n;
};

const feeOn = (principal: bigint, { basisPoints, fixed }: Terms): bigint =>
  covering(principal * BigInt(basisPoints), 10_000n) + fixed;

/** The payer gives the debit; the receive amount is 0 where nothing would arrive. */
export function quoteSend(terms: Terms, debit: bigint): Amounts {
  const fee = feeOn(debit, terms);
  const left = debit > fee ? debit - fee : 0n;
  return { debit, fee, receive: measure(left * worth(terms.from, terms), worth(terms.to, terms)).times };
}

/** The payee gets this much. */
export function quoteReceive(terms: Terms, receive: bigint): Amounts {
  const net = covering(receive * worth(terms.to, terms), worth(terms.from, terms));
  const fee = feeOn(net, terms);
  return { debit: net + fee, fee, receive };
}
