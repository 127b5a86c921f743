/**
 * The browser of an end user: follows redirects with a cookie jar to the client's finish URI; and the hash that a
 * client checks.
 */
import { createHash } from 'node:crypto';
import type { Profile } from '../runner/check.ts';
import type { Answer, SendCall } from './signed-client.ts';

/** Finish URI of the checks: nothing listens there, and nothing needs to. */
export const finishUri = 'http://127.0.0.1:1/finish';

/** How a target of each profile writes the hash (AMB-01). */
export const hashEncoding: Readonly<Record<Profile, 'base64' | 'base64url'>> = {
  compat: 'base64',
  strict: 'base64url',
};

/** RFC 9635 §4.2.3: SHA-256 over the two nonces, the reference and the grant endpoint. */
export function interactionHash(
  parts: { clientNonce: string; serverNonce: string; interactRef: string; grantEndpoint: string },
  encoding: 'base64' | 'base64url' = 'base64',
): string {
  const base = [parts.clientNonce, parts.serverNonce, parts.interactRef, parts.grantEndpoint].join('\n');
  return createHash('sha256').update(base).digest(encoding);
}

/** The URL up to its query, for paths below it. */
export const withoutQuery = (url: string): string => url.replace(/[?#].*$/, '');

/** Cookies per origin and path, as far as one interaction needs them. */
export class CookieJar {
  readonly #cookies = new Map<string, { name: string; value: string; path: string; origin: string }>();

  store(url: string, answer: Answer): void {
    for (const line of answer.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const attribute = (name: string): string | undefined =>
        attributes.find((part) => part.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
      const [name = '', ...rest] = pair.split('=');
      const value = rest.join('=');
      const { origin } = new URL(url);
      const path = attribute('path') ?? '/';
      const key = `${origin} ${path} ${name}`;
      const expires = attribute('expires');
      const over = attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) <= Date.now());
      if (over) this.#cookies.delete(key);
      else this.#cookies.set(key, { name, value, path, origin });
    }
  }

  /** Value of the `Cookie` header for this URL; `undefined` when there is nothing to send. */
  header(url: string): string | undefined {
    const { origin, pathname } = new URL(url);
    const fitting = [...this.#cookies.values()].filter(
      ({ path, origin: home }) =>
        home === origin && (pathname === path || pathname.startsWith(path.replace(/\/?$/, '/'))),
    );
    return fitting.length > 0 ? fitting.map(({ name, value }) => `${name}=${value}`).join('; ') : undefined;
  }
}

export interface Walk {
  /** Every answer on the way, in order. */
  readonly answers: readonly Answer[];
  /** Where the browser was sent last, outside the authorization server; `undefined` when it stayed there. */
  readonly finish: URL | undefined;
}

/** Opens `interact.redirect` like a browser and follows it to the finish URI. At most ten hops. */
export async function walkInteraction(call: SendCall, redirect: string, jar = new CookieJar()): Promise<Walk> {
  const answers: Answer[] = [];
  let url = redirect;
  for (let hop = 0; hop < 10; hop += 1) {
    const cookie = jar.header(url);
    const answer = await call({ url, sign: false, headers: cookie ? [['cookie', cookie]] : [] });
    jar.store(url, answer);
    answers.push(answer);
    const location = answer.headers.get('location');
    if (answer.status < 300 || answer.status > 399 || !location) return { answers, finish: undefined };
    url = new URL(location, url).href;
    if (url.startsWith(finishUri)) return { answers, finish: new URL(url) };
  }
  throw new Error('the interaction did not end after ten redirects');
}
