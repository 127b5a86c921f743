/** What one process runs: a database, a control API, and any number of worlds. */
import express from 'express';
import type { Logger } from 'pino';
import { wallNow } from '../clock.ts';
import type { Worlds } from '../control/controls.ts';
import { listControlHosts } from '../control/operator.ts';
import { type Database, type DatabaseOptions, openDatabase } from '../database/database.ts';
import { ConfigError, Problem } from '../errors.ts';
import { describeError } from '../http/logged-error.ts';
import { createIds } from '../ids.ts';
import { type Listener, listen } from '../net/listener.ts';
import type { Tls } from '../net/tls.ts';
import { parseWorld } from './definition/file.ts';
import { findDueWork } from './due-work.ts';
import { createMetrics, serveMetrics } from './metrics.ts';
import { keyOf, mainWorldId } from './naming.ts';
import { createWorld, type World, type WorldOptions } from './world.ts';

export interface DeploymentOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly controlPort: number;
  readonly database: DatabaseOptions;
  readonly insecure: boolean;
  /** Of the public origins; the control API speaks plain HTTP. */
  readonly tls?: Tls;
  readonly log: Logger;
}

export interface Deployment {
  readonly db: Database;
  /** Adds a world; the first one has the control API at its root, others below `/worlds/{id}`. */
  addWorld(id: string, options: WorldOptions): Promise<World>;
  /** Stops a world and removes what it stored; false if there is none of this id. */
  removeWorld(id: string): Promise<boolean>;
  close(): Promise<void>;
}

/** How often a process looks for payments that are due, and for changes that another process made. */
const POLL_MS = 1000;

export async function createDeployment({ host, insecure, tls, ...options }: DeploymentOptions): Promise<Deployment> {
  const log = options.log.child({}, { serializers: { err: describeError } });
  const worlds = new Map<string, World>();
  const opening = openDatabase(options.database);
  const control: Listener = await listen(host, options.controlPort).catch(async (error) => {
    await (await opening).close();
    throw error;
  });
  const controlOrigin = `http://localhost:${control.port}`;

  const metrics = createMetrics(() => opening);
  const hosts = listControlHosts(host, control.port);
  const app = express().disable('x-powered-by').disable('etag');
  app.get(
    '/metrics',
    serveMetrics(metrics, () => {
      const world = worlds.get(mainWorldId);
      return world && { token: world.controlToken, hosts };
    }),
  );
  app.use('/worlds/:world', (req, res, next) => {
    const world = worlds.get(req.params.world);
    // To end a world is up to the first one.
    const isEnd = req.method === 'DELETE' && req.path === '/';
    return world && !isEnd ? world.controlApp(req, res, next) : next();
  });
  app.use((req, res, next) => {
    const world = worlds.get(mainWorldId);
    return world ? world.controlApp(req, res, next) : next();
  });
  control.serve(app);

  /** One query for all worlds: an ASE that nobody pays costs nothing. */
  async function poll(): Promise<void> {
    const db = await opening;
    for (const work of await findDueWork(db.query, wallNow())) {
      for (const world of worlds.values()) if (world.wake(work)) break;
    }
    if (db.kind === 'postgresql') await Promise.all([...worlds.values()].map((world) => world.refresh()));
  }

  let polling = Promise.resolve();
  const timer = setInterval(() => {
    polling = polling.then(poll).catch((error) => log.warn({ err: error }, 'could not look for work'));
  }, POLL_MS).unref();

  async function addWorld(id: string, worldOptions: WorldOptions): Promise<World> {
    const isMain = id === mainWorldId;
    const controlUrl = isMain ? controlOrigin : `${controlOrigin}/worlds/${id}`;
    const site = {
      ...{ worldId: id, db: opening, host, insecure, tls, log, controlUrl },
      ...(isMain && { worlds: others }),
    };
    const world = await createWorld(site, worldOptions);
    worlds.set(id, world);
    return world;
  }

  async function removeWorld(id: string): Promise<boolean> {
    const world = worlds.get(id);
    if (!world) return false;
    worlds.delete(id);
    await world.close();
    const db = await opening;
    await db.clear(
      world.definition.ases.map(({ name }) => keyOf(id, name)),
      id,
    );
    return true;
  }

  const worldIds = createIds(undefined, 'worlds');
  const listOthers = (): string[] => [...worlds.keys()].filter((id) => id !== mainWorldId);
  const others: Worlds = {
    list: listOthers,
    async create({ definition: document, ...worldOptions }) {
      try {
        const definition = document === undefined ? undefined : parseWorld(document);
        const consent = worldOptions.consent ?? worlds.get(mainWorldId)?.controls.consent();
        return await addWorld(worldIds.uuid(), { ...worldOptions, definition, consent });
      } catch (error) {
        throw error instanceof ConfigError ? new Problem('invalid_request', { description: error.message }) : error;
      }
    },
    remove: async (id) => id !== mainWorldId && removeWorld(id),
  };

  async function close(): Promise<void> {
    clearInterval(timer);
    metrics.close();
    await polling;
    // Nobody could find the others again.
    for (const id of listOthers()) await removeWorld(id);
    await worlds.get(mainWorldId)?.close();
    await control.close();
    await (await opening).close();
  }

  try {
    return { db: await opening, addWorld, removeWorld, close };
  } catch (error) {
    clearInterval(timer);
    metrics.close();
    await control.close(0);
    throw error;
  }
}
