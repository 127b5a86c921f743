/** Signatures on requests that this server sends to other account servicing entities: RFC 9421 §3.1, RFC 9635 §7.3.1. */
import { type KeyObject, sign } from 'node:crypto';
import { serializeInnerList } from 'structured-headers';
import type { ReceivedRequest } from '../received-request.ts';
import { createContentDigest } from './content-digest.ts';
import { createSignatureBase } from './signature-base.ts';
import { requiredComponents } from './signature-input.ts';

export interface UnsignedRequest {
  readonly method: string;
  /** Absolute URL; signed in its normalised form without fragment, which is what goes over the wire. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Signature parameters besides `created` and `keyid` (RFC 9421 §2.3). */
  readonly parameters?: Readonly<Record<'nonce' | 'tag', string>>;
}

export interface SigningKey {
  readonly keyid: string;
  /** Ed25519 private key. */
  readonly privateKey: KeyObject;
}

/**
 * Returns the request's headers completed by Content-Digest and Content-Length (with a body), Signature-Input and
 * Signature. `now` is wall time in milliseconds. Throws TypeError when a value cannot be signed.
 */
export function signRequest(request: UnsignedRequest, key: SigningKey, now: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value;
  const body = request.body ?? Buffer.alloc(0);
  if (body.length > 0) {
    headers['content-digest'] = createContentDigest(body);
    headers['content-length'] = String(body.length);
  }
  const url = new URL(request.url);
  const exchange: ReceivedRequest = {
    method: request.method,
    rawTarget: url.pathname + url.search,
    targetUri: url.origin + url.pathname + url.search,
    rawHeaders: Object.entries(headers),
    body,
  };
  const components = requiredComponents(exchange);
  if (body.length > 0) components.push('content-length');
  if (body.length > 0 && 'content-type' in headers) components.push('content-type');
  const params = new Map<string, string | number>([
    ['created', Math.floor(now / 1000)],
    ['keyid', key.keyid],
    ...Object.entries(request.parameters ?? {}),
  ]);
  const signatureParams = serializeInnerList([components.map((name) => [name, new Map()]), params]);
  const built = createSignatureBase(exchange, components, signatureParams);
  if (!built.ok) throw new TypeError(`cannot sign: ${built.detail}`);
  const signature = sign(null, Buffer.from(built.base, 'ascii'), key.privateKey);
  headers['signature-input'] = `sig1=${signatureParams}`;
  headers['signature'] = `sig1=:${signature.toString('base64')}:`;
  return headers;
}
