/** The client of payments that are made by hand: signed JSON requests, and the visit of a consent page that decides alone. */
import { createPrivateKey } from 'node:crypto';
import { signRequest } from '../http/signatures/sign.ts';
import type { Outbound } from '../net/outbound.ts';

/** The test client of the world. */
export interface ClientCredentials {
  readonly walletAddress: string;
  readonly keyId: string;
  /** PKCS#8 PEM. */
  readonly privateKey: string;
}

/** A JSON object of an answer. */
// biome-ignore lint/suspicious/noExplicitAny: a member that is absent fails the payment with a message
export type Json = any;

export interface HandRequest {
  readonly method?: 'GET' | 'POST';
  readonly url: string;
  readonly token?: string;
  readonly body?: object;
  /** Wallet addresses are public. */
  readonly isUnsigned?: boolean;
}

/** The code and the description of an error (RFC 9635 §3.6), or the beginning of any other body. */
function describeError(body: string): string {
  try {
    const { code, description } = JSON.parse(body).error;
    if (typeof code === 'string') return `${code}, ${description ?? 'without a description'}`.slice(0, 500);
  } catch {
    // Not JSON, or without an error.
  }
  return body.slice(0, 500);
}

/** Throws with the answer's own description unless it is a success. */
export async function callServer(
  outbound: Outbound,
  { keyId, privateKey }: ClientCredentials,
  { method = 'GET', url, token, body, isUnsigned }: HandRequest,
  { wallNow, nonce }: { readonly wallNow: number; readonly nonce: string },
): Promise<Json> {
  const content = body && Buffer.from(JSON.stringify(body));
  const unsigned = {
    method,
    url,
    headers: {
      ...(content && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `GNAP ${token}` }),
    },
    ...(content && { body: content }),
  };
  const key = { keyid: keyId, privateKey: createPrivateKey(privateKey) };
  const signed = () => signRequest({ ...unsigned, parameters: { nonce, tag: 'gnap' } }, key, wallNow);
  const headers = isUnsigned ? unsigned.headers : signed();
  const answer = await outbound.request({ ...unsigned, headers });
  const text = answer.body.toString();
  if (answer.status >= 300)
    throw new Error(`${method} ${new URL(url).pathname} was answered with ${answer.status}: ${describeError(text)}`);
  return text === '' ? undefined : JSON.parse(text);
}

const MAX_REDIRECTS = 10;

/** Follows the redirects of the consent page until they lead to the finish URI. Throws if a page waits for a person. */
export async function followConsent(outbound: Outbound, start: string, finishUri: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = start;
  for (let redirects = 0; redirects < MAX_REDIRECTS; redirects += 1) {
    if (url.startsWith(finishUri)) return new URL(url);
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await outbound.request({
      url,
      headers: { accept: 'text/html', ...(cookie !== '' && { cookie }) },
      keepsRedirects: true,
    });
    for (const [, name, value] of (answer.headers['set-cookie'] ?? '').matchAll(/(?:^|, )([\w-]+)=([^;,]*)/g)) {
      cookies.set(name!, value!);
    }
    const { location } = answer.headers;
    if (location === undefined) throw new Error(`the consent stopped at a page of status ${answer.status}`);
    url = new URL(location, url).href;
  }
  throw new Error('the consent redirects without an end');
}
