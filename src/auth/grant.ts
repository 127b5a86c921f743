/** The grant and its states (RFC 9635 §1.5; LIM-01): one table of transitions. */
import type { Access, Subject } from '../open-payments/access.ts';
import type { ClientInstance } from '../open-payments/client.ts';

/** `pending` waits for consent, `approved` for the client to fetch it. The others are final (`finalized` in the row). */
export type GrantState = 'pending' | 'approved' | 'issued' | 'rejected' | 'revoked';
export type Transition = 'approve' | 'reject' | 'issue' | 'revoke';

/** All legal transitions. A final state can only be revoked. */
export const transitions: Readonly<
  Record<Transition, { readonly from: readonly GrantState[]; readonly to: GrantState }>
> = {
  approve: { from: ['pending'], to: 'approved' },
  reject: { from: ['pending'], to: 'rejected' },
  issue: { from: ['approved'], to: 'issued' },
  revoke: { from: ['pending', 'approved', 'issued', 'rejected'], to: 'revoked' },
};

/** The state after a transition; undefined if the transition is not legal in that state. */
export const stateAfter = (state: GrantState, transition: Transition): GrantState | undefined =>
  transitions[transition].from.includes(state) ? transitions[transition].to : undefined;

export interface Grant {
  readonly id: string;
  readonly state: GrantState;
  readonly clientId: string;
  readonly client: ClientInstance;
  readonly clientName: string | undefined;
  readonly access: Access[];
  readonly subject: Subject | undefined;
  readonly continueId: string;
  /** Digest of the current continuation token. */
  readonly continueDigest: string;
  /** Seconds between two continuation calls. */
  readonly wait: number;
  /** Time of the last continuation answer, in milliseconds since the epoch. */
  readonly continuedAt: number;
  /** Absent for a grant without interaction. */
  readonly interaction: Interaction | undefined;
  /** Another one as soon as anything stores the grant. */
  readonly version: string;
}

/** The interaction of a grant (RFC 9635 §4). */
export interface Interaction {
  readonly id: string;
  /** The authorization server's nonce, `interact.finish`. */
  readonly nonce: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** The client's finish redirect; absent if it polls. */
  readonly finish: { readonly uri: string; readonly nonce: string } | undefined;
  readonly sessionDigest: string | null;
  /** True once the holder is known: another browser cannot take over the session. */
  readonly sessionKept: boolean;
  /** Digest of the ticket of the browser that decided; null for decisions that came without one. */
  readonly ticketDigest: string | null;
  readonly interactRefDigest: string | null;
}

/** A grant whose `interaction` is present. */
export type InteractiveGrant = Grant & { readonly interaction: Interaction };

export type NewGrant = Omit<Grant, 'continuedAt' | 'interaction' | 'version'> & {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly interaction:
    | Omit<Interaction, 'sessionDigest' | 'sessionKept' | 'ticketDigest' | 'interactRefDigest'>
    | undefined;
};

/** The grant in its next state. Throws an Error if that is not legal: callers check the state first. */
export function transitionGrant<G extends Grant>(grant: G, transition: Transition): G {
  const state = stateAfter(grant.state, transition);
  if (state === undefined) throw new Error(`a grant that is ${grant.state} cannot ${transition}`);
  return { ...grant, state };
}

/** The grant with this progress of its interaction. */
export const changeInteraction = (grant: InteractiveGrant, progress: Partial<Interaction>): InteractiveGrant => ({
  ...grant,
  interaction: { ...grant.interaction, ...progress },
});
