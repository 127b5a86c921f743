/** `metadata` of a payment: kept as it came, or refused (RS-19, RS-27). */

import { Problem } from '../errors.ts';
import type { ReceivedRequest } from '../http/received-request.ts';

/** Most objects and arrays inside one another. */
const MAX_DEPTH = 64;

type ReviveWithSource = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

/**
 * Metadata for a json column; null where there is none. Throws `invalid_request` for what would not come back as it
 * was: numbers that a double cannot hold, and nesting beyond any use.
 */
export function storeMetadata(
  metadata: Record<string, unknown> | undefined,
  exchange: ReceivedRequest,
): Record<string, unknown> | null {
  if (metadata === undefined) return null;
  if (isDeeperThan(metadata, MAX_DEPTH)) {
    throw new Problem('invalid_request', { description: `metadata is nested more than ${MAX_DEPTH} levels deep` });
  }
  const refuseLossyNumber: ReviveWithSource = (_key, value, { source }) => {
    if (typeof value === 'number' && source !== undefined && !isSameNumber(source, String(value))) {
      throw new Problem('invalid_request', { description: 'metadata has a number beyond the precision of a double' });
    }
    return undefined;
  };
  JSON.parse(exchange.body.toString('utf8'), refuseLossyNumber as (key: string, value: unknown) => unknown);
  return JSON.stringify(metadata) as unknown as Record<string, unknown>;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1));
}

/** Whether two decimal numbers are equal, however they are written. */
function isSameNumber(a: string, b: string): boolean {
  return canonicalNumber(a) === canonicalNumber(b);
}

/** Significant digits and exponent: `1.50e3` is `15e2`; zero has no sign. */
function canonicalNumber(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:e([+-]?[0-9]+))?$/i.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${BigInt(exponent.replace('+', '')) - BigInt(fraction.length - digits.length + significant.length)}`;
}
