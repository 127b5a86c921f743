/**
 * A world: ASEs, one clock, one source of ids, and the links between the connectors. What crosses from one ASE to
 * another is Open Payments over HTTP and serialised ILP packets, nothing else. Any number of worlds share a deployment
 * and do not see each other: their ASEs have keys of their own in the database, and ports of their own.
 */
import { randomBytes } from 'node:crypto';
import type { Express } from 'express';
import specification from '../../generated/resource-server/document.json' with { type: 'json' };
import packageJson from '../../package.json' with { type: 'json' };
import type { AseState } from '../administration/ase-state.ts';
import { openSettings } from '../administration/settings.ts';
import { type Ase, createAse } from '../ase/ase.ts';
import { publicHosts, type ServerName, type ServerUrls, serverNames } from '../ase/server-urls.ts';
import { WorldClock } from '../clock.ts';
import { createControlApp } from '../control/app.ts';
import type { ConsentMode, Controls } from '../control/controls.ts';
import { deriveKey } from '../crypto/derived-keys.ts';
import { createFaults } from '../faults.ts';
import { isPublicOperation } from '../http/policy.ts';
import type { Reply } from '../http/reply.ts';
import { createRequestTrace } from '../http/request-trace.ts';
import { createIds } from '../ids.ts';
import type { Link } from '../payments/ilp/link.ts';
import { readTrialBalance } from '../payments/ledger.ts';
import type { Failpoint } from '../payments/outgoing/failpoint.ts';
import { type ProfileName, selectProfile } from '../profile.ts';
import { describeClientEnvironment } from './client-env.ts';
import {
  type AseDefinition,
  defaultWorld,
  extensionsOf,
  findClientKey,
  hostsOf,
  unsafeFeatures,
  type WorldDefinition,
} from './definition/definition.ts';
import type { DueWork } from './due-work.ts';
import { checkExposure } from './exposure.ts';
import { type AseListeners, listenForAses } from './listeners.ts';
import { ilpAddressOf, keyOf } from './naming.ts';
import { createPeerLinks } from './peer-links.ts';
import { type Passphrase, passphrasesOf, provisionAse } from './provision.ts';
import { createSharedState } from './shared-state.ts';
import type { WorldHost } from './world-host.ts';

export interface WorldOptions {
  readonly definition?: WorldDefinition;
  /** Of the first ASE; 0, the default, takes any free ports. */
  readonly port?: number;
  readonly publicUrl?: string;
  readonly controlToken?: string;
  /** Host only this ASE; the others run elsewhere, at the ports that follow from `port`. */
  readonly only?: string;
  /** Run only these of its servers; the others run elsewhere, at the URLs given for them. */
  readonly serves?: readonly ServerName[];
  readonly servers?: Partial<ServerUrls>;
  readonly peerSecret?: string;
  readonly seed?: string;
  readonly consent?: ConsentMode;
  /** Whoever consents on the page signs in before. Default: as the definition says. */
  readonly signIn?: boolean;
  readonly profile?: ProfileName;
  readonly failpoint?: Failpoint;
  /** How long a packet waits for the peer's answer. Default: 10 s. */
  readonly linkTimeoutMs?: number;
  /** How long a payment waits for another worker when it loses its own. Default: 10 s. */
  readonly leaseMs?: number;
  /** For tests: what a link does to packets, and a change to a handler's reply before it is validated. */
  readonly wrapLink?: (from: string, to: string, link: Link) => Link;
  readonly tamper?: (operationId: string, reply: Reply) => Reply;
}

export interface World {
  readonly id: string;
  readonly definition: WorldDefinition;
  /** As at the start. */
  readonly ases: readonly AseState[];
  readonly controls: Controls;
  readonly controlUrl: string;
  readonly controlToken: string;
  readonly controlApp: Express;
  /** The client's private key (PKCS#8 PEM), where its ASE is hosted here. */
  readonly clientKey: string | undefined;
  /** What holders sign in with; none where nobody has to. */
  readonly passphrases: readonly (Passphrase & { readonly ase: string })[];
  /** URL of a wallet address of the definition, hosted here or not. */
  walletUrl(at: { readonly ase: string; readonly path: string }): string;
  /** What a client needs, under the names that `--json` hands out; without the key's file. */
  describeEnvironment(): Record<string, string>;
  /** Resolves when no payment is under way. */
  settled(): Promise<void>;
  /** Has the ASE process work that is due by the clock of this world; false if the ASE belongs to another world. */
  wake(work: DueWork): boolean;
  /** Takes up what another process changed. */
  refresh(): Promise<void>;
  /** Stops; what it stored stays. */
  close(): Promise<void>;
}

