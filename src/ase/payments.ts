/** The money side of an ASE: exchange rates, peers, connector, outgoing-payment worker and webhook events. */
import { createEvents, type Events } from '../events/delivery.ts';
import type { Outbound } from '../net/outbound.ts';
import type { Asset } from '../open-payments/amount.ts';
import { type Connector, createConnector } from '../payments/ilp/connector.ts';
import { createCredentials } from '../payments/ilp/credentials.ts';
import { createPeers, type Peers } from '../payments/ilp/peers.ts';
import { createOutgoingPaymentWorker, type OutgoingPaymentWorker } from '../payments/outgoing/worker.ts';
import { createRateService } from '../payments/rate-service.ts';
import { type Rate, rateBetween } from '../payments/rates.ts';
import { type ReadReceiver, rememberReceivers } from '../payments/receiver.ts';
import type { AseOptions } from './options.ts';

export interface PaymentsOptions
  extends Pick<
    AseOptions,
    'key' | 'prefix' | 'settings' | 'db' | 'clock' | 'log' | 'openLink' | 'failpoint' | 'worker'
  > {
  readonly outbound: Pick<Outbound, 'request'>;
  readonly readReceiver: ReadReceiver;
  /** Id of the incoming payment with this URL; undefined for another ASE's. */
  readonly localReceiverId?: ((url: string) => string | undefined) | undefined;
}

export interface Payments {
  readonly events: Events;
  readonly peers: Peers;
  readonly connector: Connector;
  readonly worker: OutgoingPaymentWorker;
  readonly readReceiver: ReadReceiver;
  /** Between minor units of two assets, at the moment. Throws `no_rate`. */
  readonly rate: (from: Asset, to: Asset) => Promise<Rate>;
  /** STREAM credentials of an incoming payment. */
  readonly credentialsFor: (incomingPaymentId: string) => ReturnType<typeof createCredentials>;
  /** True from `start` to `stop`: due payments are looked for. */
  readonly isRunning: () => boolean;
  start(): void;
  stop(): Promise<void>;
}

export function createPayments(options: PaymentsOptions): Payments {
  const { key: ase, db, clock, prefix, settings, outbound, failpoint, log } = options;
  const receivers = rememberReceivers(options.readReceiver, clock);
  const events = createEvents({
    ase,
    db,
    clock,
    outbound,
    webhook: () => settings.current().webhook,
    log,
  });
  const fetchRate = createRateService({ clock, outbound });
  const peers = createPeers(() => settings.current().peers, options.openLink);
  const { announce } = events;
  const connector = createConnector({
    ase,
    db,
    clock,
    prefix,
    secrets: () => settings.current().secrets,
    reloadSecrets: async () => (await settings.refresh()).secrets,
    peers: peers.list,
    failpoint,
    announce,
  });
  const worker = createOutgoingPaymentWorker({
    ase,
    db,
    clock,
    connector,
    ...receivers,
    localReceiverId: options.localReceiverId,
    log,
    failpoint,
    announce,
    ...options.worker,
  });
  let isStarted = false;
  return {
    events,
    peers,
    connector,
    worker,
    readReceiver: receivers.readReceiver,
    async rate(from, to) {
      const { rateSource, prices } = settings.current();
      return rateSource === undefined ? rateBetween(prices, from, to) : fetchRate(rateSource, from, to);
    },
    credentialsFor: (id) => createCredentials(settings.current().secrets, prefix, id),
    isRunning: () => isStarted && !worker.isStopping(),
    start() {
      isStarted = true;
      worker.wake();
      events.start();
    },
    async stop() {
      await worker.stop();
      await events.stop();
      peers.close();
    },
  };
}
