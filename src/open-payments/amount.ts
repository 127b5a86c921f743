/** Amounts: whole minor units of an asset, exact from 0 to 2^64−1 (Open Payments `amount`; RS-16, RS-17, RS-29). */
import { Problem } from '../errors.ts';

export interface Asset {
  /** ISO 4217 where one exists. */
  readonly code: string;
  /** Number of decimal places of a minor unit, 0…255. */
  readonly scale: number;
}

export interface Amount {
  readonly value: bigint;
  readonly asset: Asset;
}

/** An amount in a JSON body. */
export interface WireAmount {
  value: string;
  assetCode: string;
  assetScale: number;
}

export const MAX_AMOUNT = 2n ** 64n - 1n;

const UINT64 = /^(0|[1-9][0-9]{0,19})$/;

export const sameAsset = (a: Asset, b: Asset): boolean => a.code === b.code && a.scale === b.scale;

/** Parses a wire amount; throws `invalid_amount` unless the value is a uint64 without sign or leading zeros. */
export function parseAmount(wire: WireAmount): Amount {
  const value = UINT64.test(wire.value) ? BigInt(wire.value) : undefined;
  if (value === undefined || value > MAX_AMOUNT) throw new Problem('invalid_amount');
  return { value, asset: { code: wire.assetCode, scale: wire.assetScale } };
}

export function toWireAmount(amount: Amount): WireAmount {
  return { value: amount.value.toString(), assetCode: amount.asset.code, assetScale: amount.asset.scale };
}

/** Throws `invalid_amount` where a result would no longer fit into a uint64. */
export function checkRange(value: bigint): bigint {
  if (value < 0n || value > MAX_AMOUNT) throw new Problem('invalid_amount', { detail: 'out of the range of uint64' });
  return value;
}
