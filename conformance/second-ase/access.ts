/** Reads the access items of a grant request. */
import { Refusal } from './http.ts';
import { parseInterval } from './intervals.ts';
import { type Amount, hasMembers, isWebUrl, type Json, readAmount } from './json.ts';

export interface AccessItem {
  readonly type: 'incoming-payment' | 'outgoing-payment' | 'quote';
  readonly actions: readonly string[];
  readonly identifier?: string;
  readonly limits?: Limits;
}

export interface Limits {
  readonly receiver?: string;
  readonly interval?: string;
  readonly debitAmount?: Amount;
  readonly receiveAmount?: Amount;
}

const actionsOf: Readonly<Record<string, readonly string[]>> = {
  'incoming-payment': ['create', 'complete', 'read', 'read-all', 'list', 'list-all'],
  'outgoing-payment': ['create', 'read', 'read-all', 'list', 'list-all'],
  quote: ['create', 'read', 'read-all'],
};

const refuse = (reason: string): Refusal => new Refusal(400, 'invalid_request', reason);

/** @param findWallet canonical URL of a wallet address hosted here */
export function readAccess(value: Json, findWallet: (url: string) => string | undefined): AccessItem[] {
  if (!Array.isArray(value)) throw refuse('access is not a list');
  if (value.length > 3) throw refuse('access has more than three items');
  const items = value.map((item) => readItem(item, findWallet));
  if (new Set(items.map((item) => JSON.stringify(item))).size < items.length) throw refuse('an access item twice');
  const payers = items.filter(({ type }) => type === 'outgoing-payment').map(({ identifier }) => identifier);
  if (new Set(payers).size < payers.length) throw refuse('two items for outgoing payments of one wallet address');
  return items;
}

function readItem(item: Json, findWallet: (url: string) => string | undefined): AccessItem {
  const isOutgoing = item?.type === 'outgoing-payment';
  const required = ['type', 'actions', ...(isOutgoing ? ['identifier'] : [])];
  if (!hasMembers(item, required, isOutgoing ? ['limits'] : ['identifier']))
    throw refuse('an access item is malformed');
  const { type, actions, identifier, limits } = item;
  const known = actionsOf[type];
  if (!known || !Array.isArray(actions)) throw refuse('the type or the actions of an access item are unknown');
  const isUnknown = (action: unknown): boolean => typeof action !== 'string' || !known.includes(action);
  if (actions.length === 0 || actions.some(isUnknown) || new Set(actions).size < actions.length) {
    throw refuse('the actions of an access item are unknown or repeated');
  }
  const wallet = typeof identifier === 'string' ? findWallet(identifier) : undefined;
  if (identifier !== undefined && wallet === undefined) throw refuse('the identifier is not a wallet address here');
  if (type === 'incoming-payment' && actions.includes('list-all') && !wallet) {
    throw refuse('list-all needs an identifier');
  }
  // The schema of a quote item in answers has no identifier.
  const isScoped = wallet !== undefined && type !== 'quote';
  return { type, actions, ...(isScoped && { identifier: wallet }), ...(limits && { limits: readLimits(limits) }) };
}

function readLimits(value: Json): Limits {
  if (!hasMembers(value, [], ['receiver', 'interval', 'debitAmount', 'receiveAmount'])) throw refuse('unknown limits');
  const { receiver, interval, debitAmount, receiveAmount } = value;
  if (debitAmount !== undefined && receiveAmount !== undefined) throw refuse('two amounts as limits');
  if (receiver !== undefined && !(isWebUrl(receiver) && /\/incoming-payments\/[^/]+$/.test(receiver))) {
    throw refuse('limits.receiver is not an incoming payment');
  }
  if (interval !== undefined && !parseInterval(interval)) throw refuse('limits.interval is not a repeating interval');
  const amounts = { debitAmount, receiveAmount };
  const given = Object.entries(amounts).filter(([, amount]) => amount !== undefined);
  const read = given.map(([name, amount]) => {
    const checked = readAmount(amount);
    if (!checked || checked.value === '0') throw refuse(`limits.${name} is not a positive amount`);
    return [name, checked] as const;
  });
  return { ...(receiver && { receiver }), ...(interval && { interval }), ...Object.fromEntries(read) };
}

/** True for what only the owner can grant. */
export const needsConsent = ({ type, actions }: AccessItem): boolean =>
  type === 'outgoing-payment' || (type === 'incoming-payment' && actions.includes('list-all'));
