/** What a client asks for, in words for whoever consents (AS-93, LIM-17). */
import type { Amount, AskedAccess, InteractionView } from './interactions.ts';

/** One sentence for each right, and one for each limit of it. */
export function describeRequest({ access, subject }: Pick<InteractionView, 'access' | 'subject'>): string[] {
  return [
    ...access.flatMap(describeAccess),
    ...(subject?.sub_ids ?? []).map(({ id }) => `Learn that ${id} belongs to you.`),
  ];
}

function describeAccess({ type, actions, identifier, limits }: AskedAccess): string[] {
  const [things, place] = {
    'incoming-payment': ['incoming payments', `at ${identifier ?? 'any wallet address here'}`],
    'outgoing-payment': ['payments', `from ${identifier ?? 'any wallet address here'}`],
    quote: ['quotes', `for ${identifier ?? 'any wallet address here'}`],
  }[type];
  const verbs: Record<string, string> = {
    create: type === 'outgoing-payment' ? `Send ${things} ${place}.` : `Create ${things} ${place}.`,
    complete: `Complete ${things} ${place}.`,
    read: `See the ${things} that it made ${place}.`,
    list: `List the ${things} that it made ${place}.`,
    'read-all': `See all ${things} ${place}, whoever made them.`,
    'list-all': `List all ${things} ${place}, whoever made them.`,
  };
  return [...actions.map((action) => verbs[action] ?? action), ...describeLimits(limits)];
}

function describeLimits(limits: AskedAccess['limits'] = {}): string[] {
  const { debitAmount, receiveAmount, interval, receiver } = limits;
  const span = interval === undefined ? 'in all' : 'in each period';
  return [
    ...(debitAmount ? [`It may spend at most ${formatAmount(debitAmount)} ${span}.`] : []),
    ...(receiveAmount ? [`Receivers may get at most ${formatAmount(receiveAmount)} ${span}.`] : []),
    ...(interval === undefined ? [] : [describeInterval(interval)]),
    ...(receiver === undefined ? [] : [`It may pay ${receiver} only.`]),
  ];
}

/** `1250` of scale 2 as `12.50 USD`. */
export function formatAmount({ value, assetCode, assetScale }: Amount): string {
  if (assetScale === 0) return `${value} ${assetCode}`;
  const digits = value.padStart(assetScale + 1, '0');
  return `${digits.slice(0, -assetScale)}.${digits.slice(-assetScale)} ${assetCode}`;
}

const UNITS: Record<string, string> = {
  P1D: 'day',
  P1W: 'week',
  P7D: 'week',
  P1M: 'month',
  P3M: 'quarter',
  P1Y: 'year',
};

/** An ISO 8601 repeating interval; what has no plain words stands as it is. */
export function describeInterval(interval: string): string {
  const [repetition = '', left = '', right = ''] = interval.split('/');
  const count = /^R[0-9]+$/.test(repetition) ? Number(repetition.slice(1)) : undefined;
  const times = count === undefined ? 'without end' : count === 1 ? 'once' : `${count} times`;
  const length = (duration: string): string => (UNITS[duration] ? `a ${UNITS[duration]}` : duration);
  if (left.startsWith('P')) return `A period is ${length(left)}, ${times}, the last one until ${right}.`;
  if (right.startsWith('P')) return `A period is ${length(right)}, ${times}, the first one from ${left}.`;
  return `A period is as long as from ${left} to ${right}, ${times}.`;
}
