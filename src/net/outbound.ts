/**
 * HTTP requests to addresses that other parties name (key sets, other ASEs), protected against server-side request
 * forgery (RFC 9635 §11, RFC 6890; AS-30).
 */
import { lookup as resolveHost } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';

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
  /** Allow loopback and private networks. Link-local, multicast and reserved addresses stay blocked. */
  readonly allowPrivateAddresses: boolean;
  /** Allow http: besides https:. */
  readonly allowHttp: boolean;
  /** Milliseconds for the whole exchange, redirects included. */
  readonly timeoutMs: number;
  /** Maximum size of a response. */
  readonly maxBytes: number;
  readonly userAgent: string;
  /** Trusted certificate authorities; the well-known ones by default. */
  readonly trust?: SecureContext;
  /** Origin → address at which the operator says its server is. These addresses are never blocked. */
  readonly hosts?: ReadonlyMap<string, string>;
}

export interface OutboundRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface OutboundResponse {
  readonly status: number;
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

const reserved = createBlockList(
  '0.0.0.0/8 169.254.0.0/16 192.0.0.0/24 192.0.2.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
  // among them those that carry an IPv4 address to a translator: 64:ff9b::/32, 2001::/23 (Teredo), 2002::/16 (6to4)
  '::/128 64:ff9b::/32 100::/64 2001::/23 2001:db8::/32 2002::/16 fe80::/10 fec0::/10 ff00::/8',
);
const privateNetworks = createBlockList(
  '10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 172.16.0.0/12 192.168.0.0/16',
  '::1/128 fc00::/7',
);

function createBlockList(ipv4: string, ipv6: string): BlockList {
  const list = new BlockList();
  for (const subnet of ipv4.split(' ')) list.addSubnet(...splitSubnet(subnet), 'ipv4');
  for (const subnet of ipv6.split(' ')) list.addSubnet(...splitSubnet(subnet), 'ipv6');
  return list;
}

function splitSubnet(subnet: string): [network: string, prefix: number] {
  const [network, prefix] = subnet.split('/');
  return [network!, Number(prefix)];
}

/** True when no connection may be made to this IP address. IPv4-mapped IPv6 addresses count as what they map. */
export function isBlockedAddress(address: string, allowPrivateAddresses: boolean): boolean {
  const plain = address.split('%', 1)[0]!;
  const family = isIP(plain);
  if (family === 0) return true;
  const type = family === 6 ? 'ipv6' : 'ipv4';
  return reserved.check(plain, type) || (!allowPrivateAddresses && privateNetworks.check(plain, type));
}

/** Checks at connection time, so that a name cannot resolve to another address after the check (DNS rebinding). */
const createCheckedLookup =
  ({ allowPrivateAddresses }: Pick<OutboundOptions, 'allowPrivateAddresses'>): LookupFunction =>
  (hostname, lookupOptions, done) => {
    resolveHost(hostname, { ...lookupOptions, all: true }, (error, addresses) => {
      if (error) return done(error, '', 0);
      const blocked = addresses.some(({ address }) => isBlockedAddress(address, allowPrivateAddresses));
      const first = addresses[0];
      if (blocked || !first)
        return done(new OutboundError('blocked_address', `${hostname} is not a public host`), '', 0);
      if (lookupOptions.all) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };

/** The HTTP client for such requests. Its connections are kept alive and shared. */
export function createOutbound(options: OutboundOptions): Outbound {
  const lookup = createCheckedLookup(options);
  const agentOptions = { keepAlive: true, maxSockets: 64, maxFreeSockets: 16, timeout: 30_000 };
  const createAgents = () => ({
    'http:': new http.Agent(agentOptions),
    'https:': new https.Agent({ ...agentOptions, secureContext: options.trust }),
  });
  // A kept connection to a configured address must not be reused where the address has to be checked.
  const agents = { checked: createAgents(), configured: createAgents() };

  return {
    async request(request) {
      const signal = AbortSignal.timeout(options.timeoutMs);
      let url = checkUrl(request.url, options);
      for (let redirects = 0; ; redirects++) {
        const response = await fetchOnce(url, request, signal);
        const location = response.headers['location'];
        if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return response;
        const target = URL.parse(location, url.href);
        if ((request.method ?? 'GET') !== 'GET' || redirects === MAX_REDIRECTS || target?.origin !== url.origin) {
          throw new OutboundError('redirect', `${url.origin} answers with a redirect that is not followed`);
        }
        url = checkUrl(target.href, options);
      }
    },
    close() {
      for (const { 'http:': plain, 'https:': secure } of Object.values(agents)) {
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
      const outgoing = (protocol === 'https:' ? https : http).request(target, {
        method: request.method ?? 'GET',
        headers: {
          'user-agent': options.userAgent,
          accept: 'application/json',
          'accept-encoding': 'identity',
          host: url.host,
          ...(request.body ? { 'content-length': String(request.body.length) } : {}),
          ...request.headers,
        },
        agent: agents[address === undefined ? 'checked' : 'configured'][protocol],
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
        headers: joinHeaders(incoming.headers),
        body: Buffer.concat(chunks, size),
      });
    });
  });
}

function checkUrl(text: string, options: OutboundOptions): URL {
  const url = URL.parse(text);
  if (!url) throw new OutboundError('protocol', 'not an absolute URL');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && options.allowHttp)) {
    throw new OutboundError('protocol', `${url.protocol} URLs are not called`);
  }
  if (url.username !== '' || url.password !== '') throw new OutboundError('protocol', 'URL with credentials');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && isBlockedAddress(host, options.allowPrivateAddresses)) {
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
