/**
 * The browser's session with one interaction: a cookie for the path of that interaction, or a `__Host-` cookie with its
 * id in the name over https, which neither a sibling domain nor a plain http page can set (RFC 6265; AS-76, AS-N06).
 */
import { createHmac } from 'node:crypto';
import { equalSecrets, matchesDigest } from '../crypto/secret-digest.ts';
import { headerLines, type ReceivedRequest } from '../http/received-request.ts';
import type { Ids } from '../ids.ts';

const NAME = 'interaction_session';

/** Base URL of an interaction, which is also the path of its cookie. */
export const interactionUrl = (authServer: string, interactionId: string): string =>
  `${authServer}interact/${interactionId}`;

const sign = (interactionId: string, random: string, secret: string): string =>
  createHmac('sha256', secret).update(`${interactionId}.${random}`).digest('base64url');

/** A new session, signed, so that a browser can prove that it started the interaction even if another one did later. */
export function createSession(interactionId: string, ids: Pick<Ids, 'token'>, secret: string): string {
  const random = ids.token();
  return `${random}.${sign(interactionId, random, secret)}`;
}

/** Value of Set-Cookie that starts a session. `SameSite=Lax`, since the browser returns from the page of another site. */
export function openSession(url: string, session: string, seconds: number): string {
  const { protocol, pathname } = new URL(url);
  const isSecure = protocol === 'https:';
  const name = isSecure ? `__Host-${NAME}_${pathname.split('/').at(-1)}` : NAME;
  const path = isSecure ? '/' : pathname;
  const secure = isSecure ? '; Secure' : '';
  return `${name}=${session}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** Value of Set-Cookie that ends it. */
export const closeSession = (url: string): string => openSession(url, '', 0);

/** Values of the session cookies. Over http, further ones may come from a sibling path or domain. */
function listSessions(exchange: ReceivedRequest): string[] {
  const isSecure = exchange.targetUri.startsWith('https:');
  return headerLines(exchange, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim().split('='))
    .filter(([name = '']) => (isSecure ? name.startsWith(`__Host-${NAME}_`) : name === NAME))
    .map(([, value = '']) => value);
}

/** True if one of the cookies is the session with this digest. */
export const hasSession = (exchange: ReceivedRequest, sessionDigest: string | null): boolean =>
  listSessions(exchange).some((session) => matchesDigest(session, sessionDigest));

/** True if this browser started the interaction. */
export const hasStarted = (exchange: ReceivedRequest, interactionId: string, secret: string): boolean =>
  listSessions(exchange).some((session) => {
    const [random = '', signature] = session.split('.');
    return equalSecrets(signature, sign(interactionId, random, secret));
  });
