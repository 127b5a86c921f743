/** The running parts of a world: what its ASEs share, and how each of them starts. */
import { randomBytes } from 'node:crypto';
import { openSettings } from '../administration/settings.ts';
import { type Ase, createAse } from '../ase/ase.ts';
import { type ServerName, serverNames } from '../ase/server-urls.ts';
import { WorldClock } from '../clock.ts';
import type { ConsentMode } from '../control/controls.ts';
import { deriveKey } from '../crypto/derived-keys.ts';
import type { Database } from '../database/database.ts';
import { createFaults, type Faults } from '../faults.ts';
import { createGrading, type Grading } from '../grade/grading.ts';
import type { TrapWorld } from '../grade/traps/trap.ts';
import { createInterceptors, type Interceptors } from '../http/interceptor.ts';
import { withPreferredReplies } from '../http/negative-replies.ts';
import { isClientOperation } from '../http/policy.ts';
import type { RecordLimits } from '../http/recorded-exchange.ts';
import { createRequestTrace, type RequestTrace } from '../http/request-trace.ts';
import { createServerMark, type ServerMark } from '../http/server-mark.ts';
import { createIds } from '../ids.ts';
import { loopbackRanges } from '../net/addresses.ts';
import { type ProfileName, type Switches, selectProfile } from '../profile.ts';
import { type AseDefinition, extensionsOf, findClientKey, type WorldDefinition } from './definition/definition.ts';
import type { Exposure } from './exposure.ts';
import type { AseListeners } from './listeners.ts';
import { ilpAddressOf, keyOf } from './naming.ts';
import type { WorldHost, WorldOptions } from './options.ts';
import { createPeerLinks, type PeerLinks } from './peer-links.ts';
import { type Passphrase, passphrasesOf, provisionAse } from './provision.ts';
import { createSharedState, type SharedState } from './shared-state.ts';
import { addMagicAddresses, createTrapArming, describeTrapWorld } from './traps.ts';

const DEFAULT_RECORDS = 200;
const MAX_RECORDED_BYTES = 8 * 1024 * 1024;
/** For worlds that run only to be graded. */
const gradedRecords = { maxExchanges: 10_000, maxBytes: 64 * 1024 * 1024 };

export interface RuntimeOptions {
  readonly host: WorldHost;
  readonly options: WorldOptions & { readonly consent: ConsentMode };
  readonly definition: WorldDefinition;
  /** The ASEs that run in this process. */
  readonly hosted: readonly AseDefinition[];
  readonly listeners: AseListeners;
  readonly exposure: Exposure;
}

export interface WorldRuntime extends RuntimeOptions {
  readonly db: Database;
  readonly serves: readonly ServerName[];
  readonly profile: ProfileName;
  readonly switches: Switches;
  readonly clock: WorldClock;
  readonly state: SharedState;
  /** Undefined where the exposure of the world does not allow them. */
  readonly faults: Faults | undefined;
  /** Undefined like `faults`. */
  readonly interceptors: Interceptors | undefined;
  readonly trapWorld: TrapWorld;
  readonly trace: RequestTrace;
  /** Undefined where no exchanges are recorded. */
  readonly grading: Grading | undefined;
  readonly signIn: boolean;
  readonly peerLinks: PeerLinks;
  readonly serverMark: ServerMark;
  /** Keyed by name. A reset replaces them. */
  readonly ases: Map<string, StartedAse>;
  /** The oldest secret of each ASE, which a reset keeps: what the program has told clients stays right. */
  readonly firstSecrets: Map<string, string>;
  /** True once the world has been closed, so that a failed reset does not start it again. */
  isClosed: boolean;
}

export interface StartedAse {
  readonly ase: Ase;
  /** Passphrases of its account holders; empty where they need not sign in. */
  readonly passphrases: readonly Passphrase[];
  /** The client's private key (PKCS#8 PEM), if this ASE hosts the client and knows the key. */
  readonly clientKey: string | undefined;
}

export async function createRuntime(parts: RuntimeOptions): Promise<WorldRuntime> {
  const { host, options, definition, hosted, listeners, exposure } = parts;
  const db = await host.db;
  const { profile = 'compat', serves = serverNames } = options;
  const switches = selectProfile(profile, definition.switches);
  const clock = new WorldClock();
  const sharedSecret = sharedPeerSecret(options);
  const ownSecret = randomBytes(32).toString('base64');
  const interceptors = exposure.allows('faults') ? createInterceptors() : undefined;
  const trapWorld = describeTrapWorld(definition, listeners, switches);
  const arm = interceptors && createTrapArming(interceptors, trapWorld, clock);
  const faults = arm && createFaults(isClientOperation, arm);
  if (faults) addMagicAddresses(interceptors!, trapWorld, faults);
  const ases = new Map<string, StartedAse>();
  const peerLinks = createPeerLinks({
    definition,
    hosted,
    // An ASE that runs alone has peers only if the other processes know the same secret.
    isLinked: serves.includes('resource') && (options.only === undefined || sharedSecret !== undefined),
    addressOf: (name) => ilpAddressOf(keyOf(host.worldId, name)),
    endpointOf: listeners.endpointOf,
    peerSecret: sharedSecret ?? ownSecret,
    trust: host.tls?.trust,
    timeoutMs: options.linkTimeoutMs,
    faults,
    wrapLink: options.wrapLink,
    receive: (name, token, asset, prepare) => ases.get(name)!.ase.receivePacket(token, asset, prepare),
  });
  const limits = recordLimits(options, exposure);
  const trace = createRequestTrace(clock.wallNow, limits);
  const grading =
    limits &&
    createGrading({
      profile,
      switches,
      ases: hosted.map((ase) => ({ name: ase.name, ...listeners.urlsOf(ase) })),
      origins: originsOf(hosted, listeners),
      secrets: () => [...ases.values()].flatMap(({ clientKey }) => clientKey ?? []),
      wallNow: clock.wallNow,
      trace,
      isComplete: options.gradesAll ?? false,
    });
  if (grading) trace.subscribe(grading.observe);
  return {
    ...parts,
    db,
    serves,
    profile,
    switches,
    clock,
    state: createSharedState(db, host.worldId, clock, exposure.allows('automaticConsent')),
    faults,
    trace,
    grading,
    interceptors,
    trapWorld,
    signIn: options.signIn || definition.signIn || false,
    peerLinks,
    serverMark: createServerMark(listeners.origins, options.peerSecret ?? ownSecret),
    ases,
    firstSecrets: new Map(),
    isClosed: false,
  };
}

