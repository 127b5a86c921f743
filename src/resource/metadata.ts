/** `metadata` of a payment: returned exactly as it was received, or rejected (RS-19, RS-27). */

import type { ReceivedRequest } from '../http/received-request.ts';
import { resourceProblem } from './problem.ts';

/** Maximum nesting of objects and arrays. */
const MAX_DEPTH = 64;

type ReviveWithSource = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1));
}

/** Significant digits and exponent: `1.50e3` becomes `15e2`, and `-0` becomes `0`. */
function canonicalNumber(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:e([+-]?[0-9]+))?$/i.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${BigInt(exponent.replace('+', '')) - BigInt(fraction.length - digits.length + significant.length)}`;
}

/** Compares two decimal numbers by value, whatever their notation. */
function isSameNumber(a: string, b: string): boolean {
  return canonicalNumber(a) === canonicalNumber(b);
}

/**
 * The value for a json column; null without metadata. Throws `invalid_request` if a number exceeds the precision of a
 * double, or if the nesting is too deep.
 */
export function storeMetadata(
  metadata: Record<string, unknown> | undefined,
  exchange: ReceivedRequest,
): Record<string, unknown> | null {
  if (metadata === undefined) return null;
  if (isDeeperThan(metadata, MAX_DEPTH)) {
    throw resourceProblem('invalid_request', { description: `metadata is nested more than ${MAX_DEPTH} levels deep` });
  }
  const rejectLossyNumber: ReviveWithSource = (_key, value, { source }) => {
    if (typeof value === 'number' && source !== undefined && !isSameNumber(source, String(value))) {
      throw resourceProblem('invalid_request', {
        description: 'metadata has a number beyond the precision of a double',
      });
    }
    return undefined;
  };
  JSON.parse(exchange.body.toString('utf8'), rejectLossyNumber as (key: string, value: unknown) => unknown);
  return JSON.stringify(metadata) as unknown as Record<string, unknown>;
}
