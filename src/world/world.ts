/**
 * A world: ASEs, one clock, one source of ids, and the links between the connectors. ASEs talk to each other only by
 * Open Payments over HTTP and by serialised ILP packets. Any number of worlds share a deployment and are invisible to
 * each other: the database keys and the ports of their ASEs differ.
 */
import type { Express } from 'express';
import type { AseState } from '../administration/ase-state.ts';
import { publicUrls, serverNames } from '../ase/server-urls.ts';
import type { Controls } from '../control/controls.ts';
import { checkSecret, isShortSecret } from '../crypto/secret-strength.ts';
import { ConfigError, didYouMean } from '../errors.ts';
import { createIds } from '../ids.ts';
import type { InspectedWorld } from '../inspector/route.ts';
import { isLoopback } from '../net/loopback.ts';
import { describeClientEnvironment } from './client-env.ts';
import { createWorldControlApp, inspectWorld } from './control-parts.ts';
import { createControls } from './controls.ts';
import {
  type AseDefinition,
  defaultWorld,
  hostsOf,
  unsafeFeatures,
  type WorldDefinition,
} from './definition/definition.ts';
import type { DueWork } from './due-work.ts';
import { checkExposure, type Exposure } from './exposure.ts';
import { listenForAses } from './listeners.ts';
import type { WorldHost, WorldOptions } from './options.ts';
import type { Passphrase } from './provision.ts';
import { deleteOldRows, type RetentionProgress } from './retention.ts';
import { createRuntime, type RuntimeOptions, startAses, stopAses } from './runtime.ts';

export type { WorldOptions } from './options.ts';

export interface World {
  readonly id: string;
  readonly definition: WorldDefinition;
  /** State of the ASEs at the start. */
  readonly ases: readonly AseState[];
  readonly controls: Controls;
  readonly controlUrl: string;
  readonly controlToken: string;
  readonly controlApp: Express;
  /** The world as the inspector shows it. */
  readonly inspected: InspectedWorld;
  /** The client's private key (PKCS#8 PEM), if its ASE is hosted here. */
  readonly clientKey: string | undefined;
  /** Passphrases of the account holders; empty where they need not sign in. */
  readonly passphrases: readonly (Passphrase & { readonly ase: string })[];
  /** Everything that a report must not show, whatever a client does with it. */
  readonly secrets: readonly string[];
  /** URL of a wallet address of the definition, hosted here or not. */
  walletUrl(at: { readonly ase: string; readonly path: string }): string;
  /** The variables that `--json` prints for clients, except the file of the key. */
  describeEnvironment(): Record<string, string>;
  /** Resolves when no payment is in progress. */
  settled(): Promise<void>;
  /** Makes the ASE process work that is due by the clock of this world. False if the ASE is in another world. */
  wake(work: DueWork): boolean;
  /** Deletes a bounded number of rows whose retention has ended. */
  deleteOldRows(): Promise<void>;
  /** Applies changes that another process made. */
  refresh(): Promise<void>;
  /** Stops the world. Its rows stay in the database. */
  close(): Promise<void>;
}

export async function createWorld(host: WorldHost, options: WorldOptions): Promise<World> {
  const { definition = defaultWorld, consent = 'manual', port = 0, serves = serverNames, servers = {} } = options;
  const hosted = selectHosted(definition, options);
  const publicUrl = options.publicUrl ? new URL(options.publicUrl) : undefined;
  const exposure = checkWorldExposure(host, { ...options, consent }, definition, hosted);

  // Listeners first: their ports are part of every identifier.
  const listeners = await listenForAses(definition, hosted, {
    host: host.host,
    port,
    publicUrl,
    servers,
    serves,
    controlUrl: host.controlUrl,
    credentialsFor: host.tls?.credentialsFor,
  });
  try {
    return await startWorld({ host, options: { ...options, consent }, definition, hosted, listeners, exposure });
  } catch (error) {
    await listeners.close(0);
    throw error;
  }
}

