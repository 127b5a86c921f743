import { Problem } from '../errors.ts';
import type { Call } from '../http/pipeline.ts';
import type { AccessAction, AccessType, Policy } from '../http/policy.ts';
import type { AccessItem } from '../open-payments/access.ts';
import type { ClientInstance } from '../open-payments/client.ts';
import { canonicalWalletAddress } from '../open-payments/wallet-address-url.ts';

/** What an active access token says. */
export interface ResourceCaller {
  readonly grantId: string;
  /** Who the client is for `read` and `list`: its wallet address, or the thumbprint of its key (AS-31). */
  readonly clientId: string;
  readonly client: ClientInstance;
  readonly access: readonly AccessItem[];
}

/** Undefined for a public read of an incoming payment. */
export type ResourceCall = Call<ResourceCaller | undefined>;

/** The caller of an operation that nobody calls without a token. */
export function tokenCaller(call: ResourceCall): ResourceCaller {
  if (!call.caller) throw new Error('an operation with a token has no caller');
  return call.caller;
}

/** Throws `insufficient_access` unless some item allows the operation for some wallet address. */
export function authorizeCaller(caller: ResourceCaller | undefined, { access }: Policy): void {
  if (!access) throw new Error('a policy of the resource server without access');
  if (!caller?.access.some((item) => allows(item, access.type, access.action)))
    throw new Problem('insufficient_access');
}

export interface Scope {
  /** The item that allows the call; its limits are those that count. */
  readonly item: AccessItem;
  /** Set where only resources of this client are visible (RS-10). */
  readonly ownClientId: string | undefined;
}

/**
 * The access item for this operation on this wallet address, in any spelling. Throws `insufficient_access` if there is
 * none, whether or not the wallet address exists (RS-13).
 */
export function scopeFor(call: ResourceCall, walletAddress: string): Scope {
  const caller = tokenCaller(call);
  const { type, action } = call.policy.access!;
  const wanted = canonicalWalletAddress(walletAddress);
  const items = caller.access.filter(
    (item) =>
      allows(item, type, action) &&
      (item.identifier === undefined || canonicalWalletAddress(item.identifier) === wanted),
  );
  const item = items.find(({ actions }) => actions.includes(`${action}-all`)) ?? items[0];
  if (!item) throw new Problem('insufficient_access');
  return { item, ownClientId: item.actions.includes(`${action}-all`) ? undefined : caller.clientId };
}

/** The item whose spending a request without a wallet address asks for: of several the first (AS-N08). */
export function outgoingPaymentItem(call: ResourceCall): AccessItem {
  const { type, action } = call.policy.access!;
  const item = tokenCaller(call).access.find((candidate) => allows(candidate, type, action));
  if (!item) throw new Problem('insufficient_access');
  return item;
}

/** `read-all` covers `read` and `list-all` covers `list`, not the reverse; the other actions stand for themselves. */
function allows(item: AccessItem, type: AccessType, action: AccessAction): boolean {
  return item.type === type && (item.actions.includes(action) || item.actions.includes(`${action}-all`));
}
