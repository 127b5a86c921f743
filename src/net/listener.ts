/**
 * An HTTP or HTTPS listener that is opened before its handler exists, because the handler needs the origin. It limits
 * the header bytes, time and concurrent requests of each client (RFC 9112 §3.2, §9.3.2, §11.2).
 */
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { shareConnections } from './connection-shares.ts';
import { divertPlainConnections } from './plain-connections.ts';
import { openPort } from './port-sockets.ts';
import { describeMalformed } from './request-line.ts';
import type { CertificateAndKey } from './x509.ts';

export interface Listener {
  readonly port: number;
  /** Sets the handler; before that, the listener answers 503. */
  serve(handler: RequestListener): void;
  /** On a port for TLS, refuses requests without it: the default answers 400. */
  refusePlain(handler: RequestListener): void;
  /** Stops accepting, lets running requests finish for `graceMs`, then closes the remaining connections. */
  close(graceMs?: number): Promise<void>;
}

/** Times in milliseconds, sizes in bytes. */
export interface ListenerLimits {
  /** From the connection, or the end of the previous request, until the header is complete. */
  readonly headersTimeout: number;
  /** Until the request is complete. */
  readonly requestTimeout: number;
  /** Interval at which these two timeouts are checked. */
  readonly connectionsCheckingInterval: number;
  readonly keepAliveTimeout: number;
  /** Idle time in both directions, for instance of a client that does not read its response. */
  readonly timeout: number;
  /** The request line and the header lines together. */
  readonly maxHeaderSize: number;
  readonly maxHeaderLines: number;
  readonly maxConnections: number;
  /** From the end of a response until the client has received it, except for what the system buffers. */
  readonly writeTimeout: number;
  /** Responses that wait for clients to read, on all connections together; beyond it, the largest is cut off. */
  readonly maxUnreadBytes: number;
  /** Unanswered requests on one connection; a client that sends more loses the connection. */
  readonly maxPipelined: number;
}

const standardLimits: ListenerLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
  keepAliveTimeout: 65_000,
  timeout: 120_000,
  maxHeaderSize: 16 * 1024,
  maxHeaderLines: 200,
  maxConnections: 2_000,
  maxPipelined: 32,
  writeTimeout: 30_000,
  maxUnreadBytes: 128 * 1024 * 1024,
};

/** Cuts off clients that do not read: `watch` is called with each response before it is written. */
function createUnreadLimit({ writeTimeout, maxUnreadBytes }: Pick<ListenerLimits, 'writeTimeout' | 'maxUnreadBytes'>) {
  /** Bytes of responses that are complete and not yet received, oldest first. */
  const unread = new Map<ServerResponse, number>();
  let total = 0;
  return function watch(res: ServerResponse): void {
    const { socket } = res.req;
    const end = res.end;
    res.end = ((...args: Parameters<typeof end>) => {
      end.apply(res, args);
      if (unread.has(res) || res.writableLength === 0) return res;
      total += res.writableLength;
      unread.set(res, res.writableLength);
      const timer = setTimeout(() => socket.destroy(), writeTimeout).unref();
      const settle = (): void => {
        clearTimeout(timer);
        total -= unread.get(res) ?? 0;
        unread.delete(res);
      };
      res.once('finish', settle).once('close', settle);
      while (total > maxUnreadBytes) {
        const [largest, bytes] = [...unread].reduce((a, b) => (b[1] > a[1] ? b : a));
        total -= bytes;
        unread.delete(largest);
        largest.req.socket.destroy();
      }
      return res;
    }) as typeof end;
  };
}

export const plainRefusal = 'this port takes requests in TLS only';

const notReady: RequestListener = (_req, res) => {
  res.writeHead(503, { 'Retry-After': '1' }).end();
};

/** Requests that have no answer yet, for each connection. */
type UnansweredRequests = WeakMap<Duplex, Set<IncomingMessage>>;

