/** Signed requests to a world, built from parts that a test can spoil. */
import { createPrivateKey } from 'node:crypto';
import { signRequest } from '../../src/http/signatures/sign.ts';
import type { ClientEnvironment } from './world.ts';

export interface RequestParts {
  readonly method: string;
  readonly url: string;
  readonly token?: string;
  /** JSON value, or text sent as it is. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Left out: signed with the client's key. */
  readonly signed?: false | { readonly privateKey: string; readonly keyId: string };
  /** Changes the headers after signing. */
  readonly spoil?: (headers: Record<string, string>) => void;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  readonly body: any;
}

export async function toAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  const isJson = headers.get('content-type')?.startsWith('application/json');
  return { status, headers, text, body: isJson ? JSON.parse(text) : undefined };
}

export async function send(environment: ClientEnvironment, parts: RequestParts): Promise<Answer> {
  const { method, url, token, body, signed, spoil } = parts;
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const headers: Record<string, string> = {
    ...(text !== undefined && { 'content-type': parts.contentType ?? 'application/json' }),
    ...(token !== undefined && { authorization: `GNAP ${token}` }),
    ...parts.headers,
  };
  const { privateKey, keyId } = signed || environment;
  const content = text === undefined ? undefined : Buffer.from(text);
  const complete =
    signed === false
      ? headers
      : signRequest(
          { method, url, headers, ...(content && { body: content }) },
          { keyid: keyId, privateKey: createPrivateKey(privateKey) },
          Date.now(),
        );
  spoil?.(complete);
  const response = await fetch(url, { method, headers: complete, body: text ?? null, redirect: 'manual' });
  return toAnswer(response);
}
