/** Sending fees: a share in basis points, rounded up, plus a fixed part (SET-05, SET-11). */

export interface Fee {
  /** Hundredths of a percent of the principal, 0…9999. */
  readonly basisPoints: number;
  /** Minor units of the payer's asset. */
  readonly fixed: bigint;
}

export const noFee: Fee = { basisPoints: 0, fixed: 0n };

const WHOLE = 10_000n;

/** Returns the fee if it can be charged; throws an Error otherwise (a fee of the whole amount leaves nothing to send). */
export function checkFee(fee: Fee): Fee {
  if (!Number.isInteger(fee.basisPoints) || fee.basisPoints < 0 || fee.basisPoints >= 10_000) {
    throw new Error(`a fee of ${fee.basisPoints} basis points: a whole number from 0 to 9999 is expected`);
  }
  if (fee.fixed < 0n) throw new Error(`a fixed fee of ${fee.fixed}: it cannot be negative`);
  return fee;
}

/** The fee on a principal, both in minor units of the payer's asset. */
export function feeFor(principal: bigint, fee: Fee): bigint {
  return ceilDivide(principal * BigInt(fee.basisPoints), WHOLE) + fee.fixed;
}

/** The smallest principal of which at least `net` is left after the fee (SET-13). */
export function principalLeaving(net: bigint, fee: Fee): bigint {
  // p − ⌈p·bp/10000⌉ = ⌊p·(10000−bp)/10000⌋, so the bound can be solved for p exactly.
  return ceilDivide((net + fee.fixed) * WHOLE, WHOLE - BigInt(fee.basisPoints));
}

/** Rounds up; both are positive. */
export function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
