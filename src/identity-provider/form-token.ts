/**
 * CSRF protection: a form must come from a page of this origin, and repeats a token that is bound to the interaction,
 * to a cookie of the browser and to the session of the person who is signed in.
 */
import { createHmac } from 'node:crypto';
import { equalSecrets } from '../crypto/secret-digest.ts';
import { headerLines, type ReceivedRequest } from '../http/received-request.ts';
import type { Ids } from '../ids.ts';
import { readCookie, writeCookie } from './cookies.ts';

export interface FormTokenDeps {
  readonly ids: Pick<Ids, 'token'>;
  /** Key that signs form tokens. */
  readonly secret: string;
}

export interface FormToken {
  readonly value: string;
  /** Value of Set-Cookie. */
  readonly cookie: string;
}

const LIFETIME = { seconds: 3600, sameSite: 'Strict' } as const;

const nameOf = (interactId: string): string => `consent_${encodeURIComponent(interactId)}`;

const sign = (secret: string, ...parts: readonly string[]): string =>
  createHmac('sha256', secret).update(JSON.stringify(parts)).digest('base64url');

/** One cookie per interaction and browser, so that an interaction can be open in two tabs. */
export function createFormToken(
  exchange: ReceivedRequest,
  { ids, secret }: FormTokenDeps,
  interactId: string,
  session: string,
): FormToken {
  const name = nameOf(interactId);
  const current = readCookie(exchange, name);
  const browser = current !== undefined && /^[\w-]{43}$/.test(current) ? current : ids.token();
  return { value: sign(secret, interactId, browser, session), cookie: writeCookie(exchange, name, browser, LIFETIME) };
}

export function hasFormToken(
  exchange: ReceivedRequest,
  { secret }: Pick<FormTokenDeps, 'secret'>,
  interactId: string,
  session: string,
  value: string | undefined,
): boolean {
  const browser = readCookie(exchange, nameOf(interactId));
  return browser !== undefined && equalSecrets(value, sign(secret, interactId, browser, session));
}

/**
 * False if the browser says that the form is on a page of another origin, which includes another port and a sibling
 * domain (Fetch §3.2; Fetch Metadata §2.4). Clients that are not browsers send neither header.
 */
export function isFromOwnPage(exchange: ReceivedRequest): boolean {
  const { origin } = new URL(exchange.targetUri);
  return (
    headerLines(exchange, 'origin').every((line) => line === origin) &&
    headerLines(exchange, 'sec-fetch-site').every((line) => line === 'same-origin' || line === 'none')
  );
}
