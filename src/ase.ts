/**
 * One account servicing entity: its wallet address, authorization and resource servers, its identity provider, its
 * connector and settlement, on one origin. The slices do not know each other; here each is handed what it needs of the
 * others, at the protocol's own seams.
 */
import type { SecureContext } from 'node:tls';
import express, { type Express } from 'express';
import type { Logger } from 'pino';
import { findCaller } from './auth/caller.ts';
import { createInteractions } from './auth/interaction.ts';
import { createIntrospectionServer } from './auth/introspection.ts';
import { createAuthServer, createInteractionServer, interactionHeaders } from './auth/server.ts';
import type { Clock } from './clock.ts';
import type { AdministeredAse } from './control/administration.ts';
import type { AseState } from './control/server.ts';
import type { Database } from './database/database.ts';
import { createNonceMemory } from './database/signature-nonces.ts';
import { deriveKey, deriveSecret, exportPublicJwk } from './derived-keys.ts';
import { type BindOptions, bind, keepRawTarget, refuseUnknown } from './http/bind.ts';
import { type ClientKey, createClientKeys, importClientJwk } from './http/client-keys.ts';
import { createOutbound } from './http/outbound.ts';
import type { Environment, Reply, Server } from './http/pipeline.ts';
import { Problem } from './http/problem.ts';
import type { Switches } from './http/profile.ts';
import { type ConsentPolicy, createConsentPrompt } from './identity-provider/consent.ts';
import { createBackChannelServer, createIdentityProviderServer } from './identity-provider/server.ts';
import type { Ids } from './ids.ts';
import type { Asset } from './payments/amount.ts';
import type { Failpoint } from './payments/failpoint.ts';
import { createConnector } from './payments/ilp/connector.ts';
import { createCredentials } from './payments/ilp/credentials.ts';
import { createIlpOverHttpHandler } from './payments/ilp/ilp-over-http.ts';
import { type ClosableLink, createPeers, type PeerTerms } from './payments/ilp/peers.ts';
import { isInterval } from './payments/interval.ts';
import { createSettlement } from './payments/settlement.ts';
import { createReceiverReader } from './resource/receiver.ts';
import { createResourceServer } from './resource/server.ts';
import type { SettingsMemory } from './settings.ts';
import { instancePath } from './wallet-address/path.ts';
import { createWalletAddressServer } from './wallet-address/server.ts';

export interface AseOptions {
  /** Of all its rows in the database. */
  readonly key: string;
  /** Among the ASEs of its world. */
  readonly name: string;
  /** Its ILP address. */
  readonly prefix: string;
  readonly origin: string;
  readonly settings: SettingsMemory;
  readonly openLink: (peer: PeerTerms) => ClosableLink;
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
  readonly tamper?: (operationId: string, reply: Reply) => Reply;
}

export interface Ase {
  readonly key: string;
  /** Everything on the public origin. */
  readonly app: Express;
  /** Back channel of the identity provider and token introspection, for a port of their own (CT-08). */
  readonly privateApp: Express;
  /** Answers a packet of the peer that bears the token; throws if none does. */
  readonly receivePacket: (token: string, asset: Asset, prepare: Buffer) => Promise<Buffer>;
  readonly administered: AdministeredAse;
  describe(): Promise<AseState>;
  start(): void;
  /** Looks for due payments. */
  wake(): void;
  stop(): Promise<void>;
  /** Resolves when no payment is under way here. */
  settled(): Promise<void>;
}

/** Keys are fetched anew after this; a key removed from a set is refused at the latest then (AS-N09). */
const KEY_TTL_MS = 10_000;

