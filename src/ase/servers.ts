/**
 * The HTTP servers of an ASE. They do not know each other: each is given what it needs of the others at the protocol's
 * seams, which are function calls within this process and HTTP requests between processes.
 */
import { findCaller } from '../auth/caller.ts';
import { createGrantStore, type GrantStore } from '../auth/grant-store.ts';
import { createInteractions } from '../auth/interaction.ts';
import { createIntrospectionServer } from '../auth/introspection.ts';
import { createAuthServer, createInteractionServer } from '../auth/server.ts';
import { deriveSecret } from '../crypto/derived-keys.ts';
import { createNonceMemory } from '../database/signature-nonces.ts';
import { createLoadShedder, probeDatabase } from '../http/load-shedding.ts';
import type { RateLimiter } from '../http/rate-limits.ts';
import type { ServerRouter } from '../http/router.ts';
import type { Server, ServerContext } from '../http/server.ts';
import { createBackChannelClient } from '../identity-provider/back-channel-client.ts';
import { createConsentPrompt } from '../identity-provider/consent.ts';
import { createBackChannelServer, createIdentityProviderServer } from '../identity-provider/server.ts';
import { createSignIn } from '../identity-provider/sign-in.ts';
import type { Interactions } from '../open-payments/interaction.ts';
import { isInterval } from '../open-payments/interval.ts';
import { createIntrospectionClient, type Introspect } from '../resource/introspection-client.ts';
import { createPaymentOpener } from '../resource/open-incoming-payment.ts';
import { createResourceServer } from '../resource/server.ts';
import { createWalletAddressServer } from '../wallet-address/server.ts';
import type { Network } from './network.ts';
import type { AseOptions } from './options.ts';
import type { Payments } from './payments.ts';

export type ServersOptions = Pick<
  AseOptions,
  | 'key'
  | 'name'
  | 'urls'
  | 'serves'
  | 'pages'
  | 'signIn'
  | 'grants'
  | 'settings'
  | 'extensions'
  | 'consent'
  | 'allowHttp'
> &
  Pick<
    AseOptions,
    | 'db'
    | 'clock'
    | 'ids'
    | 'log'
    | 'switches'
    | 'failpoint'
    | 'tamper'
    | 'selectFault'
    | 'intercept'
    | 'serverMark'
    | 'trace'
  >;

export interface AseServers {
  // biome-ignore lint/suspicious/noExplicitAny: each server knows its own callers
  readonly auth: Server<any>;
  readonly interaction: Server<undefined>;
  readonly identityProvider: Server<undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: each server knows its own callers
  readonly resource: Server<any>;
  readonly walletAddress: ServerRouter;
  /** Undefined where the authorization server runs in another process. */
  readonly privateServers: PrivateServers | undefined;
  /** Shared by the endpoints of all servers. */
  readonly context: ServerContext;
}

/** Servers for a port that clients cannot reach (CT-08), and the secrets that authenticate their callers. */
export interface PrivateServers {
  readonly introspection: Server<undefined>;
  readonly backChannel: Server<undefined>;
  readonly secrets: Readonly<Record<'introspection' | 'backChannel', string>>;
}

export function createServers(
  options: ServersOptions,
  network: Network,
  payments: Payments,
  limits?: RateLimiter,
): AseServers {
  const { key: ase, db, clock, ids, name, urls } = options;
  const context = { ...createServerContext(options), limits };
  const grantStore = createGrantStore({ db, ase });
  const { introspect, interactions, privateServers } = connectServers(options, network, grantStore);
  const identityProvider = createIdentityProviderServer({
    ids,
    clock,
    interactions,
    authServer: urls.authServer,
    provider: name,
    secret: secretFor(options, 'consent form'),
    labels: options.pages,
    signIn: options.signIn ? createSignIn({ ase, db, clock, ids }) : undefined,
  });
  return {
    ...createGrantServers(options, network, grantStore),
    identityProvider,
    resource: createResource(options, network, payments, introspect),
    walletAddress: createWalletAddresses(options, network, payments, context),
    privateServers,
    context,
  };
}