/** The server for HTTP or HTTPS, and a function that ends connections on which it is not decided which of them. */
function createListeningServer(
  { maxHeaderLines, timeout, ...limits }: ListenerLimits,
  credentials: CertificateAndKey | undefined,
  answer: RequestListener,
  unanswered: UnansweredRequests,
): { readonly server: HttpServer | TlsServer; readonly closeUndecided: () => void } {
  // A missing Host is rejected in `answer`, in the common error format.
  const options = { ...limits, requireHostHeader: false };
  const prepare = <Server extends HttpServer | TlsServer>(server: Server): Server => {
    server.timeout = timeout;
    // One more than allowed, so that too many are noticed.
    server.maxHeadersCount = maxHeaderLines + 1;
    server.on('checkExpectation', (_req, res) => sendError(res, 417, 'the only supported expectation is 100-continue'));
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // The response must not be mistaken for that to an earlier request.
      const isOfThisRequest = [...(unanswered.get(socket) ?? [])].every((req) => !req.complete);
      if (socket.writable && isOfThisRequest && error.code !== 'ECONNRESET')
        socket.write(renderParserError(error.code));
      socket.destroy();
    });
    return server;
  };
  const plain = prepare(createServer(options, answer));
  if (!credentials) return { server: plain, closeUndecided: () => {} };
  const secure = prepare(
    createTlsServer({ ...options, handshakeTimeout: limits.headersTimeout, ...credentials }, answer),
  );
  const diverted = divertPlainConnections(secure, plain, limits.headersTimeout);
  return { server: secure, closeUndecided: diverted.close };
}

/** Listens on a port, or on any free one for 0; in TLS with `credentials`, certificate and private key in PEM. */
export async function listen(
  host: string,
  port: number,
  credentials?: CertificateAndKey,
  changedLimits: Partial<ListenerLimits> = {},
): Promise<Listener> {
  const limits = { ...standardLimits, ...changedLimits };
  const { maxPipelined, maxHeaderLines } = limits;
  const watchUnread = createUnreadLimit(limits);
  let handler = notReady;
  let plainHandler: RequestListener = (_req, res) => sendError(res, 400, plainRefusal);
  const unanswered: UnansweredRequests = new WeakMap();
  const answer: RequestListener = (req, res) => {
    const isPlain = credentials !== undefined && !(req.socket as Partial<TLSSocket>).encrypted;
    if (req.socket.destroyed) return;
    const requests = unanswered.get(req.socket) ?? new Set();
    unanswered.set(req.socket, requests.add(req));
    if (requests.size > maxPipelined) return void req.socket.destroy();
    res.once('close', () => requests.delete(req));
    watchUnread(res);
    const malformed = describeMalformed(req);
    if (req.rawHeaders.length > 2 * maxHeaderLines)
      sendError(res, 431, `the header has more than ${maxHeaderLines} lines`);
    else if (malformed !== undefined) sendError(res, 400, malformed);
    else if (isPlain) plainHandler(req, res);
    else handler(req, res);
  };
  const { server, closeUndecided } = createListeningServer(limits, credentials, answer, unanswered);
  shareConnections(server, limits.maxConnections);
  const stopListening = await openPort(server, { host, port });
  return {
    port: (server.address() as AddressInfo).port,
    serve(next) {
      handler = next;
    },
    refusePlain(next) {
      plainHandler = next;
    },
    async close(graceMs = 5000) {
      const closed = stopListening();
      server.closeIdleConnections();
      closeUndecided();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** The error object of Open Payments, which all servers use. */
const errorBody = (description: string): string => JSON.stringify({ error: { code: 'invalid_request', description } });

function sendError(res: ServerResponse, status: number, description: string): void {
  res.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close' }).end(errorBody(description));
}

/** Responses to requests that Node's HTTP parser rejects, by error code. Other codes mean the bytes are not HTTP. */
const parserErrors: Readonly<Record<string, readonly [status: string, description: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the header is too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Content Too Large', 'the chunk extensions are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request did not arrive in time'],
};

function renderParserError(code = ''): string {
  const [status, description] = parserErrors[code] ?? ['400 Bad Request', 'this is not a request in HTTP/1.1'];
  const body = errorBody(description);
  return [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Cache-Control: no-store',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
