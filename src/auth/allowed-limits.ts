/** Granting less than was asked (RFC 9635 §3.2.1): amounts that whoever consents puts in place of the client's. */

import type { Access } from '../open-payments/access.ts';
import type { WireAmount } from '../open-payments/amount.ts';
import type { AllowedLimits } from '../open-payments/interaction.ts';
import { interactionProblem } from './problem.ts';

const members = ['debitAmount', 'receiveAmount'] as const;

/**
 * The access items with these amounts. Throws `unacceptable_limits` where one is not positive, more than was asked, in
 * another asset, or has no amount to take the place of.
 */
export function allowLess(access: readonly Access[], allowed: readonly AllowedLimits[]): Access[] {
  const named = new Set(allowed.map(({ identifier }) => identifier));
  if (named.size < allowed.length) throw interactionProblem('unacceptable_limits');
  const items = access.map((item) => {
    const less = allowed.find(({ identifier }) => identifier === item.identifier);
    if (item.type !== 'outgoing-payment' || !less) return item;
    named.delete(less.identifier);
    const limits = { ...item.limits };
    for (const member of members) {
      const amount = less[member];
      if (amount === undefined) continue;
      if (!isNoMore(amount, item.limits?.[member])) throw interactionProblem('unacceptable_limits');
      limits[member] = { value: amount.value, assetCode: amount.assetCode, assetScale: amount.assetScale };
    }
    return { ...item, limits };
  });
  if (named.size > 0) throw interactionProblem('unacceptable_limits');
  return items;
}

const isNoMore = (allowed: WireAmount, asked: WireAmount | undefined): boolean =>
  asked !== undefined &&
  allowed.assetCode === asked.assetCode &&
  allowed.assetScale === asked.assetScale &&
  /^[1-9][0-9]{0,19}$/.test(allowed.value) &&
  BigInt(allowed.value) <= BigInt(asked.value);
