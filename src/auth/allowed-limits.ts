/** Granting less than requested (RFC 9635 §3.2.1): amounts that the holder sets in place of the client's. */
import type { Access } from '../open-payments/access.ts';
import type { WireAmount } from '../open-payments/amount.ts';
import type { AllowedLimits } from '../open-payments/interaction.ts';
import { interactionProblem } from './problem.ts';

const members = ['debitAmount', 'receiveAmount'] as const;

/**
 * The access items with these amounts. Throws `unacceptable_limits` for an amount that is not positive, exceeds the
 * requested one, is in another asset, or belongs to an item without amount.
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
      if (!isAtMost(amount, item.limits?.[member])) throw interactionProblem('unacceptable_limits');
      limits[member] = { value: amount.value, assetCode: amount.assetCode, assetScale: amount.assetScale };
    }
    return { ...item, limits };
  });
  if (named.size > 0) throw interactionProblem('unacceptable_limits');
  return items;
}

const isAtMost = (allowed: WireAmount, requested: WireAmount | undefined): boolean =>
  requested !== undefined &&
  allowed.assetCode === requested.assetCode &&
  allowed.assetScale === requested.assetScale &&
  /^[1-9][0-9]{0,19}$/.test(allowed.value) &&
  BigInt(allowed.value) <= BigInt(requested.value);
