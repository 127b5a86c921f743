/** The browser's session with one interaction: a cookie below that interaction's path only (RFC 6265; AS-76, AS-N06). */

import { matchesDigest } from '../crypto/secret-digest.ts';
import { headerLines, type ReceivedRequest } from '../http/received-request.ts';

const NAME = 'interaction_session';

/** Base URL of an interaction and all below it, the cookie's scope. */
export const interactionUrl = (authServer: string, interactionId: string): string =>
  `${authServer}interact/${interactionId}`;

/** Value of Set-Cookie that begins a session. `SameSite=Lax`, since the browser returns from another site's page. */
export function openSession(url: string, session: string, seconds: number): string {
  const { protocol, pathname } = new URL(url);
  const secure = protocol === 'https:' ? '; Secure' : '';
  return `${NAME}=${session}; Path=${pathname}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** Value of Set-Cookie that ends it. */
export const closeSession = (url: string): string => openSession(url, '', 0);

/** Whether the request shows the session of that digest; further cookies of the name, planted above, do no harm. */
export function showsSession(exchange: ReceivedRequest, sessionDigest: string | null): boolean {
  return headerLines(exchange, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim().split('='))
    .some(([name, value]) => name === NAME && matchesDigest(value, sessionDigest));
}
