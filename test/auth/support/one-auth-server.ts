/** An authorization server with its identity provider on a free port, the embedded database behind, and clients that sign. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHeaders } from '@interledger/http-signature-utils';
import express from 'express';
import pino from 'pino';
import { createInteractions } from '../../../src/auth/interaction.ts';
import { createIntrospectionServer } from '../../../src/auth/introspection.ts';
import { createAuthServer, createInteractionServer, interactionHeaders } from '../../../src/auth/server.ts';
import { customerAccountId } from '../../../src/database/customer-account.ts';
import type { Database } from '../../../src/database/database.ts';
import type { ServerContext } from '../../../src/http/pipeline.ts';
import { createServerRouter, keepRawTarget } from '../../../src/http/router.ts';
import { ClientKeyError, importClientJwk } from '../../../src/http/signatures/client-keys.ts';
import { type ConsentPolicy, createConsentPrompt } from '../../../src/identity-provider/consent.ts';
import { createBackChannelServer, createIdentityProviderServer } from '../../../src/identity-provider/server.ts';
import { createIds } from '../../../src/ids.ts';
import type { ClientJwk } from '../../../src/open-payments/client.ts';
import type { Interactions } from '../../../src/open-payments/interaction.ts';
import { isInterval } from '../../../src/open-payments/interval.ts';
import { compat, type Switches } from '../../../src/profile.ts';
import { openEmbedded } from '../../database/support/open.ts';

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

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  readonly body: any;
}

export interface OneAuthServer {
  readonly origin: string;
  readonly authServer: string;
  readonly db: Database;
  readonly interactions: Interactions;
  readonly alice: string;
  readonly bob: string;
  /** Changed by tests while it runs. */
  readonly world: {
    now: number;
    consent: ConsentPolicy;
    switches: Switches;
    waitSeconds: number;
    /** Keys and names that clients' wallet addresses publish. */
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
  /** Whose signature; none if left out. */
  readonly by?: TestClient;
  readonly headers?: Readonly<Record<string, string>>;
}

export const secrets = { introspection: 'introspection-secret', identityProvider: 'identity-provider-secret' };

export async function startAuthServer(open: () => Promise<Database> = openEmbedded): Promise<OneAuthServer> {
  const db = await open();
  const world: OneAuthServer['world'] = {
    now: Date.parse('2025-03-01T12:00:00Z'),
    consent: 'auto',
    switches: compat,
    waitSeconds: 0,
    keys: new Map(),
    names: new Map(),
  };
  const clock = { businessNow: () => world.now, wallNow: Date.now };
  const log = pino({ level: 'silent' });
  const app = express();
  const listener = createServer(app).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const origin = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const authServer = `${origin}/auth/`;
  const ase = 'granite';
  const ids = createIds(undefined, ase);
  const deps = {
    ase,
    db,
    clock,
    ids,
    get switches() {
      return world.switches;
    },
    get grants() {
      return { waitSeconds: world.waitSeconds };
    },
    log,
    authServer,
    outbound: {
      async request({ url }: { url: string }) {
        const publicName = world.names.get(url);
        const body = Buffer.from(JSON.stringify({ id: url, publicName }));
        return { status: world.keys.has(url) ? 200 : 404, headers: {}, body };
      },
    },
    clientKeys: {
      async keyFor(walletAddress: string, keyid: string) {
        const jwk = world.keys.get(walletAddress)?.find(({ kid }) => kid === keyid);
        if (!jwk) throw new ClientKeyError('key_not_found', 'no such key');
        return importClientJwk(jwk);
      },
      forget: () => {},
    },
    isInterval,
    allowHttp: false,
  };
  const environment: ServerContext = {
    db,
    clock,
    get switches() {
      return world.switches;
    },
    log,
    rememberNonce: async () => false,
  };
  const interactions = createInteractions(deps);
  const promptConsent = createConsentPrompt({ policy: () => world.consent, page: `${origin}/idp/consent` });
  app.use(keepRawTarget);
  const below = { origin, cors: false, headers: interactionHeaders };
  // Anew for each request, so that tests can turn a switch.
  app.use('/auth', (req, res, next) => {
    createServerRouter(createInteractionServer({ ...deps, promptConsent }), environment, below)(req, res, next);
  });
  app.use('/auth', (req, res, next) => {
    const options = { origin, cors: true, headers: { 'Cache-Control': 'no-store' } };
    createServerRouter(createAuthServer({ ...deps }), environment, options)(req, res, next);
  });
  app.use(
    '/idp',
    createServerRouter(
      createIdentityProviderServer({ ids, clock, interactions, authServer, provider: ase }),
      environment,
      below,
    ),
  );
  const backChannel = createBackChannelServer({ interactions, secret: secrets.identityProvider });
  app.use('/back-channel', createServerRouter(backChannel, environment, { origin, cors: false }));
  const introspection = createIntrospectionServer({ ase, db, clock, secret: secrets.introspection });
  app.use('/introspect', createServerRouter(introspection, environment, { origin, cors: false }));

  const hosted = await Promise.all(
    ['alice', 'bob'].map(async (name) => {
      const url = `${origin}/${name}`;
      await db.query
        .insertInto('account')
        .values({ ase, id: customerAccountId(name), kind: 'customer', asset_code: 'USD', asset_scale: 2, balance: '0' })
        .execute();
      await db.query
        .insertInto('wallet_address')
        .values({
          ase,
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
    authServer,
    db,
    interactions,
    alice: hosted[0]!,
    bob: hosted[1]!,
    world,
    async send({ method = 'POST', url, body, token, by, headers: given = {} }) {
      const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
      const unsigned: Record<string, string> = {
        ...(text !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `GNAP ${token}` }),
        ...given,
      };
      const headers = new Headers(unsigned);
      if (by) {
        const request = { method, url, headers: unsigned, ...(text !== undefined && { body: text }) };
        const added = await createHeaders({ request, privateKey: by.privateKey, keyId: by.keyId });
        for (const [name, value] of Object.entries(added)) headers.set(name, value);
      }
      const response = await fetch(url, { method, headers, redirect: 'manual', body: text ?? null });
      const content = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json');
      return {
        status: response.status,
        headers: response.headers,
        text: content,
        body: isJson ? JSON.parse(content) : undefined,
      };
    },
    async close() {
      listener.close();
      listener.closeAllConnections();
      await db.close();
    },
  };
}
