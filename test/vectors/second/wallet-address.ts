/** The canonical spelling of a wallet address, written a second time: without the URL parser of the platform. */
import { domainToASCII } from 'node:url';

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };
const UNRESERVED = /^[A-Za-z0-9._~-]$/;

/** Undefined unless the text is an http(s) URL without query, fragment and credentials. */
export function canonicalize(text: string): string | undefined {
  const colon = text.indexOf('://');
  const scheme = text.slice(0, Math.max(colon, 0)).toLowerCase();
  if (!Object.hasOwn(DEFAULT_PORTS, scheme) || text.includes('?') || text.includes('#')) return undefined;
  const rest = text.slice(colon + 3);
  const slash = rest.includes('/') ? rest.indexOf('/') : rest.length;
  const authority = canonicalAuthority(rest.slice(0, slash), DEFAULT_PORTS[scheme]!);
  return authority && `${scheme}://${authority}${canonicalPath(rest.slice(slash))}`;
}

function canonicalAuthority(authority: string, defaultPort: string): string | undefined {
  if (authority === '' || authority.includes('@') || authority.includes(' ')) return undefined;
  const bracket = authority.lastIndexOf(']');
  if (authority.startsWith('[') !== bracket > 0) return undefined;
  const colon = authority.indexOf(':', Math.max(bracket, 0));
  const [host, port] = colon < 0 ? [authority, ''] : [authority.slice(0, colon), authority.slice(colon + 1)];
  if (!/^\d*$/.test(port) || Number(port) > 65_535) return undefined;
  const name = bracket > 0 ? host.toLowerCase() : domainToASCII(host).replace(/\.$/, '');
  return name && `${name}${port === '' || port === defaultPort ? '' : `:${port}`}`;
}

function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/').map(canonicalSegment)) {
    if (segment === '..') segments.pop();
    else if (segment !== '.' && segment !== '') segments.push(segment);
  }
  return segments.map((segment) => `/${segment}`).join('');
}

/** Unreserved characters as they are, all others of UTF-8 percent-encoded unless they are allowed in a path. */
function canonicalSegment(segment: string): string {
  let result = '';
  for (let at = 0; at < segment.length; ) {
    const character = String.fromCodePoint(segment.codePointAt(at)!);
    if (character === '%') {
      const decoded = String.fromCharCode(Number.parseInt(segment.slice(at + 1, at + 3), 16));
      result += UNRESERVED.test(decoded) ? decoded : segment.slice(at, at + 3);
      at += 3;
      continue;
    }
    result += character < '\x7f' ? character : encodeURIComponent(character);
    at += character.length;
  }
  return result.toLowerCase();
}
