/** Allowing less: amounts as people write them on the consent page, held against what was asked (AS-93; RFC 9635 §3.2.1). */

import type { AccessItem } from '../open-payments/access.ts';
import type { WireAmount } from '../open-payments/amount.ts';
import type { AllowedLimits } from '../open-payments/interaction.ts';
import { formatAmount, formatValue } from './describe-access.ts';

/** Name of the form's field for the access item of that number. */
export const amountField = (index: number): string => `amount-${index}`;

/** The amount that a right is limited to, if it is. */
export const askedAmount = ({ limits }: AccessItem): WireAmount | undefined =>
  limits?.debitAmount ?? limits?.receiveAmount;

export interface ReadAmounts {
  readonly limits: readonly AllowedLimits[];
  /** Name of a field → what is wrong with it. */
  readonly mistakes: ReadonlyMap<string, string>;
}

/** An empty field allows what was asked. Fields of items without an amount do not exist, and count for nothing. */
export function readAllowedAmounts(
  access: readonly AccessItem[],
  fields: Readonly<Record<string, string | undefined>>,
): ReadAmounts {
  const limits: AllowedLimits[] = [];
  const mistakes = new Map<string, string>();
  for (const [index, item] of access.entries()) {
    const name = amountField(index);
    const text = fields[name]?.trim() ?? '';
    const asked = askedAmount(item);
    if (asked === undefined || text === '' || item.identifier === undefined) continue;
    const value = parseAmount(text, asked);
    if (typeof value === 'string') mistakes.set(name, value);
    else if (value < BigInt(asked.value)) {
      const member = item.limits?.debitAmount ? 'debitAmount' : 'receiveAmount';
      limits.push({ identifier: item.identifier, [member]: { ...asked, value: String(value) } });
    }
  }
  return { limits, mistakes };
}

/** In minor units, or the mistake in words. A comma is as good as a point. */
function parseAmount(text: string, asked: WireAmount): bigint | string {
  const { assetCode, assetScale } = asked;
  const [, whole, fraction = ''] = /^([0-9]{1,40})(?:[.,]([0-9]{1,255}))?$/.exec(text) ?? [];
  if (whole === undefined) return `Write an amount as ${formatValue(asked)}.`;
  if (fraction.length > assetScale) {
    return assetScale === 0 ? `${assetCode} has no decimal places.` : `${assetCode} has ${assetScale} decimal places.`;
  }
  const value = BigInt(whole + fraction.padEnd(assetScale, '0'));
  if (value === 0n) return 'Allow more than nothing, or refuse the request.';
  return value > BigInt(asked.value) ? `It asks for ${formatAmount(asked)} at most.` : value;
}
