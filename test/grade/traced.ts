/** Records of exchanges for tests of grading, made without a server. */
import { createHash, type KeyObject, sign } from 'node:crypto';
import { deriveKey, exportPublicJwk } from '../../src/crypto/derived-keys.ts';
import type { GradedAse } from '../../src/grade/graded-exchange.ts';
import type { RecordedKey } from '../../src/http/recorded-exchange.ts';
import type { TracedExchange } from '../../src/http/request-trace.ts';

/** Wall time at which the first exchange of a test is received. */
export const start = 1_800_000_000_000;

/** The same key at each run, since whether base64 has a plus depends on its bytes. */
export const keyNamed = (name: string): KeyObject =>
  deriveKey([createHash('sha256').update(name).digest('base64')], 'client');

const clientWallet = 'https://client.example/client';

export const ases: readonly GradedAse[] = ['granite', 'basalt'].map((name) => ({
  name,
  walletAddressServer: `https://${name}.example`,
  authServer: `https://auth.${name}.example/gnap`,
  resourceServer: `https://${name}.example`,
  identityProvider: `https://idp.${name}.example`,
}));

export interface ExchangeParts {
  id?: number;
  ase?: string;
  operation?: string;
  params?: Record<string, string>;
  method?: string;
  url?: string;
  /** In milliseconds after `start`. */
  at?: number;
  /** How long the answer takes. */
  took?: number;
  /** Sent as JSON, or a text as it is. */
  body?: unknown;
  headers?: Record<string, string | undefined>;
  token?: string | undefined;
  /** No signature without a key. */
  key?: KeyObject | null;
  kid?: string;
  /** Parameters of the signature after `created` and `keyid`. */
  parameters?: string;
  created?: number;
  components?: string[];
  /** Changes the fields after they were signed. */
  spoil?: (headers: Record<string, string>) => void;
  /** The text that is signed in place of the base. */
  signed?: (base: string) => string | Buffer;
  status?: number | null;
  answer?: unknown;
  answerHeaders?: Record<string, string>;
  lenient?: string[];
  keys?: RecordedKey[];
  isBodyUnread?: boolean;
  keySet?: TracedExchange['keySet'];
  refusal?: TracedExchange['summary']['refusal'];
  isFromServer?: boolean;
}

export const recordedKey = (
  key: KeyObject,
  kid = 'key-1',
  keySet: string | undefined = `${clientWallet}/jwks.json`,
) => ({
  jwk: exportPublicJwk(key, kid),
  keySet,
});

/** A correctly signed exchange, apart from what `parts` change. */
export function traced(parts: ExchangeParts = {}): TracedExchange {
  const { id = 1, ase = 'granite', operation = 'unknown', params = {}, at = 0, took = 5, kid = 'key-1' } = parts;
  const key = parts.key === undefined ? keyNamed('client') : parts.key;
  const method = parts.method ?? (parts.body === undefined ? 'GET' : 'POST');
  const url = parts.url ?? 'https://auth.granite.example/gnap';
  const body = parts.body === undefined ? '' : typeof parts.body === 'string' ? parts.body : JSON.stringify(parts.body);
  const headers: Record<string, string> = {};
  if (parts.token !== undefined) headers['Authorization'] = `GNAP ${parts.token}`;
  if (body !== '') {
    headers['Content-Type'] = 'application/json';
    headers['Content-Length'] = `${Buffer.byteLength(body)}`;
    if (key) headers['Content-Digest'] = `sha-512=:${createHash('sha512').update(body).digest('base64')}:`;
  }
  for (const [name, value] of Object.entries(parts.headers ?? {})) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  if (key) signFields(headers, { ...parts, method, url, kid, key, at });
  parts.spoil?.(headers);
  const content = parts.answer === undefined ? undefined : JSON.stringify(parts.answer);
  const status = parts.status === undefined ? 200 : parts.status;
  const { origin } = new URL(url);
  return {
    receivedAt: start + at,
    answeredAt: start + at + took,
    httpVersion: '1.1',
    params,
    isBodyUnread: parts.isBodyUnread ?? false,
    request: {
      method,
      rawTarget: url.slice(origin.length) || '/',
      targetUri: url,
      rawHeaders: Object.entries(headers),
      body: Buffer.from(body),
      ...(parts.isFromServer && { isFromServer: true }),
    },
    reply: status === null ? undefined : { headers: { ...parts.answerHeaders }, content },
    pathSecrets: [],
    keySet: parts.keySet,
    keys: parts.keys ?? (key ? [recordedKey(key, kid)] : []),
    summary: {
      id,
      at: new Date(start + at + took).toISOString(),
      ase,
      operation,
      method,
      target: url.slice(origin.length),
      status,
      ms: took,
      lenient: parts.lenient ?? [],
      ...(parts.refusal && { refusal: parts.refusal }),
    },
  };
}

export type Signing = ExchangeParts & { method: string; url: string; kid: string; key: KeyObject; at: number };

export function signFields(headers: Record<string, string>, parts: Signing): void {
  const { method, url, kid, key, at } = parts;
  const has = (name: string) => headers[name] !== undefined;
  const components = parts.components ?? [
    '@method',
    '@target-uri',
    ...(has('Authorization') ? ['authorization'] : []),
    ...(has('Content-Digest') ? ['content-digest', 'content-length', 'content-type'] : []),
  ];
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const values: Record<string, string | undefined> = { '@method': method, '@target-uri': url, ...lower };
  const created = parts.created ?? Math.floor((start + at) / 1000);
  const list = components.map((name) => `"${name}"`).join(' ');
  const input = `(${list});created=${created};keyid="${kid}"${parts.parameters ?? ';tag="gnap";nonce="n0nce-of-16-char"'}`;
  const lines = components.map((name) => `"${name}": ${values[name.toLowerCase()] ?? ''}`);
  const base = [...lines, `"@signature-params": ${input}`].join('\n');
  const text = parts.signed ? parts.signed(base) : base;
  headers['Signature-Input'] = `sig1=${input}`;
  headers['Signature'] = `sig1=:${sign(null, Buffer.from(text), key).toString('base64')}:`;
}
