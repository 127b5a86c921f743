/** The caller of the resource server and what its access token allows (RS-07…10). */

import type { AccessAction, AccessType, Policy } from '../http/policy.ts';
import type { Call } from '../http/server.ts';
import type { AccessItem } from '../open-payments/access.ts';
import type { ClientInstance } from '../open-payments/client.ts';
import { canonicalWalletAddress } from '../open-payments/wallet-address-url.ts';
import { resourceProblem } from './problem.ts';
import { checkActive } from './wallet-address.ts';

/** The holder of an active access token. */
export interface ResourceCaller {
  readonly grantId: string;
  /** Identifies the client for `read` and `list`: its wallet address, or the thumbprint of its key (AS-31). */
  readonly clientId: string;
  readonly client: ClientInstance;
  readonly access: readonly AccessItem[];
}

/** A call whose caller is undefined for a public read of an incoming payment. */
export type ResourceCall = Call<ResourceCaller | undefined>;

/** The caller of an operation that always requires a token. */
export function tokenCaller(call: ResourceCall): ResourceCaller {
  if (!call.caller) throw new Error('the operation requires a token, but the call lacks a caller');
  return call.caller;
}

/** The subject under which the replica knows what a client has changed at an ASE, so that its lists show it. */
export const readerOf = (ase: string, call: ResourceCall): string => `${ase} ${tokenCaller(call).clientId}`;

/** `read-all` covers `read` and `list-all` covers `list`, but not the reverse; every other action covers only itself. */
function allows(item: AccessItem, type: AccessType, action: AccessAction): boolean {
  return item.type === type && (item.actions.includes(action) || item.actions.includes(`${action}-all`));
}

/** Throws `insufficient_access` unless some item allows the operation for some wallet address. */
export function authorizeCaller(caller: ResourceCaller | undefined, { access }: Policy): void {
  if (!access) throw new Error('a policy of the resource server without access');
  if (!caller?.access.some((item) => allows(item, access.type, access.action)))
    throw resourceProblem('insufficient_access');
}

export interface Scope {
  /** The item that allows the call and whose limits apply. */
  readonly item: AccessItem;
  /** Set if the caller may see only resources of this client (RS-10). */
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
  if (!item) throw resourceProblem('insufficient_access');
  return { item, ownClientId: item.actions.includes(`${action}-all`) ? undefined : caller.clientId };
}

/** A row of a resource, joined with its wallet address. */
export interface ResourceRow {
  readonly client_id: string;
  readonly wallet_url: string;
  readonly wallet_active: boolean;
}

/**
 * Checks that the caller may see a resource. Throws `insufficient_access` for a wallet address outside the token's
 * access, `not_found` for another client's resource, and `unknown_wallet_address` for a disabled wallet address (RS-10).
 */
export function checkVisible(call: ResourceCall, row: ResourceRow): void {
  const { ownClientId } = scopeFor(call, row.wallet_url);
  if (ownClientId !== undefined && ownClientId !== row.client_id) throw resourceProblem('not_found');
  checkActive(row);
}

/** The item whose spending is reported to a request that names no wallet address: the first of several (AS-N08). */
export function outgoingPaymentItem(call: ResourceCall): AccessItem {
  const { type, action } = call.policy.access!;
  const item = tokenCaller(call).access.find((candidate) => allows(candidate, type, action));
  if (!item) throw resourceProblem('insufficient_access');
  return item;
}