/** Throws ConfigError for secrets that are too short, and for features that are not allowed at these addresses. */
function checkWorldExposure(
  host: WorldHost,
  options: WorldOptions,
  definition: WorldDefinition,
  hosted: readonly AseDefinition[],
): Exposure {
  const { publicUrl, servers = {}, serves = serverNames, seed, controlToken, peerSecret, consent } = options;
  checkSecret('--control-token', controlToken);
  checkSecret('--peer-secret', peerSecret);
  if (seed === '') throw new ConfigError('--seed is empty: give a text, or leave it out');
  const published = [...(publicUrl === undefined ? [] : [publicUrl]), ...publicUrls(servers)];
  return checkExposure({
    hosts: [host.host, host.controlHost, ...published.map((url) => new URL(url).hostname), ...hostsOf(hosted)],
    insecure: host.insecure,
    uses: {
      seed: seed !== undefined,
      shortSeed: isShortSecret(seed),
      shortSecret: isShortSecret(controlToken) || isShortSecret(peerSecret),
      automaticConsent: consent !== 'manual',
      consentWithoutSignIn:
        consent === 'manual' && serves.includes('identity-provider') && !(options.signIn || definition.signIn),
      failpoint: options.failpoint !== undefined,
      httpOrigin: published.some((url) => url.startsWith('http:') && !isLoopback(new URL(url).hostname)),
      unlimited: options.rateLimits === 'off',
      plainControl: !isLoopback(host.controlHost) && host.controlUrl.startsWith('http:'),
      ...unsafeFeatures(definition, hosted),
    },
  });
}

/** The ASEs that run in this process. */
function selectHosted(definition: WorldDefinition, options: WorldOptions): readonly AseDefinition[] {
  const { only, serves = serverNames, servers = {} } = options;
  const hosted = definition.ases.filter(({ name }) => only === undefined || name === only);
  if (only !== undefined && hosted.length === 0) {
    const names = definition.ases.map(({ name }) => name);
    throw new ConfigError(`the world has no ASE ${only}${didYouMean(only, names)}; its ASEs are ${names.join(', ')}`);
  }
  const isWhole = serverNames.every((name) => serves.includes(name)) && Object.values(servers).every((url) => !url);
  if (!isWhole && hosted.length > 1) throw new Error('separate servers need a single ASE');
  return hosted;
}

async function startWorld(parts: RuntimeOptions): Promise<World> {
  const { host, options, definition, listeners } = parts;
  const runtime = await createRuntime(parts);
  const { ases, state } = runtime;
  await startAses(runtime);
  // A restart keeps the stored clock, but applies the consent policy of the command line.
  if (options.consent !== state.consent()) await state.setConsent(options.consent);

  const started = () => [...ases.values()];
  const retentionProgress: RetentionProgress = new Map();
  const { controlUrl } = host;
  const controlToken = options.controlToken ?? createIds(options.seed, 'control').token();
  const findUrls = (ase: string) => listeners.urlsOf(definition.ases.find(({ name }) => name === ase)!);
  const walletUrl: World['walletUrl'] = ({ ase, path }) => findUrls(ase).walletAddressServer + path;
  const clientKey = () => ases.get(definition.client.ase)?.clientKey;
  const passphrases = () =>
    [...ases].flatMap(([ase, started]) => started.passphrases.map((passphrase) => ({ ase, ...passphrase })));
  const secrets = () => [
    controlToken,
    ...[clientKey() ?? []].flat().flatMap((key) => [key, Buffer.from(key).toString('base64')]),
    ...started().flatMap(({ ase }) => Object.values(ase.privateSecrets ?? {})),
    ...passphrases().map(({ passphrase }) => passphrase),
    ...(options.peerSecret === undefined ? [] : [options.peerSecret]),
  ];
  const controls = createControls(runtime, secrets);
  const inspected = inspectWorld(runtime, controls, walletUrl(definition.client));
  return {
    id: host.worldId,
    definition,
    ases: await controls.describeAses(),
    controls,
    controlUrl,
    controlToken,
    controlApp: createWorldControlApp(runtime, controls, controlToken),
    inspected,
    clientKey: clientKey(),
    passphrases: passphrases(),
    secrets: secrets(),
    walletUrl,
    describeEnvironment() {
      const { ase } = definition.sender;
      const secrets = ases.get(ase)?.ase.privateSecrets;
      const privateEndpoints = secrets && { urls: findUrls(ase), secrets };
      const client = { clientKey: clientKey(), controlUrl, controlToken, privateEndpoints };
      return describeClientEnvironment({ definition, walletUrl, ...client });
    },
    async settled() {
      await Promise.all(started().map(({ ase }) => ase.settled()));
    },
    wake({ ase: key, kind, dueAt }) {
      const ase = started().find((candidate) => candidate.ase.key === key)?.ase;
      if (kind === 'payments') ase?.wake();
      else if (dueAt <= runtime.clock.businessNow()) ase?.wakeEvents();
      return ase !== undefined;
    },
    async deleteOldRows() {
      for (const { ase } of started()) await deleteOldRows(runtime.db, ase.key, runtime.clock, retentionProgress);
    },
    async refresh() {
      await state.refresh();
      await Promise.all(started().map(({ ase }) => ase.administration.settings.refresh()));
    },
    async close() {
      runtime.isClosed = true;
      inspected.close();
      await stopAses(runtime, listeners.drain());
      await listeners.close();
    },
  };
}
