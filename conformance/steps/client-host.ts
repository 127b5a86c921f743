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
  /** Holds the key set back until it was asked for so many times more, or for a second. */
  holdUntilFetched(times: number): void;
}

export interface ClientHost {
  /** A new wallet address. */
  add(keys: readonly Json[], options?: { readonly publicName?: string | null }): Promise<HostedClient>;
  close(): Promise<void>;
}

/** Servers may fetch a key set once for several requests, so nothing is held for longer. */
const MAX_HOLD_MS = 1000;

/** Holds replies back until there are enough of them. */
class Gate {
  private wanted = 0;
  private held: (() => void)[] = [];

  close(replies: number): void {
    this.wanted = replies;
    setTimeout(() => this.open(), MAX_HOLD_MS).unref();
  }

  pass(reply: () => void): void {
    this.held.push(reply);
    if (this.held.length >= this.wanted) this.open();
  }

  private open(): void {
    const replies = this.held;
    [this.wanted, this.held] = [0, []];
    for (const reply of replies) reply();
  }
}

/** `isReachable`: the target may call this machine. */
export function createClientHost(isReachable: boolean): ClientHost {
  const clients = new Map<string, { client: HostedClient; document: Json; gate: Gate }>();
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
      const { answer, keys } = client;
      const reply = () =>
        answer ? send(answer.status, answer.body, answer.headers) : send(200, JSON.stringify({ keys }));
      entry.gate.pass(reply);
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
      const gate = new Gate();
      const holdUntilFetched = (times: number): void => gate.close(times);
      const client: HostedClient = { url: origin + path, keys: [...keys], fetches: 0, holdUntilFetched };
      clients.set(path, { client, document, gate });
      return client;
    },
    close: async () => {
      server?.closeAllConnections();
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    },
  };
}
