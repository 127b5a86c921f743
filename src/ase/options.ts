/** The options of one ASE, from which its parts (`network`, `payments`, `servers`, `apps`) take what they need. */
import type { SecureContext } from 'node:tls';
import type { Logger } from 'pino';
import type { SettingsMemory } from '../administration/settings.ts';
import type { GrantRules } from '../auth/deps.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/database.ts';
import type { FaultSelector } from '../faults.ts';
import type { PageLabels } from '../html/page-labels.ts';
import type { AseInterceptor } from '../http/interceptor.ts';
import type { RateLimiterOptions } from '../http/rate-limits.ts';
import type { Reply } from '../http/reply.ts';
import type { FinishedCall } from '../http/request-trace.ts';
import type { ServerMark } from '../http/server-mark.ts';
import type { ConsentPolicy } from '../identity-provider/consent.ts';
import type { Ids } from '../ids.ts';
import type { AddressRanges } from '../net/addresses.ts';
import type { ClosableLink, PeerTerms } from '../payments/ilp/peers.ts';
import type { Failpoint } from '../payments/outgoing/failpoint.ts';
import type { OutgoingPaymentWorkerOptions } from '../payments/outgoing/worker.ts';
import type { Switches } from '../profile.ts';
import type { Extensions } from '../wallet-address/extensions.ts';
import type { ServerName, ServerUrls } from './server-urls.ts';

export interface AseOptions {
  /** Value of the `ase` column in every row of this ASE. */
  readonly key: string;
  /** Unique among the ASEs of its world. */
  readonly name: string;
  /** ILP address of its connector. */
  readonly prefix: string;
  readonly urls: ServerUrls;
  /** The servers that run in this process. */
  readonly serves: readonly ServerName[];
  /** Further base URLs of a server. */
  readonly aliasesOf: (server: ServerName) => readonly string[];
  /** Origin of the world or of the operator → address that outbound requests to it connect to. */
  readonly hosts: ReadonlyMap<string, string>;
  readonly pages?: PageLabels | undefined;
  /** Account holders must sign in before they consent. */
  readonly signIn: boolean;
  readonly grants?: GrantRules | undefined;
  readonly settings: SettingsMemory;
  readonly extensions?: Extensions | undefined;
  readonly openLink: (peer: PeerTerms) => ClosableLink;
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly switches: Switches;
  readonly consent: () => ConsentPolicy;
  /** Allow plain HTTP for requests to others, and for URLs that the control API sets. */
  readonly allowHttp: boolean;
  /** Private addresses that requests to clients and receivers may go to. */
  readonly allowedRanges: AddressRanges;
  /** Absent for no rate limits. */
  readonly rateLimits?: Pick<RateLimiterOptions, 'trustedProxies' | 'limits'> | undefined;
  /** Certificates that outbound requests accept, in place of the well-known authorities. */
  readonly trust?: SecureContext | undefined;
  readonly failpoint?: Failpoint | undefined;
  /** Timing of the outgoing-payment worker. The deployment polls for all ASEs, so the worker does not by default. */
  readonly worker?: Partial<OutgoingPaymentWorkerOptions> | undefined;
  /** Changes a handler's reply before it is validated, for tests. */
  readonly tamper?: ((operationId: string, reply: Reply) => Reply) | undefined;
  readonly selectFault?: FaultSelector | undefined;
  readonly intercept?: AseInterceptor | undefined;
  /** The mark of the requests of this world's servers. */
  readonly serverMark?: ServerMark | undefined;
  readonly trace?: ((call: FinishedCall) => void) | undefined;
}
