/** The amounts of a quote, exact and without slippage (RS-Q-10…13, SET-03, SET-05, SET-13). */
import { Problem } from '../errors.ts';
import type { Asset } from '../open-payments/amount.ts';
import { checkRange, MAX_AMOUNT, toWireAmount } from '../open-payments/amount.ts';
import type { Fee } from './fees.ts';
import { feeFor, principalLeaving } from './fees.ts';
import type { Rate } from './rates.ts';
import { convertDown, convertUp, invertRate } from './rates.ts';

/** The terms of a quote. */
export interface QuoteTerms {
  /** The payer's asset; errors name the smallest sufficient amount in it. */
  readonly debitAsset: Asset;
  /** Converts the payer's minor units to the receiver's. */
  readonly rate: Rate;
  readonly fee: Fee;
}

export interface QuoteAmounts {
  /** The total that the payer pays, including the fee. */
  readonly debitAmount: bigint;
  /** The part of `debitAmount` that stays with the ASE. */
  readonly fee: bigint;
  readonly receiveAmount: bigint;
}

/**
 * The payer names the debit; the fee is inside, and the receiver gets the rest rounded down.
 * Throws `non_positive_receive_amount` (details: minSendAmount) and `invalid_amount` beyond uint64.
 */
export function quoteFixedSend(terms: QuoteTerms & { readonly debitAmount: bigint }): QuoteAmounts {
  const { debitAmount, rate } = terms;
  const fee = feeFor(debitAmount, terms.fee);
  const receiveAmount = debitAmount > fee ? convertDown(debitAmount - fee, rate) : 0n;
  if (receiveAmount === 0n) throw nonPositiveReceiveAmount(terms);
  return checkQuote({ debitAmount, fee, receiveAmount });
}

/**
 * The receiver's amount is given; the payer pays its countervalue rounded up, and the fee on top.
 * Throws as `quoteFixedSend` does.
 */
export function quoteFixedReceive(terms: QuoteTerms & { readonly receiveAmount: bigint }): QuoteAmounts {
  const { receiveAmount, rate } = terms;
  if (receiveAmount <= 0n) throw nonPositiveReceiveAmount(terms);
  const net = convertUp(receiveAmount, invertRate(rate));
  const fee = feeFor(net, terms.fee);
  return checkQuote({ debitAmount: net + fee, fee, receiveAmount });
}

/** The smallest debit of a fixed send that delivers anything. It may lie beyond uint64. */
export function minimumDebit(rate: Rate, fee: Fee): bigint {
  return principalLeaving(convertUp(1n, invertRate(rate)), fee);
}

function nonPositiveReceiveAmount({ debitAsset, rate, fee }: QuoteTerms): Problem {
  const value = minimumDebit(rate, fee);
  // No amount is large enough: then there is none to suggest.
  if (value > MAX_AMOUNT) return new Problem('non_positive_receive_amount');
  const minSendAmount = toWireAmount({ value, asset: debitAsset });
  return new Problem('non_positive_receive_amount', { details: { minSendAmount } });
}

function checkQuote(amounts: QuoteAmounts): QuoteAmounts {
  checkRange(amounts.debitAmount);
  checkRange(amounts.receiveAmount);
  return amounts;
}
