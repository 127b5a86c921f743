/**
 * One account servicing entity: its wallet address, authorization and resource servers, its identity provider, its
 * connector and outgoing-payment worker, or those of them that run in this process.
 */
import type { RequestListener } from 'node:http';
import type { Express } from 'express';
import type { AseAdministration } from '../administration/ase-administration.ts';
import { type AseState, listWalletAddressStates } from '../administration/ase-state.ts';
import { createRateLimiter } from '../http/rate-limits.ts';
import type { Asset } from '../open-payments/amount.ts';
import { createReceiverReader } from '../resource/receiver.ts';
import { resourceIdIn } from '../resource/resource-url.ts';
import { createAseApps } from './apps.ts';
import { createNetwork } from './network.ts';
import type { AseOptions } from './options.ts';
import { createPayments } from './payments.ts';
import type { ServerName } from './server-urls.ts';
import { createServers, type PrivateServers } from './servers.ts';

export type { AseOptions } from './options.ts';

export interface Ase {
  readonly key: string;
  /** The public app of one listener, with these servers. */
  readonly createApp: (servers: readonly ServerName[]) => RequestListener;
  /** Refuses requests in clear text to a port for TLS. */
  readonly plainApp: RequestListener;
  /** Token introspection and the back channel of the identity provider, for a private port (CT-08). */
  readonly privateApp: Express;
  /** Bearer secrets for `privateApp`. Undefined where the authorization server runs in another process. */
  readonly privateSecrets: PrivateServers['secrets'] | undefined;
  /** Answers a packet from the peer that this token authenticates. Throws if it authenticates none. */
  readonly receivePacket: (token: string, asset: Asset, prepare: Buffer) => Promise<Buffer>;
  readonly administration: AseAdministration;
  describe(): Promise<AseState>;
  start(): void;
  /** Looks for due payments. */
  wake(): void;
  /** Looks for due events, if there is a webhook. */
  wakeEvents(): void;
  /** Stops payments and events, so that `/readyz` fails; then, once the requests are `drained`, calls to other servers. */
  stop(drained?: Promise<void>): Promise<void>;
  /** Resolves when no payment is in progress here and no event is due. */
  settled(): Promise<void>;
}

export function createAse(options: AseOptions): Ase {
  const { key, db, clock, settings, urls } = options;
  const limiter = options.rateLimits && createRateLimiter({ ...options.rateLimits, ase: key, db });
  const network = createNetwork(options, limiter);
  const { outbound, clientOf } = network;
  const { resourceServer } = urls;
  const readReceiver = createReceiverReader({ ase: key, db, clock, outbound, resourceServer, clientOf });
  const localReceiverId = (url: string) => resourceIdIn(resourceServer, 'incoming-payments', url);
  const payments = createPayments({ ...options, outbound, readReceiver, localReceiverId });
  const servers = createServers(options, network, payments, limiter);
  const apps = createAseApps(servers, payments, options);
  const { worker, events } = payments;

  // Payments and events are processed where the resource server runs.
  const runsPayments = options.serves.includes('resource');
  const wake = () => runsPayments && worker.wake();
  const wakeEvents = () => {
    if (runsPayments) events.wake();
  };
  return {
    key,
    ...apps,
    privateSecrets: servers.privateServers?.secrets,
    async receivePacket(token, asset, prepare) {
      const peer = payments.peers.identify(token);
      if (peer === undefined) throw new Error('the token of the packet belongs to no peer');
      return payments.connector.receive(peer, asset, prepare);
    },
    administration: {
      key,
      origin: urls.walletAddressServer,
      prefix: options.prefix,
      local: options.allowHttp,
      ids: options.ids,
      settings,
      forgetKeys: network.clientKeys.forget,
      announce: events.announce,
      wakeEvents,
      wakePayments: wake,
    },
    async describe() {
      const walletAddresses = await listWalletAddressStates(db.query, key);
      const { walletAddressServer: origin, authServer } = urls;
      return { name: options.name, origin, authServer, resourceServer, walletAddresses };
    },
    start() {
      if (runsPayments) payments.start();
    },
    wake,
    wakeEvents,
    async stop(drained) {
      await payments.stop();
      await drained;
      network.close();
    },
    async settled() {
      await worker.idle();
      if (runsPayments) await events.idle();
    },
  };
}
