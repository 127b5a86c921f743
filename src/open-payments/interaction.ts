/** Messages of the authorization server and the identity provider about interactions (RFC 9635 §4; AS-78…84). */
import type { AccessItem, Subject } from './access.ts';
import type { WireAmount } from './amount.ts';

/** Everything needed for a decision. All of it comes from the stored grant, nothing from a URL (AS-75). */
export interface InteractionView {
  readonly interactionId: string;
  readonly nonce: string;
  readonly grantId: string;
  readonly clientName: string;
  readonly clientUri: string;
  readonly access: readonly AccessItem[];
  readonly subject: Subject | undefined;
  readonly state: 'pending' | 'approved' | 'denied';
  /** Where the browser is sent after the decision; undefined if the client polls. */
  readonly finishUri: string | undefined;
  /** Milliseconds since the epoch; nothing can be decided from then on (AS-91). */
  readonly expiresAt: number;
}

export type Choice = 'accept' | 'reject';

/** A lower amount to grant in the outgoing-payment item of this wallet address (RFC 9635 §3.2.1). */
export interface AllowedLimits {
  readonly identifier: string;
  readonly debitAmount?: WireAmount;
  readonly receiveAmount?: WireAmount;
}

export interface Decision {
  readonly choice: Choice;
  /** The account that decides. If absent, the decision counts as that of the holder of all wallet addresses. */
  readonly holder?: string | undefined;
  /**
   * Digest of a one-time ticket that the identity provider hands to the browser that decided. With it, only a browser
   * that shows the ticket can finish the interaction (RFC 9635 §11.24).
   */
  readonly ticketDigest?: string | undefined;
  /** Amounts to grant in place of the requested ones; never more than requested. */
  readonly limits?: readonly AllowedLimits[] | undefined;
}

/** The only way to decide, whether from the consent page, a script or the back channel (AS-84). */
export interface Interactions {
  /** Throws `unknown_interaction`, or `foreign_holder` if `holder` does not hold every wallet address (AS-N05). */
  read(id: string, nonce: string, holder?: string): Promise<InteractionView>;
  /**
   * Decides, finally (AS-N03). Until the finish, the same decision with the same ticket changes nothing.
   * Throws `unknown_interaction`, `interaction_closed` (decided or expired), `user_denied` (the client cancelled the
   * grant), `foreign_holder` or `unacceptable_limits` (more than requested).
   */
  decide(id: string, nonce: string, decision: Decision): Promise<void>;
}
