/** The browser's session with one interaction: a cookie for the path of that interaction (RFC 6265; AS-76, AS-N06). */
import { matchesDigest } from '../crypto/secret-digest.ts';
import { headerLines, type ReceivedRequest } from '../http/received-request.ts';

const NAME = 'interaction_session';

/** Base URL of an interaction, which is also the path of its cookie. */
export const interactionUrl = (authServer: string, interactionId: string): string =>
  `${authServer}interact/${interactionId}`;

/** Value of Set-Cookie that starts a session. `SameSite=Lax`, since the browser returns from the page of another site. */
export function openSession(url: string, session: string, seconds: number): string {
  const { protocol, pathname } = new URL(url);
  const secure = protocol === 'https:' ? '; Secure' : '';
  return `${NAME}=${session}; Path=${pathname}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** Value of Set-Cookie that ends it. */
export const closeSession = (url: string): string => openSession(url, '', 0);

/** True if one of the cookies is the session with this digest. Others may come from a sibling path or domain. */
export function hasSession(exchange: ReceivedRequest, sessionDigest: string | null): boolean {
  return headerLines(exchange, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim().split('='))
    .some(([name, value]) => name === NAME && matchesDigest(value, sessionDigest));
}
