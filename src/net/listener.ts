/**
 * An HTTP or HTTPS listener whose origin must be known before what it serves can be made, and what one client may take
 * of it: header bytes, time, requests at once (RFC 9112 §3.2, §9.3.2, §11.2).
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Listener {
  readonly port: number;
  /** What answers from now on; until then 503. */
  serve(handler: RequestListener): void;
  /** Stops accepting, lets running requests end for `graceMs`, then cuts the rest off. */
  close(graceMs?: number): Promise<void>;
}

/** Times in milliseconds, sizes in bytes. */
export interface ListenerLimits {
  /** From the connection, or the end of the last request, until a whole head is there. */
  readonly headersTimeout: number;
  /** Until a whole request is there. */
  readonly requestTimeout: number;
  /** How often the two are looked after. */
  readonly connectionsCheckingInterval: number;
  readonly keepAliveTimeout: number;
  /** A connection on which nothing moves in either direction, as with a client that does not read its answer. */
  readonly timeout: number;
  /** Of a request line and its header lines together. */
  readonly maxHeaderSize: number;
  readonly maxHeaderLines: number;
  readonly maxConnections: number;
  /** Requests on one connection that wait for their answers; a client that sends more loses the connection. */
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
};

const notReady: RequestListener = (_req, res) => {
  res.writeHead(503, { 'Retry-After': '1' }).end();
};

/** Listens on a port, or on any free one for 0; in TLS with `credentials`, certificate and private key in PEM. */
export async function listen(
  host: string,
  port: number,
  credentials?: { readonly cert: string; readonly key: string },
  changedLimits: Partial<ListenerLimits> = {},
): Promise<Listener> {
  const { maxConnections, maxPipelined, maxHeaderLines, timeout, ...limits } = { ...standardLimits, ...changedLimits };
  // A missing Host is refused below, in the format of all refusals.
  const options = { ...limits, requireHostHeader: false };
  let handler = notReady;
  /** Of each connection, the requests that wait for their answers. */
  const waiting = new WeakMap<Duplex, Set<IncomingMessage>>();
  const answer: RequestListener = (req, res) => {
    if (req.socket.destroyed) return;
    const here = waiting.get(req.socket) ?? new Set();
    waiting.set(req.socket, here.add(req));
    if (here.size > maxPipelined) return void req.socket.destroy();
    res.once('close', () => here.delete(req));
    if (req.rawHeaders.length > 2 * maxHeaderLines)
      refuse(res, 431, `the header has more than ${maxHeaderLines} lines`);
    else if (!hasOneHost(req)) refuse(res, 400, 'a request has one Host');
    else handler(req, res);
  };
  const server = credentials
    ? createTlsServer({ ...options, handshakeTimeout: 10_000, ...credentials }, answer)
    : createServer(options, answer);
  server.timeout = timeout;
  server.maxConnections = maxConnections;
  // What is left out beyond that is never asked for.
  server.maxHeadersCount = maxHeaderLines + 1;
  server.on('checkExpectation', (_req, res) => refuse(res, 417, 'there is only 100-continue to expect'));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // An answer must not be taken for that to an earlier request.
    const isOfThisRequest = [...(waiting.get(socket) ?? [])].every((req) => !req.complete);
    if (socket.writable && isOfThisRequest && error.code !== 'ECONNRESET') socket.write(describeRefusal(error.code));
    socket.destroy();
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, resolve);
  await promise;
  server.off('error', reject);
  return {
    port: (server.address() as AddressInfo).port,
    serve(next) {
      handler = next;
    },
    async close(graceMs = 5000) {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** RFC 9112 §3.2: one Host, which only HTTP/1.0 may leave out. */
function hasOneHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  return hosts === 1 || (hosts === 0 && httpVersion === '1.0');
}

/** The error object of Open Payments: all its servers have this form. */
const errorBody = (description: string): string => JSON.stringify({ error: { code: 'invalid_request', description } });

function refuse(res: ServerResponse, status: number, description: string): void {
  res.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close' }).end(errorBody(description));
}

/** Of what Node's parser does not take: the codes that it gives, others are no HTTP. */
const refusals: Readonly<Record<string, readonly [status: string, description: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the header is too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Content Too Large', 'the chunk extensions are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request did not come in time'],
};

function describeRefusal(code = ''): string {
  const [status, description] = refusals[code] ?? ['400 Bad Request', 'this is not a request in HTTP/1.1'];
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
