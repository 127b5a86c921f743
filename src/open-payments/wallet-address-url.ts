/** Wallet address URLs and the one spelling in which each of them is stored and compared (WA-20, OPI-081). */

/**
 * The canonical spelling of a wallet address of any server: host in lower case without default port and final dot; path
 * in lower case without dot segments, repeated and trailing slashes, and percent-encoded unreserved characters.
 * Undefined unless the text is an http(s) URL without query, fragment and credentials.
 */
export function parseWalletAddress(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password) {
    return undefined;
  }
  const authority = url.hostname.replace(/\.$/, '') + (url.port && `:${url.port}`);
  const path = canonicalPath(decodeUnreserved(url.pathname));
  return `${url.protocol}//${authority}${path === '/' ? '' : path}`;
}

/** The canonical spelling of a text that may not be a wallet address: then it equals none. */
export const canonicalWalletAddress = (text: string): string => parseWalletAddress(text) ?? text;

/** Path of a wallet address of this ASE from a request target: lower case, no query, no trailing or double slashes. */
export function canonicalPath(target: string): string {
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  return (
    path
      .replaceAll(/\/{2,}/g, '/')
      .replace(/\/$/, '')
      .toLowerCase() || '/'
  );
}

/** RFC 3986 §6.2.2.2. */
const decodeUnreserved = (path: string): string =>
  path.replaceAll(/%(?:2[de]|3\d|[46][1-9a-f]|[57][0-9a]|5f|7e)/gi, (encoded) => decodeURIComponent(encoded));
