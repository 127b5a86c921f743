/** Collaborators and options of the authorization server. */
import type { Clock } from '../clock.ts';
import type { Database } from '../database/database.ts';
import type { ClientKeys } from '../http/signatures/client-keys.ts';
import type { Ids } from '../ids.ts';
import type { Outbound } from '../net/outbound.ts';
import type { Switches } from '../profile.ts';
import type { GrantStore } from './grant-store.ts';

export interface AuthDeps {
  readonly ase: string;
  readonly db: Database;
  readonly grantStore: GrantStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly switches: Switches;
  /** Grant endpoint exactly as wallet addresses publish it, with trailing slash (AS-104). */
  readonly authServer: string;
  readonly clientKeys: ClientKeys;
  /** Fetches the display names of clients. */
  readonly outbound: Pick<Outbound, 'request'>;
  /** True for an ISO 8601 repeating interval (AS-46). */
  readonly isInterval: (text: string) => boolean;
  /** Allows http finish URIs on any host instead of loopback only (AS-94). */
  readonly allowHttp: boolean;
  readonly grants?: GrantRules | undefined;
}

/** Options of an operator for grants. */
export interface GrantRules {
  /** Types of access that need consent although Open Payments does not require it (AS-58). */
  readonly consentFor?: readonly ('incoming-payment' | 'quote')[];
  /**
   * False grants `list-all` on incoming payments without consent, also without `identifier`, which then means every
   * wallet address of the ASE; default true (AS-57, OPI-100).
   */
  readonly consentForListAll?: boolean;
  /** Minimum seconds between two continuation calls; 0, the default, does not limit them (AS-10, AS-122). */
  readonly waitSeconds?: number;
  /** Lifetime of access tokens in seconds, 600 by default (AS-12). */
  readonly tokenSeconds?: number;
  /** Lifetime of an interaction in seconds, 600 by default (AS-91). */
  readonly interactionSeconds?: number;
}
