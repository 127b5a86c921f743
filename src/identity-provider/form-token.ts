/** CSRF protection by double-submit cookie: each form repeats the value of a cookie that other sites cannot read. */
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

/** One token per interaction and browser, so that an interaction can be open in two tabs. */
export function createFormToken(exchange: ReceivedRequest, ids: Pick<Ids, 'token'>, interactId: string): FormToken {
  const name = nameOf(interactId);
  const current = readCookie(exchange, name);
  const value = current !== undefined && /^[\w-]{43}$/.test(current) ? current : ids.token();
  return { value, cookie: writeCookie(exchange, name, value, LIFETIME) };
}

export function hasFormToken(exchange: ReceivedRequest, interactId: string, value: string | undefined): boolean {
  const current = readCookie(exchange, nameOf(interactId));
  return value !== undefined && value !== '' && current !== undefined && equalSecrets(value, current);
}
