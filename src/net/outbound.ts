/**
 * HTTP requests to addresses that other parties name (key sets, other ASEs), protected against server-side request
 * forgery (RFC 9635 §11, RFC 6890; AS-30).
 */
import { lookup as resolveHost } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import { type AddressRanges, isAllowedAddress, isPublicAddress } from './addresses.ts';

/** `User-Agent` of all requests that an ASE sends. */
export const serverUserAgent = 'touchstone';

export type OutboundErrorCode = 'blocked_address' | 'timeout' | 'too_large' | 'redirect' | 'connect' | 'protocol';

/** A request without a usable response. */
export class OutboundError extends Error {
  readonly code: OutboundErrorCode;
  constructor(code: OutboundErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'OutboundError';
    this.code = code;
  }
}

export interface OutboundOptions {
  /** Private addresses that may be called; public ones always may. */
  readonly allowedRanges: AddressRanges;
  /** Allow http: besides https:. */
  readonly allowHttp: boolean;
  /** Allow ports below 1024 besides 80 and 443, at which other protocols are spoken. */
  readonly allowAnyPort?: boolean;
  /** Milliseconds for the whole exchange, redirects included. */
  readonly timeoutMs: number;
  /** Maximum size of a response. */
  readonly maxBytes: number;
  readonly userAgent: string;
  /** Further header fields for requests to some origins. */
  readonly headersFor?: (origin: string) => Readonly<Record<string, string>>;
  /** Trusted certificate authorities; the well-known ones by default. */
  readonly trust?: SecureContext;
  /** Origin that the operator knows → address of its server. These addresses are never blocked. */
  readonly hosts?: ReadonlyMap<string, string>;
  /** Resolves host names; replaced by tests. */
  readonly resolve?: typeof resolveHost;
}

export interface OutboundRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Call public addresses and known origins only, whatever is allowed: for a URL that a public server named. */
  readonly publicOnly?: boolean;
  /** A redirect is an answer like any other. */
  readonly keepsRedirects?: boolean;
}

export interface OutboundResponse {
  readonly status: number;
  /** True if it came from a public address. */
  readonly isPublic: boolean;
  /** Names in lower case; lines of the same name joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface Outbound {
  /** Any status is an answer. Throws OutboundError only. A GET follows up to three redirects within its origin. */
  request(request: OutboundRequest): Promise<OutboundResponse>;
  /** Closes the idle connections. */
  close(): void;
}

const MAX_REDIRECTS = 3;

