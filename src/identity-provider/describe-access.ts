/** Access items in words, for the consent page (AS-93, LIM-17). */
import type { AccessItem } from '../open-payments/access.ts';
import type { WireAmount } from '../open-payments/amount.ts';
import { describeInterval, describeRepetition, type IntervalWords } from './describe-interval.ts';

/** One access item, shown as a card. */
export interface RightWords {
  /** `Send payments`. */
  readonly title: string;
  /** For items that can pay: the limit, as a sentence around the amount. */
  readonly limit: { readonly before: string; readonly amount: string; readonly after: string } | undefined;
  readonly facts: readonly (readonly [term: string, detail: string])[];
  /** Other permitted actions. */
  readonly also: readonly string[];
}

const titles: Readonly<Record<AccessItem['type'], string>> = {
  'outgoing-payment': 'Send payments',
  'incoming-payment': 'Receive payments',
  quote: 'Ask for quotes',
};

const ANYWHERE = 'Every account here';

export function describeRight({ type, actions, identifier = ANYWHERE, limits = {} }: AccessItem): RightWords {
  const pays = type === 'outgoing-payment' && actions.includes('create');
  const title = type === 'outgoing-payment' && !pays ? 'See payments' : titles[type];
  const interval = limits.interval === undefined ? undefined : describeInterval(limits.interval);
  const things = type === 'quote' ? 'quotes' : 'payments';
  const verbs: Readonly<Record<string, string>> = {
    ...(type !== 'outgoing-payment' && { create: type === 'quote' ? 'get quotes' : 'create incoming payments' }),
    complete: 'complete incoming payments',
    read: `see the ${things} that it created`,
    list: `list the ${things} that it created`,
    'read-all': `see all ${things}, including those of other applications`,
    'list-all': `list all ${things}, including those of other applications`,
  };
  return {
    title,
    limit: pays ? describeLimit(limits, interval) : undefined,
    facts: [
      [pays ? 'From' : 'Account', identifier],
      ...(pays ? [['To', limits.receiver ?? 'Any receiver'] as const] : []),
      ...(interval?.first === undefined ? [] : [['First period', interval.first] as const]),
      ...(interval?.count === undefined || interval.count === 1
        ? []
        : [['Number of periods', String(interval.count)] as const]),
    ],
    also: actions.flatMap((action) => verbs[action] ?? []),
  };
}

function describeLimit(
  { debitAmount, receiveAmount }: NonNullable<AccessItem['limits']>,
  interval: IntervalWords | undefined,
): RightWords['limit'] {
  const after = interval === undefined ? ' in all' : describeRepetition(interval);
  if (debitAmount) return { before: 'Up to ', amount: formatAmount(debitAmount), after };
  if (receiveAmount) return { before: 'The receiver gets up to ', amount: formatAmount(receiveAmount), after };
  return { before: '', amount: 'Any amount', after: interval === undefined ? ', as often as it likes' : after };
}

/** `1250` of scale 2 as `12.50 USD`. */
export const formatAmount = (amount: WireAmount): string => `${formatValue(amount)} ${amount.assetCode}`;

/** `1250` of scale 2 as `12.50`. */
export function formatValue({ value, assetScale }: WireAmount): string {
  if (assetScale === 0) return value;
  const digits = value.padStart(assetScale + 1, '0');
  return `${digits.slice(0, -assetScale)}.${digits.slice(-assetScale)}`;
}
