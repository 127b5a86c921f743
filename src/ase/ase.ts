/**
 * One account servicing entity: its wallet address, authorization and resource servers, its identity provider, its
 * connector and settlement; or those of them that run in this process. The slices do not know each other; here each is
 * handed what it needs of the others, at the protocol's own seams: within the process, or over HTTP.
 */
import type { SecureContext } from 'node:tls';
import type { Express } from 'express';
import type { Logger } from 'pino';
import type { AseAdministration } from '../administration/ase-administration.ts';
import { type AseState, listWalletAddressStates } from '../administration/ase-state.ts';
import type { SettingsMemory } from '../administration/settings.ts';
import { findCaller } from '../auth/caller.ts';
import type { GrantRules } from '../auth/deps.ts';
import { createInteractions } from '../auth/interaction.ts';
import { createIntrospectionServer } from '../auth/introspection.ts';
import { createAuthServer, createInteractionServer } from '../auth/server.ts';
import type { Clock } from '../clock.ts';
import { deriveKey, deriveSecret, exportPublicJwk } from '../crypto/derived-keys.ts';
import type { Database } from '../database/database.ts';
import { createNonceMemory } from '../database/signature-nonces.ts';
import type { Carrier } from '../events/carrier.ts';
import { createEvents } from '../events/delivery.ts';
import type { FaultSelector } from '../faults.ts';
import type { PageLabels } from '../html/page-labels.ts';
import type { ServerContext } from '../http/pipeline.ts';
import type { Reply } from '../http/reply.ts';
import type { FinishedCall } from '../http/request-trace.ts';
import { type ClientKey, createClientKeys, expectClientJwk } from '../http/signatures/client-keys.ts';
import { createBackChannelClient } from '../identity-provider/back-channel-client.ts';
import { type ConsentPolicy, createConsentPrompt } from '../identity-provider/consent.ts';
import { createBackChannelServer, createIdentityProviderServer } from '../identity-provider/server.ts';
import { createSignIn } from '../identity-provider/sign-in.ts';
import type { Ids } from '../ids.ts';
import { createOutbound } from '../net/outbound.ts';
import type { Asset } from '../open-payments/amount.ts';
import type { Interactions } from '../open-payments/interaction.ts';
import { isInterval } from '../open-payments/interval.ts';
import { createConnector } from '../payments/ilp/connector.ts';
import { createCredentials } from '../payments/ilp/credentials.ts';
import { createIlpOverHttpHandler } from '../payments/ilp/ilp-over-http.ts';
import { type ClosableLink, createPeers, type PeerTerms } from '../payments/ilp/peers.ts';
import type { Failpoint } from '../payments/outgoing/failpoint.ts';
import { createOutgoingPaymentWorker } from '../payments/outgoing/worker.ts';
import { createRateService } from '../payments/rate-service.ts';
import { rateBetween } from '../payments/rates.ts';
import type { Switches } from '../profile.ts';
import { createIntrospectionClient, type Introspect } from '../resource/introspection-client.ts';
import { createPaymentOpener } from '../resource/open-incoming-payment.ts';
import { createReceiverReader } from '../resource/receiver.ts';
import { createResourceServer } from '../resource/server.ts';
import type { Extensions } from '../wallet-address/extensions.ts';
import { instancePath } from '../wallet-address/path.ts';
import { createWalletAddressServer } from '../wallet-address/server.ts';
import { createAseApps } from './apps.ts';
import type { ServerName, ServerUrls } from './server-urls.ts';

export interface AseOptions {
  /** Of all its rows in the database. */
  readonly key: string;
  /** Among the ASEs of its world. */
  readonly name: string;
  /** Its ILP address. */
  readonly prefix: string;
  readonly urls: ServerUrls;
  /** Which of its servers run here. */
  readonly serves: readonly ServerName[];
  /** Further base URLs of a server. */
  readonly aliasesOf: (server: ServerName) => readonly string[];
  /** Origins that its calls find at another address. */
  readonly hosts: ReadonlyMap<string, string>;
  readonly pages?: PageLabels;
  /** Whoever consents on the page signs in before. */
  readonly signIn: boolean;
  readonly grants?: GrantRules;
  readonly settings: SettingsMemory;
  readonly extensions?: Extensions;
  readonly openLink: (peer: PeerTerms) => ClosableLink;
  readonly openCarrier: () => Promise<Carrier>;
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly switches: Switches;
  readonly consent: () => ConsentPolicy;
  /** Nothing listens or is published beyond loopback: plain HTTP and private addresses are fine. */
  readonly local: boolean;
  /** Whose certificates its calls accept. */
  readonly trust?: SecureContext;
  readonly failpoint?: Failpoint;
  /** As SettlementOptions has it. */
  readonly leaseMs?: number | undefined;
  readonly tamper?: (operationId: string, reply: Reply) => Reply;
  readonly strike?: FaultSelector;
  readonly trace?: (call: FinishedCall) => void;
}

