/** Two resource servers behind HTTP, with tokens that tests issue by hand instead of an authorization server. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, afterEach, before, beforeEach } from 'node:test';
import type { Express } from 'express';
import type { Logger } from 'pino';
import { WorldClock } from '../../../src/clock.ts';
import { toInstant } from '../../../src/database/columns.ts';
import { type Database, openDatabase } from '../../../src/database/database.ts';
import { ClientKeyError, importClientJwk } from '../../../src/http/signatures/client-keys.ts';
import { signRequest } from '../../../src/http/signatures/sign.ts';
import { createIds } from '../../../src/ids.ts';
import type { OutboundRequest, OutboundResponse } from '../../../src/net/outbound.ts';
import type { AccessItem } from '../../../src/open-payments/access.ts';
import { type Fee, noFee } from '../../../src/payments/fees.ts';
import type { Peer } from '../../../src/payments/ilp/link.ts';
import type { ReadReceiver } from '../../../src/payments/receiver.ts';
import { compat, type Switches } from '../../../src/profile.ts';
import type { ResourceCaller } from '../../../src/resource/caller.ts';
import { createFastestDatabase } from '../../support/postgresql.ts';
import { testAse } from '../../support/test-ase.ts';

export interface TestAse {
  readonly name: string;
  readonly origin: string;
  /** Wallet addresses. */
  readonly alice: string;
  readonly bob: string;
  readonly readReceiver: ReadReceiver;
  /** Issues a token with this access. */
  issue(access: AccessItem[], clientId?: string, grantId?: string): string;
  revoke(token: string): void;
  call(options: CallOptions): Promise<Answer>;
}

export interface CallOptions {
  readonly method?: string;
  /** Path below the origin, or a complete URL. */
  readonly path: string;
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly rawBody?: string;
  readonly contentType?: string;
  readonly signed?: boolean;
  /** Time of the signature, in milliseconds. Default: now. */
  readonly signedAt?: number;
  /** Headers to change after signing. */
  readonly tamper?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on the members they expect
  readonly body: any;
}

export interface ResourceServers {
  readonly db: Database;
  readonly clock: WorldClock;
  readonly granite: TestAse;
  readonly marble: TestAse;
  /** Current terms of the servers, which tests may change. */
  readonly terms: {
    fee: Fee;
    prices: Record<string, string>;
    canReach: boolean;
    maxPacketAmount: bigint;
    switches: Switches;
  };
  /** Names of the ASEs whose payment worker was woken. */
  readonly woken: string[];
  /** Outbound requests of the ASEs. */
  readonly outbound: OutboundRequest[];
  /** Logged warnings and errors. */
  readonly logged: { level: string; fields: Record<string, unknown>; message: string }[];
  /** Number of rows in a table. */
  count(table: 'incoming_payment' | 'quote' | 'outgoing_payment' | 'grant_spending'): Promise<number>;
  close(): Promise<void>;
}

const defaultTerms: ResourceServers['terms'] = {
  fee: noFee,
  prices: { USD: '1', EUR: '1.25' } as Record<string, string>,
  canReach: true,
  maxPacketAmount: 2n ** 64n - 1n,
  switches: compat,
};

export const start = Date.parse('2026-03-01T12:00:00.000Z');
const assets = { granite: 'USD', marble: 'EUR' } as const;
const keyid = 'test-key';
/** The signing key of every client and ASE instance. */
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const key = await importClientJwk({ ...publicKey.export({ format: 'jwk' }), kid: keyid, alg: 'EdDSA' });

