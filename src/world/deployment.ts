/** The contents of one process: a database, a control listener, and any number of worlds. */
import type { Logger } from 'pino';
import type { Worlds } from '../control/controls.ts';
import { type Database, type DatabaseOptions, openDatabase } from '../database/database.ts';
import { ConfigError, Problem } from '../errors.ts';
import { describeError } from '../http/logged-error.ts';
import { createIds } from '../ids.ts';
import type { AddressRanges } from '../net/addresses.ts';
import { type Listener, listen } from '../net/listener.ts';
import { bracketed, isLoopback } from '../net/loopback.ts';
import type { Tls } from '../net/tls.ts';
import { serveControl } from './control-listener.ts';
import { parseWorld } from './definition/file.ts';
import { createMetrics } from './metrics.ts';
import { keyOf, mainWorldId } from './naming.ts';
import type { WorldOptions } from './options.ts';
import { startPoller } from './poller.ts';
import { createWorld, type World } from './world.ts';

export interface DeploymentOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly controlPort: number;
  readonly database: DatabaseOptions;
  readonly insecure: boolean;
  /** Private addresses that requests to clients and receivers may go to, even if other machines can reach the worlds. */
  readonly allowedRanges?: AddressRanges;
  /** Address of the control API. Default: 127.0.0.1. */
  readonly controlHost?: string;
  /** TLS of the public origins, and of the control API if the certificate is for its host. */
  readonly tls?: Tls | undefined;
  readonly log: Logger;
}

export interface Deployment {
  readonly db: Database;
  /** Adds a world. The main world has its control API at the root of the control port, others below `/worlds/{id}`. */
  addWorld(id: string, options: WorldOptions): Promise<World>;
  /** Stops a world and deletes its rows. False if the id is unknown. */
  removeWorld(id: string): Promise<boolean>;
  /** URL of the inspector with a code that works once. */
  issueInspectorLink(): string;
  close(): Promise<void>;
}

export async function createDeployment({ host, insecure, tls, ...options }: DeploymentOptions): Promise<Deployment> {
  const { controlHost = '127.0.0.1', allowedRanges = [] } = options;
  const log = options.log.child({}, { serializers: { err: describeError } });
  const worlds = new Map<string, World>();
  const onReplicaChange = (problem: string | undefined): void =>
    problem === undefined ? log.info('the replica is read') : log.warn({ problem }, 'the replica is not read');
  const opening = openDatabase({ ...options.database, onReplicaChange });
  const isNamed = !isLoopback(controlHost) && !['0.0.0.0', '::'].includes(controlHost);
  const controlName = isNamed ? bracketed(controlHost) : 'localhost';
  const credentials = tls?.findCredentials([controlName]);
  const control: Listener = await listen(controlHost, options.controlPort, credentials).catch(async (error) => {
    await (await opening).close();
    throw error;
  });
  const metrics = createMetrics(() => opening);
  const isSecure = credentials !== undefined;
  const issuePath = serveControl({ listener: control, host: controlHost, isSecure, worlds, metrics, log });
  const controlOrigin = `${isSecure ? 'https' : 'http'}://${controlName}:${control.port}`;
  const poller = startPoller(opening, worlds, log);

  async function addWorld(id: string, worldOptions: WorldOptions): Promise<World> {
    const isMain = id === mainWorldId;
    const controlUrl = controlOrigin + (isMain ? '' : `/worlds/${id}`);
    const shared = { worldId: id, db: opening, host, controlHost, insecure, allowedRanges, tls, log, controlUrl };
    const world = await createWorld({ ...shared, worlds: isMain ? additionalWorlds : undefined }, worldOptions);
    worlds.set(id, world);
    return world;
  }

  async function removeWorld(id: string): Promise<boolean> {
    const world = worlds.get(id);
    if (!world) return false;
    worlds.delete(id);
    await world.close();
    const keys = world.definition.ases.map(({ name }) => keyOf(id, name));
    await (await opening).clear(keys, id);
    return true;
  }

  const additionalWorlds = manageAdditionalWorlds(worlds, addWorld, removeWorld);

  async function close(): Promise<void> {
    metrics.close();
    await poller.stop();
    // Additional worlds do not survive a restart, so delete their rows.
    for (const id of additionalWorlds.list()) await removeWorld(id);
    await worlds.get(mainWorldId)?.close();
    await control.close();
    await (await opening).close();
  }

  try {
    const issueInspectorLink = () => controlOrigin + issuePath();
    return { db: await opening, addWorld, removeWorld, issueInspectorLink, close };
  } catch (error) {
    void poller.stop();
    metrics.close();
    await control.close(0);
    throw error;
  }
}

/** The worlds besides the main one, as the control API of the main world manages them. */
function manageAdditionalWorlds(
  worlds: ReadonlyMap<string, World>,
  addWorld: Deployment['addWorld'],
  removeWorld: Deployment['removeWorld'],
): Worlds {
  const ids = createIds(undefined, 'worlds');
  return {
    list: () => [...worlds.keys()].filter((id) => id !== mainWorldId),
    async create({ definition: document, ...options }) {
      try {
        const definition = document === undefined ? undefined : parseWorld(document);
        const consent = options.consent ?? worlds.get(mainWorldId)?.controls.consent();
        return await addWorld(ids.uuid(), { ...options, definition, consent });
      } catch (error) {
        throw error instanceof ConfigError ? new Problem('invalid_request', { description: error.message }) : error;
      }
    },
    remove: async (id) => id !== mainWorldId && removeWorld(id),
  };
}
