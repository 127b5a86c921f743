/** Request target and Host of a request: RFC 9112 §3.2, RFC 9110 §4.2 and §7.2. */
import type { IncomingMessage } from 'node:http';

type RequestLine = Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders' | 'httpVersion'>;

/**
 * Printable ASCII without `#` and `\`. A fragment is not part of a target, and would be acted on without being signed;
 * URL parsers take a backslash for a slash.
 */
const TARGET_CHARACTERS = /^[!"$-[\]-~]+$/;

const ABSOLUTE_FORM = /^https?:\/\/([^/?]*)/i;

/** Why a request line or its Host is malformed, or undefined. Only HTTP/1.0 may leave Host out. */
export function describeMalformed({ method, url = '', rawHeaders, httpVersion }: RequestLine): string | undefined {
  const hosts = rawHeaders.filter(
    (_value, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === 'host',
  );
  if (hosts.length > 1 || (hosts.length === 0 && httpVersion !== '1.0')) return 'exactly one Host header is required';
  if (!TARGET_CHARACTERS.test(url)) return 'the request target has a character that must be percent-encoded';
  const authority = ABSOLUTE_FORM.exec(url)?.[1];
  const isKnownForm = url.startsWith('/') || authority !== undefined || (url === '*' && method === 'OPTIONS');
  if (!isKnownForm) return 'the request target is neither a path nor an http(s) URL';
  if (authority === undefined) return undefined;
  return normalizeHost(authority, 'http:') === undefined ? 'the request target has a malformed host' : undefined;
}

/** The host and port that a request names: in a target in absolute-form, else in its Host (RFC 9112 §3.2.2). */
export function requestedHost({ url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>): string {
  return ABSOLUTE_FORM.exec(url)?.[1] ?? headers.host ?? '';
}

/** True if the host and port are those of the URL: case, the default port and a final dot do not matter. */
export function isHostOf(host: string, url: string): boolean {
  // Nearly all requests spell it as the URL does, and parsing takes long.
  if (host === url.split('/', 3)[2]) return true;
  const { protocol } = new URL(url);
  const normalized = normalizeHost(host, protocol);
  return normalized !== undefined && normalized === normalizeHost(new URL(url).host, protocol);
}

function normalizeHost(host: string, protocol: string): string | undefined {
  // Nothing but a host and a port: no credentials, path, query or fragment.
  const url = /^[^\s/?#@\\]+$/.test(host) ? URL.parse(`${protocol}//${host}`) : null;
  return url === null ? undefined : `${url.hostname.replace(/\.$/, '')}:${url.port}`;
}
