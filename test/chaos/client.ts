/**
 * A client of a world in which everything dies: it signs, calls, and knows of each call whether it was answered. What
 * may be repeated is repeated until an answer says yes; what may not is left to `call`.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { signRequest } from '../../src/http/signatures/sign.ts';

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly token?: string;
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: read as expected
  readonly body: any;
}

/** Observations of all clients of a run. */
export interface Sightings {
  readonly answers: Map<string, number>;
  /** Server failures that were not reported in the protocol's format. */
  readonly shapeless: string[];
}

export interface Identity {
  /** Its wallet address. */
  readonly client: string;
  readonly keyId: string;
  readonly privateKey: string;
}

export class GaveUp extends Error {}

const PATIENCE_MS = 90_000;

export function createClient(identity: Identity, seen: Sightings) {
  const privateKey: KeyObject = createPrivateKey(identity.privateKey);
  const count = (what: string) => seen.answers.set(what, (seen.answers.get(what) ?? 0) + 1);

  /** Undefined if no answer came: whether the call was carried out is unknown. */
  async function call({ method, url, token, body }: Call): Promise<Answer | undefined> {
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = {
      ...(content && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `GNAP ${token}` }),
    };
    const signed = signRequest(
      { method, url, headers, ...(content && { body: content }) },
      { keyid: identity.keyId, privateKey },
      Date.now(),
    );
    try {
      const signal = AbortSignal.timeout(15_000);
      const response = await fetch(url, { method, headers: signed, body: content ?? null, redirect: 'manual', signal });
      const text = await response.text();
      const answer = { status: response.status, body: parse(text) };
      count(`${method} ${kindOf(url)} ${answer.status}`);
      if (answer.status >= 500 && typeof answer.body?.error?.code !== 'string') {
        seen.shapeless.push(`${method} ${kindOf(url)} ${answer.status}: ${text.slice(0, 200)}`);
      }
      return answer;
    } catch {
      count(`${method} ${kindOf(url)} unanswered`);
      return undefined;
    }
  }

  /** Repeats a call that does no harm twice; so many refusals, which may be for want of another ASE, are the end. */
  async function insist(what: Call, maxRefusals = 40): Promise<Answer['body']> {
    let refusals = 0;
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until && refusals < maxRefusals; ) {
      const answer = await call(what);
      if (answer && answer.status < 300) return answer.body;
      if (answer && answer.status < 500) refusals += 1;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    throw new GaveUp(`no luck with ${what.method} ${kindOf(what.url)}`);
  }

  const requestGrant = (authServer: string, access: unknown, interact?: unknown) => {
    const body = { client: identity.client, access_token: { access: [access] }, ...(interact ? { interact } : {}) };
    return insist({ method: 'POST', url: authServer, body });
  };

  /** A token that needs no consent. */
  async function obtainToken(authServer: string, access: unknown): Promise<string> {
    return (await requestGrant(authServer, access)).access_token.value;
  }

  /** A token with consent, which a script gives at once. Starts again if a step is lost. */
  async function obtainConsent(authServer: string, access: unknown): Promise<string> {
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; ) {
      const finish = { method: 'redirect', uri: 'http://localhost:1/', nonce: 'nonce' };
      const pending = await requestGrant(authServer, access, { start: ['redirect'], finish });
      const redirect = await fetch(pending.interact.redirect, { redirect: 'manual' }).catch(() => undefined);
      const location = redirect?.headers.get('location');
      const reference = location && new URL(location).searchParams.get('interact_ref');
      if (!reference) continue;
      const { uri, access_token: token } = pending.continue;
      const body = { interact_ref: reference };
      const continued = await call({ method: 'POST', url: uri, token: token.value, body });
      if (continued?.status === 200) return continued.body.access_token.value;
    }
    throw new GaveUp('no luck with a grant');
  }

  return { call, insist, obtainToken, obtainConsent };
}

export type Client = ReturnType<typeof createClient>;

function parse(text: string): Answer['body'] {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `/auth/continue/…` as `continue`. */
const kindOf = (url: string): string =>
  /(continue|incoming-payments|outgoing-payments|quotes)/.exec(new URL(url).pathname)?.[1] ?? 'grant';
