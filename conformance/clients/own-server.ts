/** The server of a client: its wallet address with the key set, and the callbacks of its grants. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Callback {
  readonly uri: string;
  /** The query of the first request for this URI. Rejects after ten seconds. */
  readonly arrived: Promise<URLSearchParams>;
}

export interface OwnServer {
  readonly origin: string;
  readonly walletAddress: string;
  /** Entries of the key set. */
  keys: object[];
  /** False answers 404 for the key set. */
  isPublished: boolean;
  /** Takes any request for the next callback. A good client never does. */
  takesAnyCallback: boolean;
  newCallbackUri(): string;
  openCallback(uri?: string): Callback;
  close(): Promise<void>;
}

const CALLBACK_MS = 10_000;

export async function startOwnServer(): Promise<OwnServer> {
  const open = new Map<string, ((query: URLSearchParams) => void)[]>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', own.origin);
    const json = (body: object) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(body));
    };
    if (url.pathname === '/client') return json(describeClient(own.origin));
    if (url.pathname === '/client/jwks.json' && own.isPublished) return json({ keys: own.keys });
    // A callback ends with its first request: a repeated one is not an answer to anything.
    const waiting = own.takesAnyCallback ? [...open.values()].find(({ length }) => length > 0) : open.get(url.pathname);
    const arrive = waiting?.shift();
    response.statusCode = arrive ? 200 : 404;
    response.setHeader('content-type', 'text/plain');
    response.end(arrive ? 'You can close this window.' : 'There is nothing here.');
    arrive?.(url.searchParams);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const own: OwnServer = {
    origin,
    walletAddress: `${origin}/client`,
    keys: [],
    isPublished: true,
    takesAnyCallback: false,
    newCallbackUri: () => `${origin}/callback/${randomUUID()}`,
    openCallback(uri = own.newCallbackUri()) {
      const { pathname } = new URL(uri, origin);
      const { promise, resolve, reject } = Promise.withResolvers<URLSearchParams>();
      // A caller that failed before it waits for the callback must not end the process.
      promise.catch(() => {});
      const timer = setTimeout(() => reject(new Error('no callback came')), CALLBACK_MS);
      timer.unref();
      const waiting = open.get(pathname) ?? [];
      open.set(pathname, waiting);
      waiting.push((query) => {
        clearTimeout(timer);
        resolve(query);
      });
      return { uri, arrived: promise };
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return own;
}

const describeClient = (origin: string) => ({
  id: `${origin}/client`,
  publicName: 'Good client',
  assetCode: 'USD',
  assetScale: 2,
  authServer: `${origin}/auth`,
  resourceServer: origin,
});