/** Both ASEs have wallet addresses `/alice` and `/bob`, in USD/2 at granite and EUR/2 at marble, and an inactive `/gone`. */
async function startResourceServers(): Promise<ResourceServers> {
  // PostgreSQL, where available, runs concurrent requests truly in parallel.
  const database = await createFastestDatabase();
  const db = await openDatabase(database.options);
  const clock = new WorldClock();
  clock.setting = { mode: 'frozen', offset: 0, at: start };
  let { switches } = defaultTerms;
  const running: RunningAse[] = [];
  const terms: ResourceServers['terms'] = {
    ...defaultTerms,
    get switches() {
      return switches;
    },
    set switches(value) {
      if (value === switches) return;
      switches = value;
      for (const { server } of running) server.change({ switches });
    },
  };
  const world: SharedParts = {
    db,
    clock,
    terms,
    woken: [],
    outbound: [],
    logged: [],
    async count(table) {
      return (await db.query.selectFrom(table).select('ase').execute()).length;
    },
  };
  running.push(await startAse('granite', world), await startAse('marble', world));
  const [granite, marble] = running as [RunningAse, RunningAse];
  return {
    ...world,
    granite,
    marble,
    async close() {
      for (const { server } of running) await server.close();
      await db.close();
      await database.drop();
    },
  };
}

type SharedParts = Omit<ResourceServers, 'granite' | 'marble' | 'close'>;
type RunningAse = TestAse & { readonly server: Awaited<ReturnType<typeof testAse>> };

async function startAse(name: 'granite' | 'marble', world: SharedParts): Promise<RunningAse> {
  const { db, clock, terms } = world;
  const tokens = new Map<string, ResourceCaller>();
  const ids = createIds(undefined, name);
  const issue: TestAse['issue'] = (access, clientId = 'https://client.example/shop', grantId = ids.uuid()) => {
    const token = ids.token();
    tokens.set(token, { grantId, clientId, client: { walletAddress: clientId }, access });
    return token;
  };
  const logAt = (level: string) => (fields: Record<string, unknown>, message: string) =>
    world.logged.push({ level, fields, message });
  const log = { debug() {}, info() {}, warn: logAt('warn'), error: logAt('error') } as unknown as Logger;
  const server = await testAse({
    db,
    name,
    servers: ['resource', 'wallet-address'],
    clock,
    ids,
    log,
    settings: {
      get prices() {
        return terms.prices;
      },
      fee: () => terms.fee,
    },
    configure: (app) => grantReadAll(app, issue),
    network: ({ outbound, clientOf }) => ({
      outbound: {
        ...outbound,
        request(request) {
          world.outbound.push(request);
          return outbound.request(request);
        },
      },
      operatorOutbound: { request: async (request) => introspect(request, tokens), close() {} },
      async findClientKey(_client, wanted) {
        if (wanted !== keyid) throw new ClientKeyError('key_not_found', 'the key set lacks this kid');
        return key;
      },
      clientOf: (authServer) => ({ ...clientOf(authServer), keyid, privateKey }),
    }),
    payments: ({ connector, worker }) => ({
      connector: {
        ...connector,
        peerFor: () =>
          terms.canReach ? ({ name: 'peer', maxPacketAmount: terms.maxPacketAmount } as Peer) : undefined,
      },
      worker: { ...worker, wake: () => void world.woken.push(name) },
    }),
  });
  const { origin } = server;
  await insertWallets(db, name, origin);
  return {
    name,
    origin,
    alice: `${origin}/alice`,
    bob: `${origin}/bob`,
    readReceiver: server.payments.readReceiver,
    issue,
    revoke: (token) => tokens.delete(token),
    call: (options) => callResourceServer(origin, options),
    server,
  };
}

/** Replaces the authorization server: gives any instance a token for read-all. */
function grantReadAll(app: Express, issue: TestAse['issue']): void {
  app.post('/auth/', (req, res) => {
    const access: AccessItem[] = [{ type: 'incoming-payment', actions: ['read-all'] }];
    const authServer = `http://${req.headers.host}/auth/`;
    const value = issue(access, 'https://instance.example/ase');
    res.json({
      access_token: { value, manage: `${authServer}token/1`, access, expires_in: 600 },
      continue: { access_token: { value: 'continue' }, uri: `${authServer}continue/1`, wait: 0 },
    });
  });
}

/** Replaces token introspection: all access of a token that the test has issued. */
function introspect({ body }: OutboundRequest, tokens: ReadonlyMap<string, ResourceCaller>): OutboundResponse {
  const caller = tokens.get(JSON.parse(String(body)).access_token);
  const answer = caller
    ? { active: true, grant: caller.grantId, client: caller.client, access: caller.access }
    : { active: false };
  return {
    status: 200,
    isPublic: false,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(answer)),
  };
}

