/** Access rights of a grant request (RFC 9635 §8), validated beyond the schema (AS-35…50, LIM-N02). */
import type { components } from '../../generated/auth-server/types.ts';
import { Problem } from '../errors.ts';
import type { Access, Limits } from '../open-payments/access.ts';
import type { WireAmount } from '../open-payments/amount.ts';
import type { Switches } from '../profile.ts';
import type { GrantRules } from './deps.ts';

type WireAccess = components['schemas']['access'];

export interface AccessRules {
  readonly switches: Pick<Switches, 'unknownLimitMembers'>;
  /** True for an ISO 8601 repeating interval (AS-46). */
  readonly isInterval: (text: string) => boolean;
  readonly grants?: ConsentRules | undefined;
}

type ConsentRules = Pick<GrantRules, 'consentFor' | 'consentForListAll'>;

/**
 * The access items of a grant request that matches the schema. Throws `invalid_request`. Identifiers stay as sent;
 * `resource-owner.ts` makes them canonical.
 */
export const parseAccess = (items: WireAccess, rules: AccessRules): Access[] =>
  items.map((item) => parseItem(item, rules));

function parseItem(item: WireAccess[number], rules: AccessRules): Access {
  if (item.actions.length === 0) throw invalid('an access item needs an action');
  const scope = 'identifier' in item && item.identifier !== undefined ? { identifier: item.identifier } : {};
  switch (item.type) {
    case 'incoming-payment': {
      const access: Access = { type: item.type, actions: item.actions, ...scope };
      // The holder of the identified wallet address is the person who can consent (AS-41).
      if (needsConsent(access, rules.grants) && !access.identifier) throw invalid('access identifier required');
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

/** Spending cannot be attributed if two outgoing-payment items have the same wallet address (AS-N08). */
export function checkAttributable(access: readonly Access[]): void {
  const payers = access.filter(({ type }) => type === 'outgoing-payment').map(({ identifier }) => identifier);
  if (new Set(payers).size < payers.length) throw invalid('two outgoing-payment items for one wallet address');
}

/** The first variant of limits in the schema allows additional members, so every member is checked here (AMB-24). */
function parseLimits(limits: object, { switches, isInterval }: AccessRules): Limits {
  const { receiver, interval, debitAmount, receiveAmount, ...unknown } = limits as Record<keyof Limits, unknown>;
  if (switches.unknownLimitMembers === 'refuse' && Object.keys(unknown).length > 0) {
    throw invalid('limits has an unknown member');
  }
  if (debitAmount !== undefined && receiveAmount !== undefined) throw invalid('only one access amount allowed');
  if (interval !== undefined && !(typeof interval === 'string' && isInterval(interval))) {
    throw invalid('limits.interval must be an ISO 8601 repeating interval');
  }
  return {
    ...(receiver !== undefined && { receiver: receiver as string }),
    ...(interval !== undefined && { interval: interval as string }),
    ...(debitAmount !== undefined && { debitAmount: parseLimitAmount('debitAmount', debitAmount) }),
    ...(receiveAmount !== undefined && { receiveAmount: parseLimitAmount('receiveAmount', receiveAmount) }),
  };
}

const UINT64_MAX = 2n ** 64n - 1n;
/** No asset of a wallet address has a longer code, and the consent page shows it. */
const MAX_ASSET_CODE_LENGTH = 32;

function parseLimitAmount(member: string, amount: unknown): WireAmount {
  const { value, assetCode, assetScale } = (amount ?? {}) as Record<string, unknown>;
  if (typeof value !== 'string' || !/^[1-9][0-9]{0,19}$/.test(value) || BigInt(value) > UINT64_MAX) {
    throw invalid(`limits.${member}.value must be a positive 64-bit integer`);
  }
  if (typeof assetCode !== 'string' || assetCode === '') throw invalid(`limits.${member}.assetCode is missing`);
  if (assetCode.length > MAX_ASSET_CODE_LENGTH) throw invalid(`limits.${member}.assetCode is too long`);
  if (!Number.isInteger(assetScale) || (assetScale as number) < 0 || (assetScale as number) > 255) {
    throw invalid(`limits.${member}.assetScale must be an integer from 0 to 255`);
  }
  return { value, assetCode, assetScale: assetScale as number };
}

/** True if the holder of the account must consent to the item (AS-55…58). */
export const needsConsent = (item: Access, { consentFor = [], consentForListAll = true }: ConsentRules = {}): boolean =>
  item.type === 'outgoing-payment' ||
  (consentForListAll && item.type === 'incoming-payment' && item.actions.includes('list-all')) ||
  consentFor.includes(item.type);

/** The items as the document describes them, without members that only Touchstone stores. */
export function toWireAccess(access: readonly Access[]): WireAccess {
  return access.map((item) => {
    if (item.type !== 'quote') return item;
    return { type: item.type, actions: item.actions };
  });
}

const invalid = (description: string): Problem => new Problem('invalid_request', { description });