/** Origins of the servers of the ASEs. */
export function originsOf(hosted: readonly AseDefinition[], { urlsOf }: AseListeners): string[] {
  const urls = hosted.flatMap((definition) => Object.values(urlsOf(definition)));
  return [...new Set(urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).origin))];
}

/** Undefined for no records, which is the default where other machines can reach the world. */
function recordLimits({ recordExchanges, gradesAll }: WorldOptions, exposure: Exposure): RecordLimits | undefined {
  if (gradesAll) return gradedRecords;
  const maxExchanges = recordExchanges ?? (exposure.allows('records') ? DEFAULT_RECORDS : 0);
  return maxExchanges === 0 ? undefined : { maxExchanges, maxBytes: MAX_RECORDED_BYTES };
}

const sharedPeerSecret = ({ peerSecret, seed }: WorldOptions): string | undefined => peerSecret ?? seed;

export async function startAses(runtime: WorldRuntime): Promise<void> {
  const { state, options, hosted, ases } = runtime;
  await state.open(options.consent);
  for (const definition of hosted) ases.set(definition.name, await startAse(runtime, definition));
  for (const { ase } of ases.values()) ase.start();
}

export async function stopAses({ ases }: WorldRuntime, drained?: Promise<void>): Promise<void> {
  await Promise.all([...ases.values()].map(({ ase }) => ase.stop(drained)));
}

function limitsRates({ options: { rateLimits = 'auto' }, exposure }: WorldRuntime): boolean {
  return rateLimits === 'on' || (rateLimits === 'auto' && !exposure.allows('unlimited'));
}

/** Provisions an ASE in the database and makes its listeners answer. */
async function startAse(runtime: WorldRuntime, definition: AseDefinition): Promise<StartedAse> {
  const { host, options, definition: world, listeners, db, serves, clock, switches, faults, signIn } = runtime;
  const { name } = definition;
  const key = keyOf(host.worldId, name);
  const prefix = ilpAddressOf(key);
  const urls = listeners.urlsOf(definition);
  const ids = createIds(options.seed, name);
  const client = world.client.ase === name ? world.client : undefined;
  await provisionAse(db, {
    key,
    prefix,
    definition,
    origin: urls.walletAddressServer,
    ids,
    secret: runtime.firstSecrets.get(name),
    now: clock.businessNow(),
    client,
    signIn,
    prices: definition.prices ?? world.prices,
    fee: world.fee,
    peers: serves.includes('resource') ? runtime.peerLinks.peersOf(definition) : [],
    replacePeerTokens: sharedPeerSecret(options) !== undefined,
  });
  const settings = await openSettings(db.query, key);
  const { secrets } = settings.current();
  runtime.firstSecrets.set(name, secrets[0]!);
  const ase = createAse({
    key,
    prefix,
    name,
    urls,
    serves,
    aliasesOf: (server) => listeners.aliasesOf(definition, server),
    hosts: listeners.hosts,
    pages: world.pages,
    signIn,
    grants: definition.grants,
    settings,
    extensions: extensionsOf(definition),
    openLink: (peer) => runtime.peerLinks.openLink(name, peer),
    db,
    clock,
    ids,
    log: host.log.child({ ase: key }),
    switches,
    consent: runtime.state.consent,
    allowHttp: runtime.exposure.allows('plainRequests'),
    allowedRanges: [...host.allowedRanges, ...(runtime.exposure.allows('loopbackRequests') ? loopbackRanges : [])],
    rateLimits: limitsRates(runtime)
      ? { trustedProxies: options.trustedProxies ?? 0, ...(options.limits && { limits: options.limits }) }
      : undefined,
    trust: host.tls?.trust,
    failpoint: options.failpoint,
    worker: { ...options.worker, ...(options.leaseMs !== undefined && { leaseMs: options.leaseMs }) },
    tamper: options.tamper,
    selectFault: faults && withPreferredReplies(faults.faultsOf(name)),
    intercept: runtime.interceptors?.at(name),
    serverMark: runtime.serverMark,
    trace: runtime.trace.recordAt(name),
  });
  listeners.serve(definition, ase.createApp, ase.plainApp);
  return {
    ase,
    passphrases: signIn ? passphrasesOf(definition, secrets) : [],
    clientKey: client && exportClientKey(definition, client, secrets),
  };
}

/** The key that the definition gives the client, or one derived from the ASE's secret. */
function exportClientKey(
  definition: AseDefinition,
  client: WorldDefinition['client'],
  secrets: readonly string[],
): string | undefined {
  const defined = findClientKey(definition, client);
  const privateKey = defined ? defined.privateKey : deriveKey(secrets, 'client');
  return privateKey?.export({ format: 'pem', type: 'pkcs8' }) as string | undefined;
}
