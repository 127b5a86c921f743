/**
 * Hosts wallet addresses of clients on a loopback port, so that a check controls a key set and sees the requests for
 * it.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NotApplicable } from '../runner/capability.ts';
import type { Json } from './signed-client.ts';

export interface HostedClient {
  readonly url: string;
  /** Members of the JSON Web Key Set; change it to rotate keys. */
  keys: Json[];
  /** Overrides the answer to `GET {url}/jwks.json`. */
  answer?: { status: number; headers?: Record<string, string>; body: string };
  /** How often the key set was asked for. */
  fetches: number;
  /** Runs when the key set is asked for the next time. The answer waits for it; if it fails, the answer is 500. */
  beforeNextAnswer?: (() => Promise<void>) | undefined;
}

export interface ClientHost {
  /** A new wallet address. */
  add(keys: readonly Json[], options?: { readonly publicName?: string | null }): Promise<HostedClient>;
  close(): Promise<void>;
}

/** `isReachable`: the target may call this machine. */
export function createClientHost(isReachable: boolean): ClientHost {
  const clients = new Map<string, { client: HostedClient; document: Json }>();
  let server: Server | undefined;
  const listen = async (): Promise<string> => {
    server ??= createServer((request, response) => {
      const path = request.url ?? '/';
      const entry = clients.get(path.replace(/\/jwks\.json$/, ''));
      const send = (status: number, body: string, headers: Record<string, string> = {}): void => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
      };
      if (!entry) return send(404, '{}');
      if (!path.endsWith('/jwks.json')) return send(200, JSON.stringify(entry.document));
      const { client } = entry;
      client.fetches += 1;
      const { answer, keys, beforeNextAnswer } = client;
      client.beforeNextAnswer = undefined;
      const reply = () =>
        answer ? send(answer.status, answer.body, answer.headers) : send(200, JSON.stringify({ keys }));
      if (beforeNextAnswer) beforeNextAnswer().then(reply, () => send(500, '{}'));
      else reply();
    });
    if (!server.listening) await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    server.unref();
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  return {
    add: async (keys, options = {}) => {
      if (!isReachable) throw new NotApplicable('local-servers');
      const origin = await listen();
      const path = `/client-${clients.size + 1}`;
      const publicName = options.publicName === undefined ? 'Conformance client' : options.publicName;
      const document = {
        id: origin + path,
        ...(publicName === null ? {} : { publicName }),
        assetCode: 'USD',
        assetScale: 2,
        authServer: `${origin}/auth/`,
        resourceServer: origin,
      };
      const client: HostedClient = { url: origin + path, keys: [...keys], fetches: 0 };
      clients.set(path, { client, document });
      return client;
    },
    close: async () => {
      server?.closeAllConnections();
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    },
  };
}