export async function createWorld(site: WorldHost, options: WorldOptions): Promise<World> {
  const { definition = defaultWorld, consent = 'manual', port = 0 } = options;
  const hosted = definition.ases.filter(({ name }) => options.only === undefined || name === options.only);
  if (hosted.length === 0) throw new Error(`there is no ASE named ${options.only}`);
  const { serves = serverNames, servers = {} } = options;
  const isWhole = serverNames.every((name) => serves.includes(name)) && Object.values(servers).every((url) => !url);
  if (!isWhole && hosted.length > 1) throw new Error('the servers of one ASE only can be told apart');
  const publicUrl = options.publicUrl ? new URL(options.publicUrl) : undefined;
  const { local } = checkExposure({
    hosts: [site.host, ...(publicUrl ? [publicUrl.hostname] : []), ...publicHosts(servers), ...hostsOf(hosted)],
    insecure: site.insecure,
    testing: {
      '--seed': options.seed !== undefined,
      [`--consent ${consent}`]: consent !== 'manual',
      '--failpoint': options.failpoint !== undefined,
      ...unsafeFeatures(hosted),
    },
  });

  // Addresses first: the listeners' ports are part of every identifier.
  const locations = await listenForAses(definition, hosted, {
    host: site.host,
    port,
    publicUrl,
    servers,
    serves,
    controlUrl: site.controlUrl,
    credentialsFor: site.tls?.credentialsFor,
  });
  try {
    const world = await assemble(site, { ...options, consent }, definition, hosted, locations, local);
    return {
      ...world,
      async close() {
        await world.stop();
        await locations.close();
      },
    };
  } catch (error) {
    await locations.close(0);
    throw error;
  }
}

