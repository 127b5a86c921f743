/** What the identity provider needs of an authorization server: to read an interaction and to decide it (RFC 9635 §4; AS-78…84). */

export interface Amount {
  readonly value: string;
  readonly assetCode: string;
  readonly assetScale: number;
}

/** One right that a client asks for. */
export interface RequestedAccess {
  readonly type: 'incoming-payment' | 'outgoing-payment' | 'quote';
  readonly actions: readonly string[];
  /** Wallet address; without one all of the account servicing entity are meant. */
  readonly identifier?: string;
  readonly limits?: {
    readonly receiver?: string;
    readonly interval?: string;
    readonly debitAmount?: Amount;
    readonly receiveAmount?: Amount;
  };
}

export interface InteractionView {
  readonly interactionId: string;
  readonly nonce: string;
  readonly grantId: string;
  readonly clientName: string;
  readonly clientUri: string;
  readonly access: readonly RequestedAccess[];
  readonly subject: { readonly sub_ids: readonly { readonly id: string; readonly format: 'uri' }[] } | undefined;
  readonly state: 'pending' | 'approved' | 'denied';
  readonly finishUri: string | undefined;
  /** Milliseconds since the epoch; from then on nothing can be decided. */
  readonly expiresAt: number;
}

export type Choice = 'accept' | 'reject';

/** An amount to allow in place of the one asked for, at the outgoing-payment right of that wallet address. */
export interface AllowedAmount {
  readonly identifier: string;
  readonly debitAmount?: Amount;
  readonly receiveAmount?: Amount;
}

export interface Decision {
  readonly choice: Choice;
  /** The account that decides; without it, it is the holder of all wallet addresses. */
  readonly holder?: string | undefined;
  /** What to allow less; nothing else is changed. */
  readonly limits?: readonly AllowedAmount[] | undefined;
}

/**
 * Both throw problems: `unknown_interaction`, and `foreign_holder` where `holder` does not hold all wallet addresses;
 * `decide` also `interaction_closed`, `user_denied` and `unacceptable_limits`.
 */
export interface Interactions {
  read(id: string, nonce: string, holder?: string): Promise<InteractionView>;
  decide(id: string, nonce: string, decision: Decision): Promise<void>;
}
