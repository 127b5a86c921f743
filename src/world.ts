/**
 * A world: its ASEs, one clock, one source of ids, one database, and the links between the connectors. What crosses from
 * one ASE to another is Open Payments over HTTP and serialised ILP packets, nothing else.
 */
import { createHmac, randomBytes } from 'node:crypto';
import express from 'express';
import type { Logger } from 'pino';
import specification from '../generated/resource-server/document.json' with { type: 'json' };
import packageJson from '../package.json' with { type: 'json' };
import { type Ase, createAse } from './ase.ts';
import { type ClockSetting, liveClock, WorldClock } from './clock.ts';
import { type AseState, type ConsentMode, type Controls, createControlServer } from './control/server.ts';
import { toJson } from './database/columns.ts';
import { type Database, type DatabaseOptions, openDatabase } from './database/database.ts';
import { deriveKey } from './derived-keys.ts';
import { foundAse } from './founding.ts';
import { checkExposure } from './hardening.ts';
import { bind, keepRawTarget } from './http/bind.ts';
import type { Reply } from './http/pipeline.ts';
import { type ProfileName, selectProfile } from './http/profile.ts';
import { createIds } from './ids.ts';
import { type Listener, listen } from './listener.ts';
import type { Failpoint } from './payments/failpoint.ts';
import { createIlpOverHttpLink, type IlpOverHttpLink } from './payments/ilp/ilp-over-http.ts';
import { createInProcessLink } from './payments/ilp/in-process-link.ts';
import type { Link, Peer } from './payments/ilp/link.ts';
import { readTrialBalance } from './payments/ledger.ts';
import { type AseDefinition, defaultWorld, type WorldDefinition } from './world-definition.ts';

export interface WorldOptions {
  readonly definition?: WorldDefinition;
  readonly host: string;
  /** Of the first ASE; 0 takes any free ports. */
  readonly port: number;
  readonly publicUrl?: string;
  readonly controlPort?: number;
  readonly controlToken?: string;
  /** Host only this ASE; the others run elsewhere, at the ports that follow from `port`. */
  readonly only?: string;
  readonly peerSecret?: string;
  readonly seed?: string;
  readonly consent: ConsentMode;
  readonly profile: ProfileName;
  readonly database: DatabaseOptions;
  readonly insecure: boolean;
  readonly log: Logger;
  readonly failpoint?: Failpoint;
  /** For tests: what a link does to packets, and a change to a handler's reply before it is validated. */
  readonly wrapLink?: (from: string, to: string, link: Link) => Link;
  readonly tamper?: (operationId: string, reply: Reply) => Reply;
}