function createServerContext(options: ServersOptions): ServerContext {
  const { key, db, clock, switches, log, tamper, selectFault, intercept, serverMark, trace } = options;
  const nonceLifetimeMs = switches.signatureMaxAgeMs + switches.signatureSkewMs;
  const rememberNonce = createNonceMemory(db, key, clock, nonceLifetimeMs);
  const load = createLoadShedder({ probe: () => probeDatabase(db.query, key) });
  return { db, clock, switches, log, rememberNonce, load, tamper, selectFault, intercept, serverMark, trace };
}

/** Derived from the first secret: unlike payment credentials, it stays the same when a newer secret is added. */
const secretFor = ({ settings }: ServersOptions, purpose: string): string =>
  deriveSecret(settings.current().secrets, purpose);

/** Introspection and back channel: function calls beside the authorization server, HTTP from any other process. */
function connectServers(options: ServersOptions, { operatorOutbound: outbound }: Network, grantStore: GrantStore) {
  const { key: ase, db, clock, urls } = options;
  const secrets = {
    introspection: secretFor(options, 'introspection'),
    backChannel: secretFor(options, 'identity provider'),
  };
  if (!options.serves.includes('auth')) {
    return {
      introspect: createIntrospectionClient({ endpoint: urls.introspection, secret: secrets.introspection, outbound }),
      interactions: createBackChannelClient({ endpoint: urls.backChannel, secret: secrets.backChannel, outbound }),
      privateServers: undefined,
    };
  }
  const introspect: Introspect = (token) => findCaller(db.query, ase, token, clock.businessNow());
  const interactions: Interactions = createInteractions({ ase, db, clock, grantStore });
  const privateServers: PrivateServers = {
    introspection: createIntrospectionServer({ ase, db, clock, secret: secrets.introspection }),
    backChannel: createBackChannelServer({ interactions, secret: secrets.backChannel }),
    secrets,
  };
  return { introspect, interactions, privateServers };
}

/** The authorization server, and the interaction endpoint that browsers use. */
function createGrantServers(options: ServersOptions, { clientKeys, outbound }: Network, grantStore: GrantStore) {
  const { key: ase, db, clock, ids, switches, urls, grants } = options;
  const { authServer, identityProvider } = urls;
  const deps = { ase, db, clock, ids, switches, authServer, grantStore };
  return {
    auth: createAuthServer({ ...deps, clientKeys, outbound, isInterval, allowHttp: options.allowHttp, grants }),
    interaction: createInteractionServer({
      ...deps,
      sessionSecret: secretFor(options, 'interaction session'),
      promptConsent: createConsentPrompt({ policy: options.consent, page: `${identityProvider}/consent` }),
      closingWords: options.pages,
      interactionSeconds: grants?.interactionSeconds,
    }),
  };
}

function createResource(options: ServersOptions, network: Network, payments: Payments, introspect: Introspect) {
  const { key: ase, db, clock, ids, switches, settings, failpoint } = options;
  const { authServer, resourceServer } = options.urls;
  return createResourceServer({
    ase,
    db,
    clock,
    ids,
    switches,
    authServer,
    resourceServer,
    introspect,
    clientKey: network.findClientKey,
    credentialsFor: payments.credentialsFor,
    nextHop: payments.connector.peerFor,
    readReceiver: payments.readReceiver,
    rate: payments.rate,
    fee: (asset) => settings.current().fee(asset),
    wakePayments(destination) {
      failpoint?.('payment-stored');
      payments.worker.wake(destination);
    },
    announce: payments.events.announce,
    hasWebhook: payments.events.hasWebhook,
  });
}

function createWalletAddresses(options: ServersOptions, network: Network, payments: Payments, context: ServerContext) {
  const { key: ase, db, clock, ids, log, urls, extensions = {} } = options;
  const { authServer, resourceServer, walletAddressServer: origin } = urls;
  const { credentialsFor } = payments;
  const { announce } = payments.events;
  return createWalletAddressServer(
    {
      ase,
      db,
      log,
      origin,
      authServer,
      resourceServer,
      instanceKeyAt: network.instanceKeyAt,
      extensions,
      openPayment: createPaymentOpener({ ase, db, clock, ids, credentialsFor, announce }),
      outbound: network.operatorOutbound,
    },
    context,
  );
}
