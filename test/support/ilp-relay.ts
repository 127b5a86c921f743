/**
 * A connector between two ASEs (ILP-0027): forwards packets by the longest prefix with an earlier expiry, and keeps
 * neither accounts nor a journal.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { deserializeIlpPrepare, serializeIlpPrepare, serializeIlpReject } from 'ilp-packet';

/** The next hop has so much less time, so that its Fulfill is still in time here. */
const EXPIRY_MARGIN_MS = 1_000;

export interface RelayRoute {
  readonly prefix: string;
  /** Origin of the next connector. */
  readonly origin: string;
  /** Token that authenticates the relay there. */
  readonly token: string;
}

export interface IlpRelay {
  readonly origin: string;
  /** May be changed at any time. */
  readonly routes: RelayRoute[];
  /** How many packets were forwarded. */
  forwarded(): number;
  close(): void;
}

/** `prefix` is the ILP address of the relay; the bearer tokens of `callers` are accepted. */
export async function startIlpRelay(prefix: string, callers: readonly string[]): Promise<IlpRelay> {
  const routes: RelayRoute[] = [];
  let forwarded = 0;

  function forward({ origin, token }: RelayRoute, path: string, body: Buffer): Promise<IncomingMessage> {
    forwarded += 1;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request(new URL(path, origin), { method: 'POST', headers }, resolve).on('error', reject).end(body);
    return promise;
  }

  async function relay(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await buffer(req);
    if (!callers.some((token) => req.headers.authorization === `Bearer ${token}`)) return void res.writeHead(401).end();
    const prepare = deserializeIlpPrepare(body);
    const expiresAt = new Date(prepare.expiresAt.getTime() - EXPIRY_MARGIN_MS);
    const [route] = routes
      .filter((known) => `${prepare.destination}.`.startsWith(`${known.prefix}.`))
      .toSorted((a, b) => b.prefix.length - a.prefix.length);
    if (!route) {
      const data = Buffer.alloc(0);
      res.end(serializeIlpReject({ code: 'F02', triggeredBy: prefix, message: 'no route', data }));
      return;
    }
    const answer = await forward(route, req.url!, serializeIlpPrepare({ ...prepare, expiresAt }));
    res.writeHead(answer.statusCode!).end(await buffer(answer));
  }

  const server = createServer((req, res) => void relay(req, res).catch(() => res.destroy())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    routes,
    forwarded: () => forwarded,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
