/**
 * Sessions of the inspector. A link with a code that works once, or the control token in a form, opens a session; its
 * cookie is for this port and hidden from scripts, other sites and other paths. No URL contains a lasting secret.
 */
import { createHmac } from 'node:crypto';
import { equalSecrets } from '../crypto/secret-digest.ts';
import { BoundedMap } from '../grade/state/bounded-map.ts';
import { createIds } from '../ids.ts';

const CODE_LIFETIME_MS = 15 * 60 * 1000;
const SESSION_LIFETIME_MS = 12 * 60 * 60 * 1000;
/** Codes, and sessions. The oldest ones make room. */
const MAX_OPEN = 100;

export interface Sessions {
  /** A code for a link, which works once within 15 minutes. */
  issueCode(): string;
  /** The cookie of a new session for a code; undefined if it was used, has expired, or was never issued. */
  redeemCode(code: string): string | undefined;
  /** The cookie of a new session. */
  open(): string;
  /** The session that a Cookie header names, if it is open. */
  find(cookieHeader: string | undefined): Session | undefined;
  close(session: Session): void;
}

export interface Session {
  readonly id: string;
  /** Repeated by every form, so that no other site can send one. */
  readonly formToken: string;
  /** Shown on the next page, once. */
  notice: string | undefined;
}

export interface SessionOptions {
  readonly wallNow: () => number;
  readonly port: number;
  /** True if the control port has TLS. */
  readonly isSecure: boolean;
  /** Path of the pages. */
  readonly path: string;
}

export function createSessions({ wallNow, port, isSecure, path }: SessionOptions): Sessions {
  const ids = createIds(undefined, 'inspector');
  const secret = ids.token();
  const codes = new BoundedMap<string, number>(MAX_OPEN);
  const sessions = new BoundedMap<string, { readonly session: Session; readonly until: number }>(MAX_OPEN);
  // Cookies do not differ by port, so the name does.
  const name = `${isSecure ? '__Secure-' : ''}touchstone_inspector_${port}`;
  const cookieOf = (value: string, seconds: number) =>
    `${name}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;

  function open(): string {
    const id = ids.token();
    const formToken = createHmac('sha256', secret).update(id).digest('base64url');
    sessions.set(id, { session: { id, formToken, notice: undefined }, until: wallNow() + SESSION_LIFETIME_MS });
    return cookieOf(id, SESSION_LIFETIME_MS / 1000);
  }

  return {
    issueCode() {
      const code = ids.token();
      codes.set(code, wallNow() + CODE_LIFETIME_MS);
      return code;
    },
    redeemCode(code) {
      const until = codes.get(code);
      codes.delete(code);
      return until !== undefined && wallNow() < until ? open() : undefined;
    },
    open,
    find(cookieHeader = '') {
      const values = cookieHeader
        .split(';')
        .map((pair) => pair.trim().split('='))
        .filter(([cookie]) => cookie === name)
        .map(([, value = '']) => value);
      const found = values.map((value) => sessions.get(value)).find((entry) => entry && wallNow() < entry.until);
      return found?.session;
    },
    close: ({ id }) => void sessions.delete(id),
  };
}

export const hasFormToken = ({ formToken }: Session, value: string | undefined): boolean =>
  equalSecrets(value, formToken);
