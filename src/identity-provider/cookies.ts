/** Cookies of the identity provider's pages (RFC 6265), limited to its path and hidden from scripts. */
import { headerLines, type ReceivedRequest } from '../http/received-request.ts';

/** Value of the first cookie with this name. */
export const readCookie = (exchange: ReceivedRequest, name: string): string | undefined =>
  headerLines(exchange, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim().split('='))
    .find(([cookieName]) => cookieName === name)?.[1];

export interface CookieOptions {
  readonly seconds: number;
  readonly sameSite: 'Strict' | 'Lax';
}

/** Value of Set-Cookie for all pages in the directory of the requested one. `seconds: 0` removes the cookie. */
export function writeCookie(exchange: ReceivedRequest, name: string, value: string, options: CookieOptions): string {
  const { protocol, pathname } = new URL(exchange.targetUri);
  const path = pathname.replace(/\/+[^/]*\/*$/, '') || '/';
  const secure = protocol === 'https:' ? '; Secure' : '';
  return `${name}=${value}; Path=${path}; Max-Age=${options.seconds}; HttpOnly; SameSite=${options.sameSite}${secure}`;
}