export function createAse(options: AseOptions): Ase {
  const { key: ase, name, prefix, origin, settings, db, clock, ids, log, switches, local } = options;
  // What derives from a secret, credentials of payments apart, derives from the first.
  const { secrets } = settings.current();
  const authServer = `${origin}/auth/`;
  const resourceServer = origin;
  const environment: Environment = {
    db,
    clock,
    switches,
    log,
    rememberNonce: createNonceMemory(db, ase, clock, switches.signatureMaxAgeMs + switches.signatureSkewMs),
    tamper: options.tamper,
  };
  const outbound = createOutbound({
    allowPrivateAddresses: local,
    allowHttp: local,
    timeoutMs: 5000,
    maxBytes: 256 * 1024,
    userAgent: 'touchstone',
    trust: options.trust,
  });
  const clientKeys = createClientKeys({ outbound, wallNow: clock.wallNow, ttlMs: KEY_TTL_MS });
  const clientKey = (client: { walletAddress: string } | { jwk: unknown }, keyid: string): Promise<ClientKey> =>
    'jwk' in client ? expectKey(client.jwk, keyid) : clientKeys.keyFor(client.walletAddress, keyid);
  const instance = { keyid: 'instance', privateKey: deriveKey(secrets, 'instance') };

  // ── Money ──
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
  });
  const readReceiver = createReceiverReader({
    ase,
    db,
    clock,
    outbound,
    resourceServer,
    instance: { walletAddress: origin + instancePath, ...instance },
  });
  const settlement = createSettlement({
    ase,
    db,
    clock,
    connector,
    readReceiver,
    log,
    failpoint: options.failpoint,
    pollMs: 0,
  });

  // ── Servers ──
  const interactions = createInteractions({ ase, db, clock });
  const auth = createAuthServer({
    ase,
    db,
    clock,
    ids,
    switches,
    log,
    authServer,
    clientKeys,
    outbound,
    isInterval,
    allowHttp: local,
  });
  const interaction = createInteractionServer({
    ase,
    db,
    clock,
    ids,
    switches,
    log,
    authServer,
    promptConsent: createConsentPrompt({ policy: options.consent, page: `${origin}/idp/consent` }),
  });
  const resource = createResourceServer({
    ase,
    db,
    clock,
    ids,
    switches,
    log,
    authServer,
    resourceServer,
    introspect: (token) => findCaller(db.query, ase, token, clock.businessNow()),
    clientKey,
    credentialsFor: (incomingPaymentId) => createCredentials(settings.current().secrets, prefix, incomingPaymentId),
    canReach: (ilpAddress) => connector.peerFor(ilpAddress) !== undefined,
    readReceiver,
    rates: () => settings.current().prices,
    fee: (asset) => settings.current().fee(asset),
    wakeSettlement: () => settlement.wake(),
  });
  const walletAddress = createWalletAddressServer(
    { ase, db, origin, authServer, resourceServer, instanceKey: exportPublicJwk(instance.privateKey, instance.keyid) },
    environment,
  );
  const consent = createIdentityProviderServer({ ids, interactions, authServer, log });

  // ── Public origin ──
  /** A server with what it answers to anything else below its base. */
  const mount = <Caller>(server: Server<Caller>, given: Partial<BindOptions> = {}) => {
    const bound = { origin, cors: false, ...given };
    return [bind(server, environment, bound), ...refuseUnknown(server, environment, bound)];
  };
  const app = express().disable('x-powered-by').disable('etag');
  app.use(keepRawTarget);
  app.get('/livez', (_req, res) => void res.end());
  app.get('/readyz', async (_req, res) => {
    const ready = await db.query
      .selectFrom('ase')
      .select('ase')
      .where('ase', '=', ase)
      .executeTakeFirst()
      .catch(() => undefined);
    res.status(ready ? 200 : 503).end();
  });
  const answerPacket = createIlpOverHttpHandler({
    identify: peers.identify,
    receive: connector.receive,
    onError: (error) => log.error({ err: error }, 'a packet was not answered'),
  });
  app.use('/ilp', (req, res) => {
    req.url = req.originalUrl;
    return answerPacket(req, res);
  });
  const noStore = { 'Cache-Control': 'no-store' };
  app.use('/auth', bind(interaction, environment, { origin, cors: false, headers: interactionHeaders }));
  app.use('/auth', mount(auth, { headers: noStore, cors: true }));
  app.use('/idp', mount(consent, { headers: interactionHeaders }));
  app.use(bind(resource, environment, { origin, cors: true, headers: noStore }));
  app.use(walletAddress);

  // ── Private port ──
  const privateApp = express().disable('x-powered-by').disable('etag');
  privateApp.use(
    '/introspect',
    mount(createIntrospectionServer({ ase, db, clock, log, secret: deriveSecret(secrets, 'introspection') })),
  );
  privateApp.use(
    '/idp',
    mount(createBackChannelServer({ interactions, log, secret: deriveSecret(secrets, 'identity provider') })),
  );

  return {
    key: ase,
    app,
    privateApp,
    async receivePacket(token, asset, prepare) {
      const peer = peers.identify(token);
      if (peer === undefined) throw new Error('a packet of nobody known');
      return connector.receive(peer, asset, prepare);
    },
    administered: { key: ase, origin, prefix, local, ids, settings, forgetKeys: clientKeys.forget },
    describe: async () => ({
      name,
      origin,
      authServer,
      resourceServer,
      walletAddresses: await listWalletAddresses(db, ase),
    }),
    start: () => settlement.start(),
    wake: () => settlement.wake(),
    async stop() {
      await settlement.stop();
      peers.close();
      outbound.close();
    },
    settled: () => settlement.idle(),
  };
}

/** The key of a `{jwk}` client; its kid must be the signature's keyid (AMB-17). */
async function expectKey(jwk: unknown, keyid: string): Promise<ClientKey> {
  const key = await importClientJwk(jwk);
  if (key.keyid !== keyid)
    throw new Problem('invalid_signature', { description: 'keyid is not the kid of the client’s key' });
  return key;
}

async function listWalletAddresses({ query }: Database, ase: string): Promise<AseState['walletAddresses']> {
  const rows = await query
    .selectFrom('wallet_address as w')
    .innerJoin('account as a', (join) => join.onRef('a.ase', '=', 'w.ase').onRef('a.id', '=', 'w.account_id'))
    .select(['w.url', 'a.asset_code', 'a.asset_scale', 'a.balance'])
    .where('w.ase', '=', ase)
    .where('w.active', '=', true)
    .orderBy('w.path', (order) => order.desc())
    .execute();
  return rows.map((row) => ({
    url: row.url,
    assetCode: row.asset_code,
    assetScale: row.asset_scale,
    balance: row.balance ?? '0',
  }));
}