/** Checks at connection time, so that a name cannot resolve to another address after the check (DNS rebinding). */
const createCheckedLookup =
  (allowed: AddressRanges, resolve: typeof resolveHost): LookupFunction =>
  (hostname, lookupOptions, done) => {
    resolve(hostname, { ...lookupOptions, all: true }, (error, addresses) => {
      if (error) return done(error, '', 0);
      const first = addresses[0];
      if (!first || !addresses.every(({ address }) => isAllowedAddress(address, allowed)))
        return done(new OutboundError('blocked_address', `${hostname} is not a public host`), '', 0);
      if (lookupOptions.all) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };

/** Kept connections by the addresses at their other end, so that none is reused where it would not be allowed. */
function createConnections({ allowedRanges, trust, resolve = resolveHost }: OutboundOptions) {
  const agentOptions = { keepAlive: true, maxSockets: 64, maxFreeSockets: 16, timeout: 30_000 };
  const create = (allowed?: AddressRanges) => ({
    'http:': new http.Agent(agentOptions),
    'https:': new https.Agent({ ...agentOptions, secureContext: trust }),
    lookup: allowed && createCheckedLookup(allowed, resolve),
  });
  return { known: create(), allowed: create(allowedRanges), public: create([]) };
}

/** The HTTP client for such requests. Its connections are kept alive and shared. */
export function createOutbound(options: OutboundOptions): Outbound {
  const connections = createConnections(options);

  return {
    async request(request) {
      const signal = AbortSignal.timeout(options.timeoutMs);
      let url = checkUrl(request, request.url, options);
      for (let redirects = 0; ; redirects++) {
        const response = await fetchOnce(url, request, signal);
        const location = response.headers['location'];
        const isRedirect = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined;
        if (!isRedirect || request.keepsRedirects) return response;
        const target = URL.parse(location, url.href);
        if ((request.method ?? 'GET') !== 'GET' || redirects === MAX_REDIRECTS || target?.origin !== url.origin) {
          throw new OutboundError('redirect', `${url.origin} answers with a redirect that is not followed`);
        }
        url = checkUrl(request, target.href, options);
      }
    },
    close() {
      for (const { 'http:': plain, 'https:': secure } of Object.values(connections)) {
        plain.destroy();
        secure.destroy();
      }
    },
  };

  function fetchOnce(url: URL, request: OutboundRequest, signal: AbortSignal): Promise<OutboundResponse> {
    return new Promise((resolve, reject) => {
      const address = options.hosts?.get(url.origin);
      const target = address === undefined ? url : new URL(url.pathname + url.search, address);
      const protocol = target.protocol as 'http:' | 'https:';
      const { lookup, ...agents } =
        connections[address !== undefined ? 'known' : request.publicOnly ? 'public' : 'allowed'];
      const outgoing = (protocol === 'https:' ? https : http).request(target, {
        method: request.method ?? 'GET',
        headers: {
          'user-agent': options.userAgent,
          accept: 'application/json',
          'accept-encoding': 'identity',
          host: url.host,
          ...(request.body ? { 'content-length': String(request.body.length) } : {}),
          ...request.headers,
          ...options.headersFor?.(url.origin),
        },
        agent: agents[protocol],
        ...(address === undefined ? { lookup } : { servername: url.hostname }),
        signal,
      });
      const fail = (error: unknown): void => {
        if (signal.aborted) reject(timedOut(url, options));
        // A kept connection may have been closed by the other side just as it was taken up again.
        else if (outgoing.reusedSocket && isReset(error) && outgoing.method === 'GET') {
          resolve(fetchOnce(url, request, signal));
        } else reject(toOutboundError(error, url));
      };
      outgoing.on('error', fail);
      outgoing.on('response', (incoming) => {
        readResponse(incoming, url, options).then(resolve, (error: unknown) => {
          reject(signal.aborted ? timedOut(url, options) : toOutboundError(error, url));
          outgoing.destroy();
        });
      });
      outgoing.end(request.body);
    });
  }
}

function readResponse(incoming: http.IncomingMessage, url: URL, options: OutboundOptions): Promise<OutboundResponse> {
  return new Promise((resolve, reject) => {
    const isPublic = isPublicAddress(incoming.socket.remoteAddress ?? '');
    const rejectWith = (code: OutboundErrorCode, message: string): void =>
      reject(new OutboundError(code, `${url.origin} ${message}`));
    incoming.on('error', reject);
    const encoding = incoming.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') return rejectWith('protocol', 'answers in a content coding');
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > options.maxBytes) rejectWith('too_large', `answers with more than ${options.maxBytes} bytes`);
      else chunks.push(chunk);
    });
    incoming.on('end', () => {
      resolve({
        status: incoming.statusCode ?? 0,
        isPublic,
        headers: joinHeaders(incoming.headers),
        body: Buffer.concat(chunks, size),
      });
    });
  });
}

/** Schemes, ports and literal addresses. Names are checked when they are resolved. */
function checkUrl({ publicOnly }: OutboundRequest, text: string, options: OutboundOptions): URL {
  const url = URL.parse(text);
  if (!url) throw new OutboundError('protocol', 'not an absolute URL');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && options.allowHttp)) {
    throw new OutboundError('protocol', `${url.protocol} URLs are not called`);
  }
  if (url.username !== '' || url.password !== '') throw new OutboundError('protocol', 'URL with credentials');
  if (options.hosts?.has(url.origin)) return url;
  const port = Number(url.port || 443);
  if (port < 1024 && port !== 80 && port !== 443 && !options.allowAnyPort) {
    throw new OutboundError('blocked_address', `port ${port} is not called`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isAllowedAddress(host, publicOnly ? [] : options.allowedRanges)) {
    throw new OutboundError('blocked_address', `${host} is not a public host`);
  }
  return url;
}

function timedOut(url: URL, { timeoutMs }: OutboundOptions): OutboundError {
  return new OutboundError('timeout', `${url.origin} gives no whole answer in ${timeoutMs} ms`);
}

function isReset(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ECONNRESET';
}

function toOutboundError(error: unknown, url: URL): OutboundError {
  if (error instanceof OutboundError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code.startsWith('HPE_')) return new OutboundError('protocol', `${url.origin} does not answer in HTTP`, error);
  return new OutboundError('connect', `no connection to ${url.origin}${code && ` (${code})`}`, error);
}

function joinHeaders(headers: http.IncomingHttpHeaders): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return joined;
}
