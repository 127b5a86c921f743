/** What the identity provider needs of an authorization server: to read an interaction and to decide it (RFC 9635 §4; AS-78…84). */

export interface Amount {
  readonly value: string;
  readonly assetCode: string;
  readonly assetScale: number;
}

/** One right that a client asks for. */
export interface AskedAccess {
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
  readonly access: readonly AskedAccess[];
  readonly subject: { readonly sub_ids: readonly { readonly id: string; readonly format: 'uri' }[] } | undefined;
  readonly state: 'pending' | 'approved' | 'denied';
  readonly finishUri: string | undefined;
}

export type Choice = 'accept' | 'reject';

/**
 * Both throw problems: `unknown_interaction`; `decide` also `interaction_closed`, `user_denied` and `foreign_holder`.
 * `holder` is the account that decides.
 */
export interface Interactions {
  read(id: string, nonce: string): Promise<InteractionView>;
  decide(id: string, nonce: string, choice: Choice, holder?: string): Promise<void>;
}
