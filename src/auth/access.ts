/** Access rights as clients ask for them (RFC 9635 §8, RFC 9767 terms), judged beyond the schema: AS-35…50, LIM-N02. */
import type { components } from '../../generated/auth-server/types.ts';
import { Problem } from '../errors.ts';
import type { Access, Limits } from '../open-payments/access.ts';
import type { WireAmount } from '../open-payments/amount.ts';
import type { Switches } from '../profile.ts';

type WireAccess = components['schemas']['access'];

export interface AccessRules {
  readonly switches: Pick<Switches, 'unknownLimitMembers'>;
  /** Whether a text is a repeating interval that ends can be computed for (AS-46). */
  readonly isInterval: (text: string) => boolean;
  /** Rights for which the operator demands consent too (AS-58). */
  readonly consentFor: ConsentFor;
}

type ConsentFor = readonly Access['type'][];

/**
 * The access items of a grant request, of which the schema has judged the types. Throws `invalid_request`.
 * Identifiers stay as written; `resource-owner.ts` makes them canonical.
 */
export const parseAccess = (items: WireAccess, rules: AccessRules): Access[] =>
  items.map((item) => parseItem(item, rules));

function parseItem(item: WireAccess[number], rules: AccessRules): Access {
  if (item.actions.length === 0) throw invalid('an access item needs an action');
  const scope = 'identifier' in item && item.identifier !== undefined ? { identifier: item.identifier } : {};
  switch (item.type) {
    case 'incoming-payment': {
      const access: Access = { type: item.type, actions: item.actions, ...scope };
      // Somebody must consent to it, and only the holder of a wallet address can (AS-41).
      if (needsConsent(access, rules.consentFor) && !access.identifier) throw invalid('access identifier required');
      return access;
    }
    case 'quote':
      return { type: item.type, actions: item.actions, ...scope };
    case 'outgoing-payment': {
      const limits = item.limits && parseLimits(item.limits, rules);
      return { type: item.type, actions: item.actions, identifier: item.identifier, ...(limits && { limits }) };
    }
  }
}

/** Spent amounts could not be told apart between two outgoing-payment items of one wallet address (AS-N08). */
export function checkAttributable(access: readonly Access[]): void {
  const payers = access.filter(({ type }) => type === 'outgoing-payment').map(({ identifier }) => identifier);
  if (new Set(payers).size < payers.length) throw invalid('two outgoing-payment items for one wallet address');
}

/** The schema's first variant of limits lets every further member through, so all of them are judged here (AMB-24). */
function parseLimits(limits: object, { switches, isInterval }: AccessRules): Limits {
  const { receiver, interval, debitAmount, receiveAmount, ...unknown } = limits as Record<keyof Limits, unknown>;
  if (switches.unknownLimitMembers === 'refuse' && Object.keys(unknown).length > 0) {
    throw invalid('limits with an unknown member');
  }
  if (debitAmount !== undefined && receiveAmount !== undefined) throw invalid('only one access amount allowed');
  if (interval !== undefined && !(typeof interval === 'string' && isInterval(interval))) {
    throw invalid('limits.interval is no ISO 8601 repeating interval');
  }
  return {
    ...(receiver !== undefined && { receiver: receiver as string }),
    ...(interval !== undefined && { interval: interval as string }),
    ...(debitAmount !== undefined && { debitAmount: parseLimitAmount('debitAmount', debitAmount) }),
    ...(receiveAmount !== undefined && { receiveAmount: parseLimitAmount('receiveAmount', receiveAmount) }),
  };
}

const UINT64_MAX = 2n ** 64n - 1n;

function parseLimitAmount(member: string, amount: unknown): WireAmount {
  const { value, assetCode, assetScale } = (amount ?? {}) as Record<string, unknown>;
  if (typeof value !== 'string' || !/^[1-9][0-9]{0,19}$/.test(value) || BigInt(value) > UINT64_MAX) {
    throw invalid(`limits.${member}.value is no positive integer of 64 bits`);
  }
  if (typeof assetCode !== 'string' || assetCode === '') throw invalid(`limits.${member}.assetCode is missing`);
  if (!Number.isInteger(assetScale) || (assetScale as number) < 0 || (assetScale as number) > 255) {
    throw invalid(`limits.${member}.assetScale is no integer from 0 to 255`);
  }
  return { value, assetCode, assetScale: assetScale as number };
}

/** Whether the holder of an account must consent to the item (AS-55…58). */
export const needsConsent = (item: Access, consentFor: ConsentFor): boolean =>
  item.type === 'outgoing-payment' ||
  (item.type === 'incoming-payment' && item.actions.includes('list-all')) ||
  consentFor.includes(item.type);

/** As the document describes an item: without what only we keep. */
export function toWireAccess(access: readonly Access[]): WireAccess {
  return access.map((item) => {
    if (item.type !== 'quote') return item;
    return { type: item.type, actions: item.actions };
  });
}

const invalid = (description: string): Problem => new Problem('invalid_request', { description });

export type { Subject } from '../open-payments/access.ts';
