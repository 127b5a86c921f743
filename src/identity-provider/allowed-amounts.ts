/** Allowing less: parses the amounts typed on the consent page and checks them against the request (AS-93; RFC 9635 §3.2.1). */
import type { AccessItem } from '../open-payments/access.ts';
import type { WireAmount } from '../open-payments/amount.ts';
import type { AllowedLimits } from '../open-payments/interaction.ts';
import { formatAmount, formatValue } from './describe-access.ts';

/** Name of the form field for the access item at this index. */
export const amountField = (index: number): string => `amount-${index}`;

/** The amount that an access item is limited to, if it is. */
export const requestedAmount = ({ limits }: AccessItem): WireAmount | undefined =>
  limits?.debitAmount ?? limits?.receiveAmount;

export interface ParsedAmounts {
  readonly limits: readonly AllowedLimits[];
  /** Field name → what is wrong with its value. */
  readonly mistakes: ReadonlyMap<string, string>;
}

/** In minor units, or the mistake as a sentence. The decimal separator is a point or a comma. */
function parseTypedAmount(text: string, requested: WireAmount): bigint | string {
  const { assetCode, assetScale } = requested;
  const [, whole, fraction = ''] = /^([0-9]{1,40})(?:[.,]([0-9]{1,255}))?$/.exec(text) ?? [];
  if (whole === undefined) return `Write an amount as ${formatValue(requested)}.`;
  if (fraction.length > assetScale) {
    return assetScale === 0
      ? `${assetCode} amounts are whole numbers.`
      : `${assetCode} has ${assetScale} decimal places.`;
  }
  const value = BigInt(whole + fraction.padEnd(assetScale, '0'));
  if (value === 0n) return 'Allow more than nothing, or refuse the request.';
  return value > BigInt(requested.value) ? `The request is for ${formatAmount(requested)} at most.` : value;
}

/** An empty field allows the requested amount. Fields of items without an amount do not exist and are ignored. */
export function parseAllowedAmounts(
  access: readonly AccessItem[],
  fields: Readonly<Record<string, string | undefined>>,
): ParsedAmounts {
  const limits: AllowedLimits[] = [];
  const mistakes = new Map<string, string>();
  for (const [index, item] of access.entries()) {
    const name = amountField(index);
    const text = fields[name]?.trim() ?? '';
    const requested = requestedAmount(item);
    if (requested === undefined || text === '' || item.identifier === undefined) continue;
    const value = parseTypedAmount(text, requested);
    if (typeof value === 'string') mistakes.set(name, value);
    else if (value < BigInt(requested.value)) {
      const member = item.limits?.debitAmount ? 'debitAmount' : 'receiveAmount';
      limits.push({ identifier: item.identifier, [member]: { ...requested, value: String(value) } });
    }
  }
  return { limits, mistakes };
}
