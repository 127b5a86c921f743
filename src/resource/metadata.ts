/** `metadata` of a payment: returned exactly as it was received, or rejected (RS-19, RS-27). */

import type { ReceivedRequest } from '../http/received-request.ts';
import { resourceProblem } from './problem.ts';

/** Maximum size in bytes, as compact JSON: a page of a list holds a hundred. */
const MAX_BYTES = 10 * 1024;

/** Maximum length of a number: enough for every integer that a double can hold. */
const MAX_NUMBER_LENGTH = 400;

type ReviveWithSource = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Significant digits and exponent: `1.50e3` becomes `15e2`, and `-0` becomes `0`. */
function canonicalNumber(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:e([+-]?[0-9]+))?$/i.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  const significant = digits.slice(0, end);
  if (significant === '') return '0';
  return `${sign}${significant}e${BigInt(exponent.replace('+', '')) - BigInt(fraction.length - digits.length + significant.length)}`;
}

/** True if the number as it was written has the value of the double that was read. */
const isKept = (written: string, value: number): boolean =>
  written.length <= MAX_NUMBER_LENGTH && canonicalNumber(written) === canonicalNumber(String(value));

const invalid = (description: string) => resourceProblem('invalid_request', { description });

/**
 * The value for a json column; null without metadata. Throws `invalid_request` if it is too large, or if a number is too
 * long or exceeds the precision of a double.
 */
export function storeMetadata(
  metadata: Record<string, unknown> | undefined,
  exchange: ReceivedRequest,
): Record<string, unknown> | null {
  if (metadata === undefined) return null;
  const text = JSON.stringify(metadata);
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalid(`metadata is larger than ${MAX_BYTES} bytes`);
  const rejectLossyNumber: ReviveWithSource = (_key, value, { source }) => {
    if (typeof value === 'number' && source !== undefined && !isKept(source, value)) {
      throw invalid('metadata has a number that is too long, or beyond the precision of a double');
    }
    return undefined;
  };
  JSON.parse(exchange.body.toString('utf8'), rejectLossyNumber as (key: string, value: unknown) => unknown);
  return text as unknown as Record<string, unknown>;
}
