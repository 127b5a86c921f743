/** Wallet address URLs and the one spelling in which each of them is stored and compared (WA-20). */

/** Lower case, without a trailing slash: for wallet addresses of this ASE, whose paths ignore case. */
export const canonicalWalletAddress = (url: string): string => url.toLowerCase().replace(/\/$/, '');

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

/**
 * A wallet address that may belong to another ASE, whose paths may be case-sensitive: origin and path without a
 * trailing slash. Undefined unless the text is an http(s) URL without query, fragment and credentials.
 */
export function parseWalletAddress(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password) {
    return undefined;
  }
  return url.origin + url.pathname.replace(/\/$/, '');
}