export interface World {
  readonly ases: readonly AseState[];
  readonly controlOrigin: string;
  readonly controlToken: string;
  readonly controls: Controls;
  readonly definition: WorldDefinition;
  readonly db: Database;
  /** The client's private key (PKCS#8 PEM), where its ASE is hosted here. */
  readonly clientKey: string | undefined;
  /** URL of a wallet address of the definition, hosted here or not. */
  walletUrl(at: { readonly ase: string; readonly path: string }): string;
  /** Resolves when no payment is under way. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

const CONTROL_PORT_OFFSET = 900;
const WORLD_ID = 'world';
/** How often a process looks whether another one changed the clock or the consent policy. */
const REFRESH_MS = 1000;

export async function createWorld(options: WorldOptions): Promise<World> {
  const definition = options.definition ?? defaultWorld;
  const hosted = definition.ases.filter(({ name }) => options.only === undefined || name === options.only);
  if (hosted.length === 0) throw new Error(`there is no ASE named ${options.only}`);
  const publicUrl = options.publicUrl ? new URL(options.publicUrl) : undefined;
  const { local } = checkExposure({
    hosts: [options.host, ...(publicUrl ? [publicUrl.hostname] : [])],
    insecure: options.insecure,
    testing: {
      '--seed': options.seed !== undefined,
      [`--consent ${options.consent}`]: options.consent !== 'manual',
      '--failpoint': options.failpoint !== undefined,
    },
  });

  // Addresses first: the listeners' ports are part of every identifier.
  const opened: Listener[] = [];
  const open = async (port: number): Promise<Listener> => {
    const listener = await listen(options.host, port);
    opened.push(listener);
    return listener;
  };
  let db: Database | undefined;
  try {
    const listeners = new Map<string, Listener>();
    for (const { name, portOffset } of hosted) {
      listeners.set(name, await open(options.port === 0 ? 0 : options.port + portOffset));
    }
    const controlListener = await open(
      options.controlPort ?? (options.port === 0 ? 0 : options.port + CONTROL_PORT_OFFSET),
    );
    const originOf = ({ name, portOffset }: AseDefinition): string => {
      if (publicUrl) return withPort(publicUrl, portOffset);
      return `http://localhost:${listeners.get(name)?.port ?? options.port + portOffset}`;
    };

    db = await openDatabase(options.database);
    const world = await assemble(options, definition, hosted, listeners, controlListener, originOf, db, local);
    return {
      ...world,
      async close() {
        await world.stop();
        await Promise.all(opened.map((listener) => listener.close()));
        await db?.close();
      },
    };
  } catch (error) {
    await Promise.all(opened.map((listener) => listener.close(0)));
    await db?.close();
    throw error;
  }
}

/** The origin with `offset` added to its port. */
function withPort(url: URL, offset: number): string {
  const moved = new URL(url.origin);
  if (offset > 0) moved.port = String(Number(url.port || (url.protocol === 'https:' ? 443 : 80)) + offset);
  return moved.origin;
}

async function assemble(
  options: WorldOptions,
  definition: WorldDefinition,
  hosted: readonly AseDefinition[],
  listeners: ReadonlyMap<string, Listener>,
  controlListener: Listener,
  originOf: (ase: AseDefinition) => string,
  db: Database,
  local: boolean,
) {
  const { log, seed } = options;
  const clock = new WorldClock();
  let consent: ConsentMode = options.consent;
  const peerSecret = options.peerSecret ?? seed ?? randomBytes(32).toString('base64');
  const links: IlpOverHttpLink[] = [];
  const ases = new Map<string, Ase>();

  /** By this an ASE makes itself known to another on their link. */
  const linkToken = (from: string, to: string): string =>
    createHmac('sha256', peerSecret).update(`ilp link\n${from}\n${to}`).digest('base64url');

  const linkBetween = (from: AseDefinition, to: AseDefinition): Link => {
    if (hosted.includes(to))
      return createInProcessLink((asset, prepare) => ases.get(to.name)!.receivePacket(from.name, asset, prepare));
    const link = createIlpOverHttpLink({ origin: originOf(to), token: linkToken(from.name, to.name) });
    links.push(link);
    return link;
  };

  async function found(): Promise<void> {
    for (const ase of hosted) {
      const ids = createIds(seed, ase.name);
      const client = definition.client.ase === ase.name ? definition.client : undefined;
      const { secrets } = await foundAse(db, ase, originOf(ase), ids, clock.businessNow(), client);
      const peers: Peer[] = definition.ases
        .filter((other) => other !== ase)
        .map((other) => {
          const link = linkBetween(ase, other);
          return {
            name: other.name,
            prefix: `test.${other.name}`,
            maxPacketAmount: definition.maxPacketAmount,
            link: options.wrapLink?.(ase.name, other.name, link) ?? link,
          };
        });
      const created = createAse({
        name: ase.name,
        origin: originOf(ase),
        secrets,
        peers,
        peerTokens: new Map(peers.map((peer) => [peer.name, linkToken(peer.name, ase.name)])),
        db,
        clock,
        ids,
        log: log.child({ ase: ase.name }),
        switches: selectProfile(options.profile),
        consent: () => consent,
        prices: () => definition.prices,
        fee: () => definition.fee,
        local,
        failpoint: options.failpoint,
        tamper: options.tamper,
      });
      ases.set(ase.name, created);
      listeners.get(ase.name)!.serve(created.app);
    }
  }

  /** Takes over what the database says, and puts this process's setting there if it says nothing. */
  async function loadSettings(): Promise<void> {
    await db.query
      .insertInto('world')
      .values({ id: WORLD_ID, clock: toJson(liveClock), consent: options.consent })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await refreshSettings();
  }

  async function refreshSettings(): Promise<void> {
    const row = await db.query.selectFrom('world').selectAll().where('id', '=', WORLD_ID).executeTakeFirst();
    if (!row) return;
    clock.setting = row.clock;
    consent = row.consent;
  }

  async function saveSettings(change: { clock?: ClockSetting; consent?: ConsentMode }): Promise<void> {
    const values = { ...change, ...(change.clock && { clock: toJson(change.clock) }) };
    await db.query.updateTable('world').set(values).where('id', '=', WORLD_ID).execute();
    await refreshSettings();
  }

  const stopAses = () => Promise.all([...ases.values()].map((ase) => ase.stop()));
  const startAses = () => {
    for (const ase of ases.values()) ase.start();
  };

  const controls: Controls = {
    version: packageJson.version,
    spec: specification.info.version,
    seed,
    clock: () => ({ mode: clock.setting.mode, now: clock.businessNow() }),
    changeClock: (change) => saveSettings({ clock: clock.after(change) }),
    consent: () => consent,
    setConsent: (mode) => saveSettings({ consent: mode }),
    async reset() {
      await stopAses();
      await db.clear();
      await loadSettings();
      await found();
      startAses();
    },
    describeAses: () => Promise.all([...ases.values()].map((ase) => ase.describe())),
    ledgers: () =>
      Promise.all(hosted.map(async ({ name }) => ({ name, books: await readTrialBalance(db.query, name) }))),
  };

  // A restart takes up the clock and the policy as they were, unless the world is new.
  await loadSettings();
  if (options.consent !== consent) await saveSettings({ consent: options.consent });
  await found();
  startAses();
  const refresh = setInterval(() => {
    refreshSettings().catch((error) => log.warn({ err: error }, 'could not read the settings of the world'));
  }, REFRESH_MS).unref();
  if (db.kind === 'embedded') clearInterval(refresh);

  const controlToken = options.controlToken ?? createIds(seed, 'control').token();
  const controlOrigin = `http://localhost:${controlListener.port}`;
  controlListener.serve(createControlApp());

  function createControlApp(): express.Express {
    const hosts = [options.host, 'localhost', '127.0.0.1'].map((host) => `${host}:${controlListener.port}`);
    const environment = {
      db,
      clock,
      switches: selectProfile(options.profile),
      log: log.child({ ase: 'control' }),
      rememberNonce: async () => false,
    };
    const app = express().disable('x-powered-by');
    app.use(keepRawTarget);
    // Looked up anew for each request: a reset makes new ASEs.
    app.use('/:ase', (req, res, next) => {
      const ase = ases.get(req.params.ase);
      return ase ? ase.privateApp(req, res, next) : next();
    });
    app.use(
      bind(createControlServer(controls, controlToken, hosts), environment, { origin: controlOrigin, cors: false }),
    );
    return app;
  }

  const clientSecrets = await db.query
    .selectFrom('ase')
    .select('secrets')
    .where('ase', '=', definition.client.ase)
    .executeTakeFirst();

  return {
    ases: await controls.describeAses(),
    controlOrigin,
    controlToken,
    controls,
    definition,
    db,
    clientKey:
      clientSecrets && (deriveKey(clientSecrets.secrets, 'client').export({ format: 'pem', type: 'pkcs8' }) as string),
    walletUrl: ({ ase, path }: { ase: string; path: string }) =>
      originOf(definition.ases.find(({ name }) => name === ase)!) + path,
    async settled() {
      await Promise.all([...ases.values()].map((ase) => ase.settled()));
    },
    async stop() {
      clearInterval(refresh);
      await stopAses();
      for (const link of links) link.close();
    },
  };
}
