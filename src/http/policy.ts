/** Who may call which operation, as data: `serve` in `pipeline.ts` reads it. */

export type AccessType = 'incoming-payment' | 'quote' | 'outgoing-payment';
export type AccessAction = 'create' | 'read' | 'list' | 'complete';

/**
 * Who calls, and by what that is known:
 * `public` nobody in particular · `client` its signature and the `client` member (RFC 9635 §2.3) · `continuation` the
 * continuation token (§5) · `management` the token management URL (§6) · `token` an access token (§7.2) · `public-or-token`
 * a token if there is one · `operator` the control token · `identity-provider` its secret.
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
  /** Whether content is read as JSON or a form, or only digested. */
  readonly body: 'read' | 'ignored';
  /** A GET that changes something: HEAD, which must not, is refused (RFC 9110 §9.2.1). */
  readonly changes?: true;
  /** What an access token must allow (RS-08). */
  readonly access?: { readonly type: AccessType; readonly action: AccessAction };
}

const needs = (type: AccessType, action: AccessAction) => ({ access: { type, action } });

export const policies: Record<string, Policy> = {
  // Wallet address server
  'get-wallet-address': { caller: 'public', body: 'ignored' },
  'get-wallet-address-keys': { caller: 'public', body: 'ignored' },
  'get-wallet-address-did-document': { caller: 'public', body: 'ignored' },
  'get-spsp': { caller: 'public', body: 'ignored' },
  // Authorization server
  'options-discovery': { caller: 'public', body: 'ignored' },
  'get-discovery': { caller: 'public', body: 'ignored' },
  'post-request': { caller: 'client', body: 'read' },
  'post-continue': { caller: 'continuation', body: 'read' },
  'delete-continue': { caller: 'continuation', body: 'ignored' },
  'post-token': { caller: 'management', body: 'ignored' },
  'delete-token': { caller: 'management', body: 'ignored' },
  // Resource server
  'create-incoming-payment': { caller: 'token', body: 'read', ...needs('incoming-payment', 'create') },
  'list-incoming-payments': { caller: 'token', body: 'ignored', ...needs('incoming-payment', 'list') },
  'get-incoming-payment': { caller: 'public-or-token', body: 'ignored', ...needs('incoming-payment', 'read') },
  'complete-incoming-payment': { caller: 'token', body: 'ignored', ...needs('incoming-payment', 'complete') },
  'create-quote': { caller: 'token', body: 'read', ...needs('quote', 'create') },
  'get-quote': { caller: 'token', body: 'ignored', ...needs('quote', 'read') },
  'create-outgoing-payment': { caller: 'token', body: 'read', ...needs('outgoing-payment', 'create') },
  'list-outgoing-payments': { caller: 'token', body: 'ignored', ...needs('outgoing-payment', 'list') },
  'get-outgoing-payment': { caller: 'token', body: 'ignored', ...needs('outgoing-payment', 'read') },
  'get-outgoing-payment-grant': { caller: 'token', body: 'ignored', ...needs('outgoing-payment', 'create') },
  // Interaction and identity provider
  'start-interaction': { caller: 'public', body: 'ignored', changes: true },
  'finish-interaction': { caller: 'public', body: 'ignored', changes: true },
  'get-consent': { caller: 'public', body: 'ignored' },
  'post-consent': { caller: 'public', body: 'read' },
  'get-interaction': { caller: 'identity-provider', body: 'ignored' },
  'post-sign-in': { caller: 'public', body: 'read' },
  'post-sign-out': { caller: 'public', body: 'read' },
  'accept-interaction': { caller: 'identity-provider', body: 'read' },
  'reject-interaction': { caller: 'identity-provider', body: 'ignored' },
  'reject-unknown-decision': { caller: 'identity-provider', body: 'ignored' },
  // Token introspection and control
  'introspect-token': { caller: 'resource-server', body: 'read' },
  'get-state': { caller: 'operator', body: 'ignored' },
  'post-clock': { caller: 'operator', body: 'read' },
  'post-consent-policy': { caller: 'operator', body: 'read' },
  'post-reset': { caller: 'operator', body: 'ignored' },
  'list-exchanges': { caller: 'operator', body: 'ignored' },
  'list-faults': { caller: 'operator', body: 'ignored' },
  'add-fault': { caller: 'operator', body: 'read' },
  'remove-faults': { caller: 'operator', body: 'ignored' },
  'get-ledger': { caller: 'operator', body: 'ignored' },
  'list-worlds': { caller: 'operator', body: 'ignored' },
  'create-world': { caller: 'operator', body: 'read' },
  'delete-world': { caller: 'operator', body: 'ignored' },
  // Administration
  'list-accounts': { caller: 'operator', body: 'ignored' },
  'create-account': { caller: 'operator', body: 'read' },
  'create-deposit': { caller: 'operator', body: 'read' },
  'create-withdrawal': { caller: 'operator', body: 'read' },
  'list-wallet-addresses': { caller: 'operator', body: 'ignored' },
  'create-wallet-address': { caller: 'operator', body: 'read' },
  'change-wallet-address': { caller: 'operator', body: 'read' },
  'list-wallet-address-keys': { caller: 'operator', body: 'ignored' },
  'register-wallet-address-key': { caller: 'operator', body: 'read' },
  'revoke-wallet-address-key': { caller: 'operator', body: 'ignored' },
  'list-peers': { caller: 'operator', body: 'ignored' },
  'create-peer': { caller: 'operator', body: 'read' },
  'change-peer': { caller: 'operator', body: 'read' },
  'remove-peer': { caller: 'operator', body: 'ignored' },
  'list-fees': { caller: 'operator', body: 'ignored' },
  'set-fee': { caller: 'operator', body: 'read' },
  'get-prices': { caller: 'operator', body: 'ignored' },
  'set-prices': { caller: 'operator', body: 'read' },
  'get-rate-source': { caller: 'operator', body: 'ignored' },
  'set-rate-source': { caller: 'operator', body: 'read' },
  'get-webhook': { caller: 'operator', body: 'ignored' },
  'set-webhook': { caller: 'operator', body: 'read' },
  'remove-webhook': { caller: 'operator', body: 'ignored' },
  'list-events': { caller: 'operator', body: 'ignored' },
  'drop-event': { caller: 'operator', body: 'ignored' },
  'retry-event': { caller: 'operator', body: 'ignored' },
  'list-transfers': { caller: 'operator', body: 'ignored' },
  'list-reversals': { caller: 'operator', body: 'ignored' },
  'create-reversal': { caller: 'operator', body: 'read' },
  'list-packets-in-doubt': { caller: 'operator', body: 'ignored' },
  'resolve-packet': { caller: 'operator', body: 'read' },
  'get-peer-statement': { caller: 'operator', body: 'ignored' },
  'get-peer-packet': { caller: 'operator', body: 'ignored' },
  'list-actions': { caller: 'operator', body: 'ignored' },
  'get-grant': { caller: 'operator', body: 'ignored' },
  'list-grant-payments': { caller: 'operator', body: 'ignored' },
  'list-grants': { caller: 'operator', body: 'ignored' },
  'revoke-grant': { caller: 'operator', body: 'ignored' },
  'list-secrets': { caller: 'operator', body: 'ignored' },
  'add-secret': { caller: 'operator', body: 'ignored' },
};

/** True for an operation that anybody but the operator may call. */
export const isPublicOperation = (operationId: string): boolean =>
  Object.hasOwn(policies, operationId) && policies[operationId]!.caller !== 'operator';
