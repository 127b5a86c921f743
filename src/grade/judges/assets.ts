/** Compares the asset of an amount with that of the wallet address that it belongs to. */
import type { Asset } from '../../open-payments/amount.ts';
import { clip, isObject } from '../json.ts';
import type { Findings } from '../judge.ts';
import { assetOfAmount, isSameAsset } from '../state/resources.ts';
import { pass, violation } from './findings.ts';

/** Undefined without an amount, or if the asset is not known. */
export function compareAsset(name: string, amount: unknown, asset: Asset | undefined): Findings {
  if (!isObject(amount) || asset === undefined) return undefined;
  const actual = assetOfAmount(amount);
  // CL-OP-03 is about amounts without a code and a scale.
  if (actual === undefined) return undefined;
  if (isSameAsset(actual, asset)) return pass;
  return violation(`\`${name}\` is not in the asset of its wallet address.`, {
    expected: describeAsset(asset),
    actual: describeAsset(actual),
  });
}

const describeAsset = ({ code, scale }: Asset): string => `${clip(code, 40)} with scale ${scale}`;
