/** Forms are taken only from pages that this browser was shown: their value stands once more in a cookie, which no other site knows. */

import { equalSecrets } from '../crypto/secret-digest.ts';
import type { ReceivedRequest } from '../http/received-request.ts';
import type { Ids } from '../ids.ts';
import { readCookie, writeCookie } from './cookies.ts';

export interface FormToken {
  readonly value: string;
  /** Value of Set-Cookie. */
  readonly cookie: string;
}

const LIFETIME = { seconds: 3600, sameSite: 'Strict' } as const;

const nameOf = (interactId: string): string => `consent_${encodeURIComponent(interactId)}`;

/** One for each interaction; a browser that has it keeps it, so that an interaction can be open in two tabs. */
export function createFormToken(exchange: ReceivedRequest, ids: Pick<Ids, 'token'>, interactId: string): FormToken {
  const name = nameOf(interactId);
  const shown = readCookie(exchange, name);
  const value = shown !== undefined && /^[\w-]{43}$/.test(shown) ? shown : ids.token();
  return { value, cookie: writeCookie(exchange, name, value, LIFETIME) };
}

export function hasFormToken(exchange: ReceivedRequest, interactId: string, value: string | undefined): boolean {
  const shown = readCookie(exchange, nameOf(interactId));
  return value !== undefined && value !== '' && shown !== undefined && equalSecrets(value, shown);
}
