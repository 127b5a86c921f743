/**
 * Hosts wallet addresses of clients on a loopback port, so that a check controls a key set and sees the requests for
 * it.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from './signed-client.ts';

export interface HostedClient {
  readonly url: string;
  /** Members of the JSON Web Key Set; change it to rotate keys. */
  keys: Json[];
  /** Overrides the answer to `GET {url}/jwks.json`. */
  answer?: { status: number; headers?: Record<string, string>; body: string };
  /** How often the key set was asked for. */
  fetches: number;
}

export interface ClientHost {
  /** A new wallet address. */
  add(keys: readonly Json[], options?: { readonly publicName?: string | null }): Promise<HostedClient>;
  close(): Promise<void>;
}

export function createClientHost(): ClientHost {
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
      entry.client.fetches += 1;
      const { answer, keys } = entry.client;
      return answer ? send(answer.status, answer.body, answer.headers) : send(200, JSON.stringify({ keys }));
    });
    if (!server.listening) await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    server.unref();
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  return {
    add: async (keys, options = {}) => {
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
