/** Collaborators and rules of the authorization server. */
import type { Clock } from '../clock.ts';
import type { Database } from '../database/database.ts';
import type { ClientKeys } from '../http/signatures/client-keys.ts';
import type { Ids } from '../ids.ts';
import type { Outbound } from '../net/outbound.ts';
import type { Switches } from '../profile.ts';

export interface AuthDeps {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly switches: Switches;
  /** Grant endpoint exactly as wallet addresses publish it, with trailing slash (AS-104). */
  readonly authServer: string;
  readonly clientKeys: ClientKeys;
  /** For the display name of clients. */
  readonly outbound: Pick<Outbound, 'request'>;
  /** Whether a text is an ISO 8601 repeating interval (AS-46). */
  readonly isInterval: (text: string) => boolean;
  /** Whether a finish URI may be http: on any host, not on loopback alone (AS-94). */
  readonly allowHttp: boolean;
  readonly grants?: GrantRules | undefined;
}

/** What an operator decides about grants. */
export interface GrantRules {
  /** Rights that need consent although they need none by themselves (AS-58). */
  readonly consentFor?: readonly ('incoming-payment' | 'quote')[];
  /** Announced and enforced between two continuation calls; 0, the default, never refuses (AS-10, AS-122). */
  readonly waitSeconds?: number;
  /** Lifetime of access tokens in seconds, 600 by default (AS-12). */
  readonly tokenSeconds?: number;
  /** Lifetime of an interaction in seconds, 600 by default (AS-91). */
  readonly interactionSeconds?: number;
}