async function callResourceServer(origin: string, options: CallOptions): Promise<Answer> {
  const { method = options.body === undefined && options.rawBody === undefined ? 'GET' : 'POST', token } = options;
  const { signedAt = Date.now() } = options;
  const url = options.path.startsWith('http') ? options.path : origin + options.path;
  const content = options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const headers: Record<string, string> = {
    ...(token !== undefined && { authorization: `GNAP ${token}` }),
    ...(content !== undefined && { 'content-type': options.contentType ?? 'application/json' }),
  };
  const request = { method, url, headers, ...(content !== undefined && { body: Buffer.from(content) }) };
  const signed = options.signed === false ? headers : signRequest(request, { keyid, privateKey }, signedAt);
  const { 'content-length': _length, ...sent } = { ...signed, ...options.tamper };
  const response = await fetch(url, { method, headers: sent, ...(content !== undefined && { body: content }) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

async function insertWallets(db: Database, ase: 'granite' | 'marble', origin: string): Promise<void> {
  for (const path of ['/alice', '/bob', '/gone']) {
    const id = `customer:${path.slice(1)}`;
    const account = { ase, id, kind: 'customer' as const, asset_code: assets[ase], asset_scale: 2, balance: '0' };
    await db.query.insertInto('account').values(account).execute();
    await db.query
      .insertInto('wallet_address')
      .values({
        ase,
        id: `${ase}${path}`,
        path,
        url: origin + path,
        public_name: null,
        account_id: id,
        active: path !== '/gone',
        created_at: toInstant(start),
      })
      .execute();
  }
}

export const usd = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 });
export const eur = (value: string) => ({ value, assetCode: 'EUR', assetScale: 2 });

/** Full access to the resources of a type. */
export const full = {
  incoming: (identifier?: string): AccessItem => ({
    type: 'incoming-payment',
    actions: ['create', 'read', 'list', 'complete'],
    ...(identifier !== undefined && { identifier }),
  }),
  quote: (): AccessItem => ({ type: 'quote', actions: ['create', 'read'] }),
  outgoing: (identifier: string, limits?: AccessItem['limits']): AccessItem => ({
    type: 'outgoing-payment',
    actions: ['create', 'read', 'list'],
    identifier,
    ...(limits && { limits }),
  }),
};

/** Creates an incoming payment at bob's wallet address and returns its URL. */
export async function createReceiver(ase: TestAse, members: object = {}): Promise<string> {
  const body = { walletAddress: ase.bob, ...members };
  const answer = await ase.call({ path: '/incoming-payments', token: ase.issue([full.incoming()]), body });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body.id;
}

export const completeReceiver = (ase: TestAse, url: string): Promise<Answer> =>
  ase.call({ method: 'POST', path: `${url}/complete`, token: ase.issue([full.incoming()]) });

export function assertError({ status, body }: Answer, expected: number, description: string | RegExp): void {
  assert.equal(status, expected, JSON.stringify(body));
  if (typeof description === 'string') assert.equal(body.error.description, description);
  else assert.match(body.error.description, description);
}

/**
 * Starts both servers for the tests of a file; the returned objects are complete once `before` hooks run. Each test
 * begins with a stopped clock and default terms, and fails if a warning or an error is logged.
 */
export function useResourceServers() {
  const servers = {} as ResourceServers;
  const [granite, marble] = [{} as TestAse, {} as TestAse];
  before(async () => {
    Object.assign(servers, await startResourceServers());
    Object.assign(granite, servers.granite);
    Object.assign(marble, servers.marble);
  });
  beforeEach(() => {
    servers.clock.setting = { mode: 'frozen', offset: 0, at: start };
    Object.assign(servers.terms, defaultTerms);
    for (const records of [servers.woken, servers.outbound, servers.logged]) records.length = 0;
  });
  afterEach(() => assert.deepEqual(servers.logged, []));
  after(() => servers.close());
  return { servers, granite, marble };
}
