/** The server of a client: its wallet address with the key set, and the callbacks of its grants. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Callback {
  readonly uri: string;
  /** The query of the next request for this URI. Rejects after this many milliseconds, ten seconds if absent. */
  next(milliseconds?: number): Promise<URLSearchParams>;
  /** Requests that come later get 404: they are not answers to anything. */
  close(): void;
}

export interface OwnServer {
  readonly origin: string;
  readonly walletAddress: string;
  /** Entries of the key set. */
  keys: object[];
  /** False answers 404 for the key set. */
  isPublished: boolean;
  /** Takes any request for a callback of every grant. A good client never does. */
  takesAnyCallback: boolean;
  newCallbackUri(): string;
  openCallback(uri?: string): Callback;
  close(): Promise<void>;
}

const CALLBACK_MS = 10_000;

export async function startOwnServer(): Promise<OwnServer> {
  const open = new Set<Listener>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', own.origin);
    const json = (body: object) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(body));
    };
    if (url.pathname === '/client') return json(describeClient(own.origin));
    if (url.pathname === '/client/jwks.json' && own.isPublished) return json({ keys: own.keys });
    const listeners = [...open].filter(({ pathname }) => own.takesAnyCallback || pathname === url.pathname);
    response.statusCode = listeners.length > 0 ? 200 : 404;
    response.setHeader('content-type', 'text/plain');
    response.end(listeners.length > 0 ? 'You can close this window.' : 'There is nothing here.');
    for (const listener of listeners) listener.take(url.searchParams);
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
      const listener = createListener(pathname);
      open.add(listener);
      return { uri, next: listener.next, close: () => void open.delete(listener) };
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return own;
}

interface Listener extends Pick<Callback, 'next'> {
  readonly pathname: string;
  take(query: URLSearchParams): void;
}

/** Callbacks wait in a queue, and readers of the queue for callbacks. */
function createListener(pathname: string): Listener {
  const arrived: URLSearchParams[] = [];
  const readers: ((query: URLSearchParams) => void)[] = [];
  return {
    pathname,
    take(query) {
      const reader = readers.shift();
      if (reader) reader(query);
      else arrived.push(query);
    },
    next(milliseconds = CALLBACK_MS) {
      const query = arrived.shift();
      if (query) return Promise.resolve(query);
      const { promise, resolve, reject } = Promise.withResolvers<URLSearchParams>();
      // A caller that failed before it waits for the callback must not end the process.
      promise.catch(() => {});
      const reader = (each: URLSearchParams) => {
        clearTimeout(timer);
        resolve(each);
      };
      const timer = setTimeout(() => {
        readers.splice(readers.indexOf(reader), 1);
        reject(new Error('no callback came'));
      }, milliseconds);
      timer.unref();
      readers.push(reader);
      return promise;
    },
  };
}

const describeClient = (origin: string) => ({
  id: `${origin}/client`,
  publicName: 'Good client',
  assetCode: 'USD',
  assetScale: 2,
  authServer: `${origin}/auth`,
  resourceServer: origin,
});
