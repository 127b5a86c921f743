/**
 * Cookies of the identity provider's pages (RFC 6265), hidden from scripts: limited to its path over http, and over https
 * with the prefix `__Host-`, so that neither a sibling domain nor a plain http page can set them.
 */

import { headerLines, type ReceivedRequest } from '../http/received-request.ts';
import { withoutLastSlashes } from '../net/slashes.ts';

/** Values of the cookies with this name. Over http, further ones may come from a sibling domain or another port. */
export const listCookies = (exchange: ReceivedRequest, name: string): string[] =>
  headerLines(exchange, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim().split('='))
    .filter(([cookieName]) => cookieName === fullName(exchange, name))
    .map(([, value = '']) => value);

/** Value of the first cookie with this name. */
export const readCookie = (exchange: ReceivedRequest, name: string): string | undefined =>
  listCookies(exchange, name)[0];

const isSecure = ({ targetUri }: ReceivedRequest): boolean => targetUri.startsWith('https:');

const fullName = (exchange: ReceivedRequest, name: string): string => (isSecure(exchange) ? `__Host-${name}` : name);

function directoryOf(path: string): string {
  const bare = withoutLastSlashes(path);
  return withoutLastSlashes(bare.slice(0, bare.lastIndexOf('/'))) || '/';
}

/**
 * Value of Set-Cookie for all pages in the directory of the requested one; over https for the host. 0 removes it.
 * It is sent when people come from the site of the client, perhaps to a request that is open in another tab.
 */
export function writeCookie(exchange: ReceivedRequest, name: string, value: string, seconds: number): string {
  const path = isSecure(exchange) ? '/' : directoryOf(new URL(exchange.targetUri).pathname);
  const attributes = `Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax`;
  return `${fullName(exchange, name)}=${value}; ${attributes}${isSecure(exchange) ? '; Secure' : ''}`;
}
