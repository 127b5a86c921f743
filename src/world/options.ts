/** The options of a world, and what it shares with the other worlds of its deployment. */
import type { Logger } from 'pino';
import type { ServerName, ServerUrls } from '../ase/server-urls.ts';
import type { ConsentMode, Worlds } from '../control/controls.ts';
import type { Database } from '../database/database.ts';
import type { RateLimit } from '../http/rate-limits.ts';
import type { Reply } from '../http/reply.ts';
import type { AddressRanges } from '../net/addresses.ts';
import type { Tls } from '../net/tls.ts';
import type { Link } from '../payments/ilp/link.ts';
import type { Failpoint } from '../payments/outgoing/failpoint.ts';
import type { OutgoingPaymentWorkerOptions } from '../payments/outgoing/worker.ts';
import type { ProfileName } from '../profile.ts';
import type { WorldDefinition } from './definition/definition.ts';

export type RateLimitMode = 'auto' | 'on' | 'off';

export interface WorldOptions {
  readonly definition?: WorldDefinition;
  /** Port of the first ASE. 0, the default, takes any free ports. */
  readonly port?: number;
  readonly publicUrl?: string;
  readonly controlToken?: string;
  /** Host only this ASE; the others run elsewhere, at the ports that follow from `port`. */
  readonly only?: string;
  /** Run only these servers of the ASE; the others run elsewhere, at the URLs in `servers`. */
  readonly serves?: readonly ServerName[];
  readonly servers?: Partial<ServerUrls>;
  readonly peerSecret?: string;
  readonly seed?: string;
  readonly consent?: ConsentMode;
  /** Account holders must sign in before they consent. Default: the setting of the definition. */
  readonly signIn?: boolean;
  readonly profile?: ProfileName;
  /** Default: `auto`, which limits where other machines can reach the world. */
  readonly rateLimits?: RateLimitMode;
  /** Replaces the table of limits, for tests. */
  readonly limits?: readonly RateLimit[];
  /** Reverse proxies in front, which append to X-Forwarded-For. Default: 0. */
  readonly trustedProxies?: number;
  /**
   * Number of whole exchanges to keep, with their secrets. Default: 200 where only this machine can
   * reach the world, otherwise 0.
   */
  readonly recordExchanges?: number;
  /** The world runs only to be graded: it records many exchanges, and waits rather than leave one ungraded. */
  readonly gradesAll?: boolean;
  readonly failpoint?: Failpoint;
  /** Milliseconds that a packet waits for the peer's answer. Default: 10 s. */
  readonly linkTimeoutMs?: number;
  /** Milliseconds until another worker may take over the payment of a dead one. Default: 10 s. */
  readonly leaseMs?: number;
  /** Slots of the outgoing-payment workers, and the receivers that they need not read, for tests. */
  readonly worker?: Pick<OutgoingPaymentWorkerOptions, 'concurrency' | 'slotTimeoutMs' | 'recentReceiver'>;
  /** Replaces the link between two ASEs, for tests. */
  readonly wrapLink?: (from: string, to: string, link: Link) => Link;
  /** Changes a handler's reply before it is validated, for tests. */
  readonly tamper?: (operationId: string, reply: Reply) => Reply;
}

/** The deployment as one of its worlds sees it. */
export interface WorldHost {
  /** Unique among the worlds of the database. */
  readonly worldId: string;
  readonly db: Promise<Database>;
  /** Address to listen on. */
  readonly host: string;
  /** Address of the control API. */
  readonly controlHost: string;
  readonly insecure: boolean;
  /** Private addresses that requests to clients and receivers may go to, besides those that the exposure allows. */
  readonly allowedRanges: AddressRanges;
  /** TLS of the public origins. */
  readonly tls?: Tls | undefined;
  readonly log: Logger;
  /** Base URL of the world's control API. */
  readonly controlUrl: string;
  /** Management of the additional worlds, for the main world only. */
  readonly worlds?: Worlds | undefined;
}