async function assemble(
  { worldId, host, log, controlUrl, ...site }: WorldHost,
  options: WorldOptions & { readonly consent: ConsentMode },
  definition: WorldDefinition,
  hosted: readonly AseDefinition[],
  { urlsOf, endpointOf, ...locations }: AseListeners,
  local: boolean,
) {
  const { seed, client, serves } = { serves: serverNames, ...options, client: definition.client };
  const db = await site.db;
  const { profile = 'compat' } = options;
  const switches = selectProfile(profile, definition.switches);
  const clock = new WorldClock();
  const setting = createSharedState(db, worldId, clock);
  const givenPeerSecret = options.peerSecret ?? seed;
  const peerSecret = givenPeerSecret ?? randomBytes(32).toString('base64');
  /** Whether its ASEs are each other's peers: not one that is alone, nor where another process does the settling. */
  const isLinked = serves.includes('resource') && (options.only === undefined || givenPeerSecret !== undefined);
  const ases = new Map<string, Ase>();
  // Only where nobody else can reach the world.
  const faults = local ? createFaults(isPublicOperation) : undefined;
  const trace = createRequestTrace(clock.wallNow);
  const signIn = options.signIn || definition.signIn || false;
  const passphrases = new Map<string, readonly Passphrase[]>();
  let clientKey: string | undefined;

  const { openLink, peersOf } = createPeerLinks({
    definition,
    hosted,
    isLinked,
    addressOf: (name) => ilpAddressOf(keyOf(worldId, name)),
    endpointOf,
    peerSecret,
    trust: site.tls?.trust,
    timeoutMs: options.linkTimeoutMs,
    faults,
    wrapLink: options.wrapLink,
    receive: (name, token, asset, prepare) => ases.get(name)!.receivePacket(token, asset, prepare),
  });

  async function found(ase: AseDefinition): Promise<void> {
    const { name } = ase;
    const key = keyOf(worldId, name);
    const ids = createIds(seed, name);
    const ownClient = client.ase === name ? client : undefined;
    const givenKey = ownClient && findClientKey(ase, ownClient);
    await provisionAse(db, {
      key,
      prefix: ilpAddressOf(key),
      definition: ase,
      origin: urlsOf(ase).walletAddressServer,
      ids,
      now: clock.businessNow(),
      client: ownClient,
      signIn,
      prices: ase.prices ?? definition.prices,
      fee: definition.fee,
      peers: serves.includes('resource') ? peersOf(ase) : [],
      replacePeerTokens: givenPeerSecret !== undefined,
    });
    const settings = await openSettings(db.query, key);
    if (signIn) passphrases.set(name, passphrasesOf(ase, settings.current().secrets));
    if (ownClient) {
      const privateKey = givenKey ? givenKey.privateKey : deriveKey(settings.current().secrets, 'client');
      clientKey = privateKey?.export({ format: 'pem', type: 'pkcs8' }) as string | undefined;
    }
    const created = createAse({
      key,
      prefix: ilpAddressOf(key),
      name,
      urls: urlsOf(ase),
      serves,
      aliasesOf: (server) => locations.aliasesOf(ase, server),
      hosts: locations.hosts,
      pages: definition.pages,
      signIn,
      grants: ase.grants,
      settings,
      extensions: extensionsOf(ase),
      openLink: (peer) => openLink(name, peer),
      db,
      clock,
      ids,
      log: log.child({ ase: key }),
      switches,
      consent: setting.consent,
      local,
      trust: site.tls?.trust,
      failpoint: options.failpoint,
      worker: options.leaseMs === undefined ? undefined : { leaseMs: options.leaseMs },
      tamper: options.tamper,
      selectFault: faults?.faultsOf(name),
      trace: trace.recordAt(name),
    });
    ases.set(name, created);
    locations.serve(ase, created.createApp);
  }

  async function start(): Promise<void> {
    await setting.open(options.consent);
    for (const ase of hosted) await found(ase);
    for (const ase of ases.values()) ase.start();
  }

  async function refresh(): Promise<void> {
    await setting.refresh();
    await Promise.all([...ases.values()].map((ase) => ase.administration.settings.refresh()));
  }

  const wakeEvents = () => {
    for (const ase of ases.values()) ase.wakeEvents();
  };

  const stopAses = () => Promise.all([...ases.values()].map((ase) => ase.stop()));

  const controls: Controls = {
    version: packageJson.version,
    spec: specification.info.version,
    seed,
    profile,
    clock: () => ({ mode: clock.setting.mode, now: clock.businessNow() }),
    async changeClock(change) {
      await setting.changeClock(change);
      wakeEvents();
    },
    consent: setting.consent,
    setConsent: setting.setConsent,
    faults,
    listExchanges: trace.list,
    async reset() {
      faults?.clear();
      trace.clear();
      await stopAses();
      await db.clear(
        hosted.map(({ name }) => keyOf(worldId, name)),
        worldId,
      );
      await start();
    },
    describeAses: () => Promise.all([...ases.values()].map((ase) => ase.describe())),
    worlds: site.worlds,
    ledgers: () =>
      Promise.all(
        hosted.map(async ({ name }) => ({ name, books: await readTrialBalance(db.query, keyOf(worldId, name)) })),
      ),
  };

  await start();
  // A restart takes up the clock where it was, but the policy it was started with.
  if (options.consent !== setting.consent()) await setting.setConsent(options.consent);

  const controlToken = options.controlToken ?? createIds(seed, 'control').token();
  const walletUrl = ({ ase, path }: { ase: string; path: string }): string =>
    urlsOf(definition.ases.find(({ name }) => name === ase)!).walletAddressServer + path;

  const { businessNow, wallNow } = clock;
  const administration = { db, businessNow, wallNow, findAse: (name: string) => ases.get(name)?.administration };

  function describePrivateEndpoints() {
    const { ase } = definition.sender;
    const secrets = ases.get(ase)?.privateSecrets;
    return (
      secrets && { privateEndpoints: { urls: urlsOf(definition.ases.find(({ name }) => name === ase)!), secrets } }
    );
  }

  return {
    id: worldId,
    definition,
    ases: await controls.describeAses(),
    controls,
    controlUrl,
    controlToken,
    controlApp: createControlApp({
      controls,
      administration,
      token: controlToken,
      url: controlUrl,
      host,
      environment: { db, clock, switches, log: log.child({ ase: 'control' }), rememberNonce: async () => false },
      // Looked up anew for each request: a reset makes new ASEs.
      privateAppOf: (name) => ases.get(name)?.privateApp,
    }),
    clientKey,
    passphrases: [...passphrases].flatMap(([ase, own]) => own.map((passphrase) => ({ ase, ...passphrase }))),
    walletUrl,
    describeEnvironment: () =>
      describeClientEnvironment({
        definition,
        walletUrl,
        clientKey,
        controlUrl,
        controlToken,
        ...describePrivateEndpoints(),
      }),
    settled: async () => void (await Promise.all([...ases.values()].map((ase) => ase.settled()))),
    wake({ ase: key, kind, dueAt }: DueWork) {
      const ase = [...ases.values()].find((candidate) => candidate.key === key);
      if (kind === 'payments') ase?.wake();
      else if (dueAt <= clock.businessNow()) ase?.wakeEvents();
      return ase !== undefined;
    },
    refresh,
    stop: stopAses,
  };
}
