/** Amounts in request bodies (RS-01, RS-16). */

import { type Amount, parseAmount, type WireAmount } from '../open-payments/amount.ts';
import type { Switches } from '../profile.ts';
import { resourceProblem } from './problem.ts';

const members: readonly string[] = ['value', 'assetCode', 'assetScale'];

/** Throws `invalid_amount`, and `invalid_request` for an unknown member if the switch says `refuse`. */
export function parseRequestAmount(
  wire: WireAmount,
  { unknownAmountMembers }: Pick<Switches, 'unknownAmountMembers'>,
): Amount {
  const unknown = Object.keys(wire).find((name) => !members.includes(name));
  if (unknown !== undefined && unknownAmountMembers === 'refuse') {
    throw resourceProblem('invalid_request', { description: 'an amount has value, assetCode and assetScale only' });
  }
  return parseAmount(wire);
}