export interface Ase {
  readonly key: string;
  /** What these of its servers answer to the public, for a listener of theirs. */
  readonly createApp: (servers: readonly ServerName[]) => Express;
  /** Back channel of the identity provider and token introspection, for a port of their own (CT-08). */
  readonly privateApp: Express;
  /** What to show there; undefined where the authorization server is another process. */
  readonly privateSecrets: { readonly introspection: string; readonly backChannel: string } | undefined;
  /** Answers a packet of the peer that bears the token; throws if none does. */
  readonly receivePacket: (token: string, asset: Asset, prepare: Buffer) => Promise<Buffer>;
  readonly administration: AseAdministration;
  describe(): Promise<AseState>;
  start(): void;
  /** Looks for due payments. */
  wake(): void;
  /** Looks for due events, if it has a webhook. */
  wakeEvents(): void;
  stop(): Promise<void>;
  /** Resolves when no payment is under way here, and no event is due. */
  settled(): Promise<void>;
}

export function createAse(options: AseOptions): Ase {
  const { key: ase, name, prefix, urls, settings, db, clock, ids, log, switches, local } = options;
  // What derives from a secret, credentials of payments apart, derives from the first.
  const { secrets } = settings.current();
  const { walletAddressServer, authServer, resourceServer, identityProvider } = urls;
  const serves = (server: ServerName): boolean => options.serves.includes(server);
  const environment: ServerContext = {
    db,
    clock,
    switches,
    log,
    rememberNonce: createNonceMemory(db, ase, clock, switches.signatureMaxAgeMs + switches.signatureSkewMs),
    tamper: options.tamper,
    selectFault: options.strike,
    trace: options.trace,
  };
  const calls = { timeoutMs: 5000, maxBytes: 256 * 1024, userAgent: 'touchstone', trust: options.trust };
  const outbound = createOutbound({ ...calls, allowPrivateAddresses: local, allowHttp: local, hosts: options.hosts });
  const clientKeys = createClientKeys({ outbound, wallNow: clock.wallNow, ttlMs: switches.clientKeyMaxAgeMs });
  const clientKey = (client: { walletAddress: string } | { jwk: unknown }, keyid: string): Promise<ClientKey> =>
    'jwk' in client ? expectClientJwk(client.jwk, keyid) : clientKeys.keyFor(client.walletAddress, keyid);
  const instance = { keyid: 'instance', privateKey: deriveKey(secrets, 'instance') };

  // ── Between the servers ──
  // At addresses that nobody but the operator names.
  const inward = createOutbound({ ...calls, allowPrivateAddresses: true, allowHttp: true });
  const introspectionSecret = deriveSecret(secrets, 'introspection');
  const introspect: Introspect = serves('auth')
    ? (token) => findCaller(db.query, ase, token, clock.businessNow())
    : createIntrospectionClient({ endpoint: urls.introspection, secret: introspectionSecret, outbound: inward });
  const backChannelSecret = deriveSecret(secrets, 'identity provider');
  const interactions: Interactions = serves('auth')
    ? createInteractions({ ase, db, clock })
    : createBackChannelClient({ endpoint: urls.backChannel, secret: backChannelSecret, outbound: inward });

  // ── Money ──
  const events = createEvents({
    ase,
    db,
    clock,
    outbound,
    webhook: () => settings.current().webhook,
    openCarrier: options.openCarrier,
    log,
  });
  const { announce } = events;
  const wakeEvents = () => {
    if (serves('resource')) events.wake();
  };
  const askForRate = createRateService({ clock, outbound });
  const rate = async (from: Asset, to: Asset) => {
    const { rateSource, prices } = settings.current();
    return rateSource === undefined ? rateBetween(prices, from, to) : askForRate(rateSource, from, to);
  };
  const peers = createPeers(() => settings.current().peers, options.openLink);
  const connector = createConnector({
    ase,
    db,
    clock,
    prefix,
    secrets: () => settings.current().secrets,
    reloadSecrets: async () => (await settings.refresh()).secrets,
    peers: peers.list,
    failpoint: options.failpoint,
    announce,
  });
  const readReceiver = createReceiverReader({
    ase,
    db,
    clock,
    outbound,
    resourceServer,
    instance: { walletAddress: walletAddressServer + instancePath, ...instance },
  });
  const settlement = createOutgoingPaymentWorker({
    ase,
    db,
    clock,
    connector,
    readReceiver,
    log,
    failpoint: options.failpoint,
    announce,
    leaseMs: options.leaseMs,
    pollMs: 0,
  });

  // ── Servers ──
  const auth = createAuthServer({
    ase,
    db,
    clock,
    ids,
    switches,
    authServer,
    clientKeys,
    outbound,
    isInterval,
    allowHttp: local,
    grants: options.grants,
  });
  const interaction = createInteractionServer({
    ase,
    db,
    clock,
    ids,
    switches,
    authServer,
    promptConsent: createConsentPrompt({ policy: options.consent, page: `${identityProvider}/consent` }),
    closingWords: options.pages,
    interactionSeconds: options.grants?.interactionSeconds,
  });
  const credentialsFor = (id: string) => createCredentials(settings.current().secrets, prefix, id);
  const resource = createResourceServer({
    ase,
    db,
    clock,
    ids,
    switches,
    authServer,
    resourceServer,
    introspect,
    clientKey,
    credentialsFor,
    canReach: (ilpAddress) => connector.peerFor(ilpAddress) !== undefined,
    readReceiver,
    rate,
    fee: (asset) => settings.current().fee(asset),
    wakePayments() {
      options.failpoint?.('payment-stored');
      settlement.wake();
    },
    announce,
  });
  const instanceKey = exportPublicJwk(instance.privateKey, instance.keyid);
  const walletAddress = createWalletAddressServer(
    {
      ...{ ase, db, log, origin: walletAddressServer, authServer, resourceServer, instanceKey },
      extensions: options.extensions ?? {},
      openPayment: createPaymentOpener({ ase, db, clock, ids, credentialsFor, announce }),
      outbound: inward,
    },
    environment,
  );
  const consent = createIdentityProviderServer({
    ids,
    clock,
    interactions,
    authServer,
    provider: name,
    labels: options.pages,
    signIn: options.signIn ? createSignIn({ ase, db, clock, secret: deriveSecret(secrets, 'sign-in') }) : undefined,
  });

  // ── At the listeners ──
  const privateSecrets = serves('auth')
    ? { introspection: introspectionSecret, backChannel: backChannelSecret }
    : undefined;
  const { createApp, privateApp } = createAseApps(
    {
      ...{ auth, interaction, identityProvider: consent, resource, walletAddress },
      ...(privateSecrets && {
        introspection: createIntrospectionServer({ ase, db, clock, secret: privateSecrets.introspection }),
        backChannel: createBackChannelServer({ interactions, secret: privateSecrets.backChannel }),
      }),
    },
    {
      urls,
      aliasesOf: options.aliasesOf,
      environment,
      isReady: async () => {
        const founded = db.query.selectFrom('ase').select('ase').where('ase', '=', ase).executeTakeFirst();
        return founded.then(Boolean, () => false);
      },
      answerPacket: createIlpOverHttpHandler({
        identify: peers.identify,
        receive: connector.receive,
        onError: (error) => log.error({ err: error }, 'a packet was not answered'),
      }),
    },
  );

  return {
    key: ase,
    createApp,
    privateApp,
    privateSecrets,
    async receivePacket(token, asset, prepare) {
      const peer = peers.identify(token);
      if (peer === undefined) throw new Error('a packet of nobody known');
      return connector.receive(peer, asset, prepare);
    },
    administration: {
      key: ase,
      origin: walletAddressServer,
      prefix,
      local,
      ids,
      settings,
      forgetKeys: clientKeys.forget,
      wakeEvents,
      wakePayments: () => serves('resource') && settlement.wake(),
    },
    describe: async () => ({
      name,
      origin: walletAddressServer,
      authServer,
      resourceServer,
      walletAddresses: await listWalletAddressStates(db.query, ase),
    }),
    start: () => serves('resource') && settlement.start(),
    wake: () => serves('resource') && settlement.wake(),
    wakeEvents,
    async stop() {
      await settlement.stop();
      await events.stop();
      peers.close();
      outbound.close();
      inward.close();
    },
    async settled() {
      await settlement.idle();
      if (serves('resource')) await events.idle();
    },
  };
}
