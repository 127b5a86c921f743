/** Access policies: the part of who may call an operation that the OpenAPI documents cannot express. */
import type { Route } from './operation.ts';

export type AccessType = 'incoming-payment' | 'quote' | 'outgoing-payment';
export type AccessAction = 'create' | 'read' | 'list' | 'complete';

/**
 * Kinds of callers and how they authenticate:
 * - `public`: not at all
 * - `client`: signature by the key of the `client` member (RFC 9635 §2.3)
 * - `continuation`: signature and continuation token (§5)
 * - `management`: signature and token management URL (§6)
 * - `token`: signature and access token (§7.2)
 * - `public-or-token`: like `token` if there is one, else like `public`
 * - `identity-provider`, `resource-server`: shared secret
 * - `operator`: control token
 */
export type CallerKind =
  | 'public'
  | 'client'
  | 'continuation'
  | 'management'
  | 'token'
  | 'public-or-token'
  | 'operator'
  | 'identity-provider'
  | 'resource-server';

export interface Policy {
  readonly caller: CallerKind;
  /** A GET that changes state: HEAD, which must be safe, is rejected (RFC 9110 §9.2.1). */
  readonly changes?: true;
  /**
   * Servers, those of this process too, call it to answer requests that they have admitted: for a client's key and name,
   * and for the receiver of a payment. It is cheap, and answered whatever the load (OPI-111).
   */
  readonly isNeededByServers?: true;
  /** Access that the token must grant (RS-08). */
  readonly access?: { readonly type: AccessType; readonly action: AccessAction };
}

const needs = (type: AccessType, action: AccessAction) => ({ access: { type, action } });

/** Policies by operationId; operations of the operator need none. */
export const policies: Record<string, Policy> = {
  // Wallet address server
  'get-wallet-address': { caller: 'public', isNeededByServers: true },
  'get-wallet-address-keys': { caller: 'public', isNeededByServers: true },
  'get-wallet-address-did-document': { caller: 'public' },
  'get-spsp': { caller: 'public' },
  // Authorization server
  'options-discovery': { caller: 'public' },
  'get-discovery': { caller: 'public' },
  'post-request': { caller: 'client' },
  'post-continue': { caller: 'continuation' },
  'delete-continue': { caller: 'continuation' },
  'post-token': { caller: 'management' },
  'delete-token': { caller: 'management' },
  // Resource server
  'create-incoming-payment': { caller: 'token', ...needs('incoming-payment', 'create') },
  'list-incoming-payments': { caller: 'token', ...needs('incoming-payment', 'list') },
  'get-incoming-payment': {
    caller: 'public-or-token',
    isNeededByServers: true,
    ...needs('incoming-payment', 'read'),
  },
  'complete-incoming-payment': { caller: 'token', ...needs('incoming-payment', 'complete') },
  'create-quote': { caller: 'token', ...needs('quote', 'create') },
  'get-quote': { caller: 'token', ...needs('quote', 'read') },
  'create-outgoing-payment': { caller: 'token', ...needs('outgoing-payment', 'create') },
  'list-outgoing-payments': { caller: 'token', ...needs('outgoing-payment', 'list') },
  'get-outgoing-payment': { caller: 'token', ...needs('outgoing-payment', 'read') },
  'get-outgoing-payment-grant': { caller: 'token', ...needs('outgoing-payment', 'create') },
  // Interaction and identity provider
  'start-interaction': { caller: 'public', changes: true },
  'finish-interaction': { caller: 'public', changes: true },
  'get-consent': { caller: 'public' },
  'post-consent': { caller: 'public' },
  'get-interaction': { caller: 'identity-provider' },
  'post-sign-in': { caller: 'public' },
  'post-sign-out': { caller: 'public' },
  'accept-interaction': { caller: 'identity-provider' },
  'reject-interaction': { caller: 'identity-provider' },
  'reject-unknown-decision': { caller: 'identity-provider' },
  // Token introspection
  'introspect-token': { caller: 'resource-server' },
};

const operator: Policy = { caller: 'operator' };

/** Throws for an operation without a policy, unless its document demands the control token. */
export function policyOf({ operationId, security }: Pick<Route, 'operationId' | 'security'>): Policy {
  const policy = Object.hasOwn(policies, operationId) ? policies[operationId] : undefined;
  if (policy) return policy;
  if (security.includes('control-token')) return operator;
  throw new Error(`no policy for ${operationId}`);
}

/** True for an operation with other callers than the operator. */
export const isClientOperation = (operationId: string): boolean => Object.hasOwn(policies, operationId);
