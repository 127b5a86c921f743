/** An authorization server and its identity provider over an embedded database, and clients that sign requests. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createHeaders } from '@interledger/http-signature-utils';
import type { ServerUrls } from '../../../src/ase/server-urls.ts';
import { createGrantStore } from '../../../src/auth/grant-store.ts';
import { createInteractions } from '../../../src/auth/interaction.ts';
import { customerAccountId } from '../../../src/database/customer-account.ts';
import type { Database } from '../../../src/database/database.ts';
import { ClientKeyError, importClientJwk } from '../../../src/http/signatures/client-keys.ts';
import type { ConsentPolicy } from '../../../src/identity-provider/consent.ts';
import { privateRanges } from '../../../src/net/addresses.ts';
import { createOutbound } from '../../../src/net/outbound.ts';
import type { ClientJwk } from '../../../src/open-payments/client.ts';
import type { Interactions } from '../../../src/open-payments/interaction.ts';
import { compat, type Switches } from '../../../src/profile.ts';
import { openTestDatabase } from '../../database/support/open.ts';
import { type Answer, toAnswer } from '../../support/signed-fetch.ts';
import { testAse } from '../../support/test-ase.ts';

export interface TestClient {
  readonly walletAddress: string;
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly jwk: ClientJwk;
}

export function createTestClient(name: string): TestClient {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  const jwk: ClientJwk = { kid: `${name}-key`, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', x: x! };
  return { walletAddress: `https://${name}.example/client`, keyId: jwk.kid, privateKey, jwk };
}

/** For calls to the servers of a test, on loopback. */
export const openLoopbackOutbound = () =>
  createOutbound({
    allowedRanges: privateRanges,
    allowHttp: true,
    timeoutMs: 5000,
    maxBytes: 100_000,
    userAgent: 'test',
  });

export interface OneAuthServer {
  readonly origin: string;
  readonly urls: ServerUrls;
  /** Secrets of the introspection endpoint and the back channel. */
  readonly secrets: Readonly<Record<'introspection' | 'backChannel', string>>;
  readonly authServer: string;
  readonly db: Database;
  readonly interactions: Interactions;
  readonly alice: string;
  readonly bob: string;
  /** Tests may change it while the server runs. */
  readonly world: {
    now: number;
    consent: ConsentPolicy;
    switches: Switches;
    waitSeconds: number;
    /** Wallet address of a client → its published keys and name. */
    readonly keys: Map<string, ClientJwk[]>;
    readonly names: Map<string, string>;
  };
  send(parts: Parts): Promise<Answer>;
  close(): Promise<void>;
}

export interface Parts {
  readonly method?: string;
  readonly url: string;
  readonly body?: unknown;
  readonly token?: string;
  /** The client that signs; without one the request is unsigned. */
  readonly by?: TestClient;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A network in which only the clients of `world` exist. */
const networkOf = ({ keys, names }: Pick<OneAuthServer['world'], 'keys' | 'names'>) => ({
  outbound: {
    async request({ url }: { url: string }) {
      const body = Buffer.from(JSON.stringify({ id: url, publicName: names.get(url) }));
      return { status: keys.has(url) ? 200 : 404, isPublic: false, headers: {}, body };
    },
    close: () => {},
  },
  clientKeys: {
    async keyFor(walletAddress: string, keyid: string) {
      const jwk = keys.get(walletAddress)?.find(({ kid }) => kid === keyid);
      if (!jwk) throw new ClientKeyError('key_not_found', 'no such key');
      return importClientJwk(jwk);
    },
    forget: () => {},
  },
});

export async function startAuthServer(open: () => Promise<Database> = openTestDatabase): Promise<OneAuthServer> {
  const db = await open();
  const clients = { keys: new Map<string, ClientJwk[]>(), names: new Map<string, string>() };
  const state = { now: Date.parse('2025-03-01T12:00:00Z'), switches: compat, waitSeconds: 0 };
  let consent: ConsentPolicy = 'auto';
  const clock = { businessNow: () => state.now, wallNow: Date.now };
  const ase = await testAse({
    db,
    clock,
    servers: ['auth', 'identity-provider'],
    allowHttp: false,
    consent: () => consent,
    network: () => networkOf(clients),
  });
  const { origin, urls } = ase;
  const world: OneAuthServer['world'] = {
    ...clients,
    get now() {
      return state.now;
    },
    set now(now) {
      state.now = now;
    },
    get consent() {
      return consent;
    },
    set consent(policy) {
      consent = policy;
    },
    get switches() {
      return state.switches;
    },
    set switches(switches) {
      state.switches = switches;
      ase.change({ switches });
    },
    get waitSeconds() {
      return state.waitSeconds;
    },
    set waitSeconds(waitSeconds) {
      state.waitSeconds = waitSeconds;
      ase.change({ grants: { waitSeconds } });
    },
  };

  const hosted = await Promise.all(
    ['alice', 'bob'].map(async (name) => {
      const url = `${origin}/${name}`;
      await db.query
        .insertInto('account')
        .values({
          ase: 'granite',
          id: customerAccountId(name),
          kind: 'customer',
          asset_code: 'USD',
          asset_scale: 2,
          balance: '0',
        })
        .execute();
      await db.query
        .insertInto('wallet_address')
        .values({
          ase: 'granite',
          id: name,
          path: `/${name}`,
          url,
          public_name: name,
          account_id: customerAccountId(name),
          active: true,
          created_at: new Date(world.now).toISOString(),
        })
        .execute();
      return url;
    }),
  );

  return {
    origin,
    urls,
    secrets: ase.privateSecrets!,
    authServer: urls.authServer,
    db,
    interactions: createInteractions({
      ase: 'granite',
      db,
      clock,
      grantStore: createGrantStore({ db, ase: 'granite' }),
    }),
    alice: hosted[0]!,
    bob: hosted[1]!,
    world,
    async send({ method = 'POST', url, body, token, by, headers: additional = {} }) {
      const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
      const unsigned: Record<string, string> = {
        ...(text !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `GNAP ${token}` }),
        ...additional,
      };
      const headers = new Headers(unsigned);
      if (by) {
        const request = { method, url, headers: unsigned, ...(text !== undefined && { body: text }) };
        const added = await createHeaders({ request, privateKey: by.privateKey, keyId: by.keyId });
        for (const [name, value] of Object.entries(added)) headers.set(name, value);
      }
      const response = await fetch(url, { method, headers, redirect: 'manual', body: text ?? null });
      return toAnswer(response);
    },
    async close() {
      await ase.close();
      await db.close();
    },
  };
}
