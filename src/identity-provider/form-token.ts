/**
 * CSRF protection: a form must come from a page of this origin, and repeats a token that is bound to the interaction,
 * to a cookie of the browser and to the session of the person who is signed in. So is the ticket of the browser that
 * decides.
 */
import { createHmac } from 'node:crypto';
import { equalSecrets } from '../crypto/secret-digest.ts';
import { headerLines, type ReceivedRequest } from '../http/received-request.ts';
import type { Ids } from '../ids.ts';
import { listCookies, writeCookie } from './cookies.ts';

export interface FormTokenDeps {
  readonly ids: Pick<Ids, 'token'>;
  /** Key that signs form tokens. */
  readonly secret: string;
}

/** The page that a browser is shown. */
export interface FormPage {
  readonly interactId: string;
  /** Id of the session of the person who is signed in; empty without one. */
  readonly session: string;
}

export interface FormToken {
  readonly value: string;
  /** Value of Set-Cookie. */
  readonly cookie: string;
}

const LIFETIME_SECONDS = 3600;

const nameOf = (interactId: string): string => `consent_${encodeURIComponent(interactId)}`;

const sign = (secret: string, purpose: 'form' | 'ticket', { interactId, session }: FormPage, browser: string): string =>
  createHmac('sha256', secret)
    .update(JSON.stringify([purpose, interactId, browser, session]))
    .digest('base64url');

const findBrowser = (exchange: ReceivedRequest, { interactId }: FormPage): string | undefined =>
  listCookies(exchange, nameOf(interactId)).find((value) => /^[\w-]{43}$/.test(value));

/** One cookie per interaction and browser, so that an interaction can be open in two tabs. */
export function createFormToken(exchange: ReceivedRequest, { ids, secret }: FormTokenDeps, page: FormPage): FormToken {
  const browser = findBrowser(exchange, page) ?? ids.token();
  const cookie = writeCookie(exchange, nameOf(page.interactId), browser, LIFETIME_SECONDS);
  return { value: sign(secret, 'form', page, browser), cookie };
}

export function hasFormToken(
  exchange: ReceivedRequest,
  { secret }: Pick<FormTokenDeps, 'secret'>,
  page: FormPage,
  value: string | undefined,
): boolean {
  const browser = findBrowser(exchange, page);
  return browser !== undefined && equalSecrets(value, sign(secret, 'form', page, browser));
}

/** The same for each decision of a browser, so that a second click leads where the first did. */
export function createTicket(
  exchange: ReceivedRequest,
  { secret }: Pick<FormTokenDeps, 'secret'>,
  page: FormPage,
): string | undefined {
  const browser = findBrowser(exchange, page);
  return browser && sign(secret, 'ticket', page, browser);
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
