/**
 * One ASE, or some of its parts, built by the program's own composition root over settings in memory. Its servers
 * answer on one free port of 127.0.0.1; the private endpoints are below `/private`.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express, type RequestHandler } from 'express';
import pino from 'pino';
import type { Settings, SettingsMemory } from '../../src/administration/settings.ts';
import { createAseApps } from '../../src/ase/apps.ts';
import { createNetwork, type Network } from '../../src/ase/network.ts';
import type { AseOptions } from '../../src/ase/options.ts';
import { createPayments, type Payments, type PaymentsOptions } from '../../src/ase/payments.ts';
import { resolveServerUrls, type ServerName, type ServerUrls, serverNames } from '../../src/ase/server-urls.ts';
import { createServers } from '../../src/ase/servers.ts';
import { wallNow } from '../../src/clock.ts';
import type { Database } from '../../src/database/database.ts';
import { createIds } from '../../src/ids.ts';
import { privateRanges } from '../../src/net/addresses.ts';
import { noFee } from '../../src/payments/fees.ts';
import { compat } from '../../src/profile.ts';
import { createReceiverReader } from '../../src/resource/receiver.ts';

export interface TestAseOptions extends Partial<Omit<AseOptions, 'db' | 'settings' | 'serves' | 'urls'>> {
  readonly db: Database;
  /** Default: all of them. */
  readonly servers?: readonly ServerName[];
  /** In place of the defaults: no peers, no fees, no prices. Read anew at each use. */
  readonly settings?: Partial<Settings>;
  /** Adds handlers in front of the servers. */
  readonly configure?: (app: Express) => void;
  /** Replaces some of what the real network offers. */
  readonly network?: (real: Network) => Partial<Network>;
  /** Replaces some of what the real payments offer. */
  readonly payments?: (real: Payments) => Partial<Payments>;
}

export interface TestAse {
  readonly origin: string;
  readonly urls: ServerUrls;
  readonly network: Network;
  readonly payments: Payments;
  /** Secrets of the private endpoints, if the authorization server is among the servers. */
  readonly privateSecrets: Readonly<Record<'introspection' | 'backChannel', string>> | undefined;
  /** Builds the servers again, with these options in place of the earlier ones. */
  change(options: Partial<TestAseOptions>): void;
  close(): Promise<void>;
}

const defaultSettings: Settings = {
  version: 0,
  secrets: ['YSBzZWNyZXQgZm9yIHRoZSB0ZXN0cw=='],
  prices: {},
  rateSource: undefined,
  webhook: undefined,
  peers: [],
  fee: () => noFee,
};

/** Settings in memory; `changed` may have getters. */
function memorySettings(changed: Partial<Settings> = {}): SettingsMemory {
  const current = (): Settings => ({ ...defaultSettings, ...changed });
  return { current, refresh: async () => current() };
}

const silent = pino({ level: 'silent' });
const liveClock = { businessNow: wallNow, wallNow };

export type TestPaymentsOptions = Pick<PaymentsOptions, 'db' | 'key'> &
  Partial<Omit<PaymentsOptions, 'settings'>> &
  Pick<TestAseOptions, 'settings'>;

/** Only the money side of an ASE. */
export function testPayments({ settings, ...options }: TestPaymentsOptions): Payments {
  return createPayments({
    prefix: `test.${options.key}`,
    clock: liveClock,
    log: silent,
    openLink: () => ({ send: async () => Promise.reject(new Error('no link in this test')) }),
    outbound: { request: async () => Promise.reject(new Error('no network in this test')) },
    readReceiver: async () => Promise.reject(new Error('no receivers in this test')),
    ...options,
    settings: memorySettings(settings),
  });
}

export async function testAse(initial: TestAseOptions): Promise<TestAse> {
  let current: Express;
  const app = express();
  const listener = createServer(app).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const origin = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const urls = resolveServerUrls({}, origin, `${origin}/private`);
  const { name = 'granite', servers = serverNames } = initial;
  const complete = ({ settings, ...changed }: TestAseOptions): AseOptions => ({
    key: name,
    name,
    prefix: `test.${name}`,
    urls,
    serves: servers,
    aliasesOf: () => [],
    hosts: new Map(),
    signIn: false,
    settings: memorySettings(settings),
    openLink: () => ({ send: async () => Promise.reject(new Error('no link in this test')) }),
    clock: liveClock,
    ids: createIds(undefined, name),
    log: silent,
    switches: compat,
    consent: () => 'auto',
    allowHttp: true,
    allowedRanges: privateRanges,
    ...changed,
  });

  const options = complete(initial);
  const realNetwork = createNetwork(options);
  const network: Network = { ...realNetwork, ...initial.network?.(realNetwork) };
  const { outbound, clientOf } = network;
  const { key, db, clock } = options;
  const readReceiver = createReceiverReader({ ase: key, db, clock, outbound, resourceServer: origin, clientOf });
  const realPayments = createPayments({ ...options, outbound, readReceiver });
  const payments: Payments = { ...realPayments, ...initial.payments?.(realPayments) };

  let asked = initial;
  initial.configure?.(app);
  const build = () => {
    const built = complete(asked);
    const created = createServers(built, network, payments);
    const { createApp, privateApp } = createAseApps(created, payments, built);
    current = express()
      .use('/private', privateApp)
      .use(createApp(servers) as RequestHandler);
    return created.privateServers?.secrets;
  };
  const privateSecrets = build();
  app.use((req, res, next) => current(req, res, next));
  return {
    origin,
    urls,
    network,
    payments,
    privateSecrets,
    change(changed) {
      asked = { ...asked, ...changed };
      build();
    },
    async close() {
      listener.close();
      listener.closeAllConnections();
      await realPayments.stop();
      realNetwork.close();
    },
  };
}
