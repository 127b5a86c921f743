/** Cookies of the identity provider's pages (RFC 6265): below its own path, out of reach of scripts. */
import { headerLines, type ReceivedRequest } from '../http/received-request.ts';

/** Value of a cookie that the browser shows; the first one of that name. */
export const readCookie = (exchange: ReceivedRequest, name: string): string | undefined =>
  headerLines(exchange, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim().split('='))
    .find(([given]) => given === name)?.[1];

export interface CookieTerms {
  readonly seconds: number;
  readonly sameSite: 'Strict' | 'Lax';
}

/** Value of Set-Cookie for all pages beside the one that is called; 0 seconds remove it. */
export function writeCookie(exchange: ReceivedRequest, name: string, value: string, terms: CookieTerms): string {
  const { protocol, pathname } = new URL(exchange.targetUri);
  const path = pathname.replace(/\/+[^/]*\/*$/, '') || '/';
  const secure = protocol === 'https:' ? '; Secure' : '';
  return `${name}=${value}; Path=${path}; Max-Age=${terms.seconds}; HttpOnly; SameSite=${terms.sameSite}${secure}`;
}
