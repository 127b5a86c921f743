/** Secrets of a run, and the search for all of them in a text, in time linear in its length. */
import { createPrivateKey } from 'node:crypto';
import type { GradedExchange } from '../graded-exchange.ts';
import { asObject, asString } from '../json.ts';

export interface Secret {
  readonly kind: 'access token' | 'continuation token' | 'interaction reference' | 'nonce' | 'private key';
  readonly value: string;
  /** The exchange in which it was first seen. */
  readonly exchange?: number;
}

export interface Occurrence {
  readonly secret: Secret;
  readonly offset: number;
}

export interface Secrets {
  add(secret: Secret): void;
  /** The first occurrence of each secret. */
  search(text: string): Occurrence[];
  observe(exchange: GradedExchange): void;
}

/** Shorter values are not searched for: they occur by chance. Also the length of the window of the search. */
const MIN_SECRET_LENGTH = 12;
const MAX_SECRETS = 50_000;
/** Secrets with the same beginning, as a client could choose nonces. */
const MAX_ALIKE = 16;

const FACTOR = 0x01000193;
/** Weight of the character that leaves the window. */
const LEAVING = Array.from({ length: MIN_SECRET_LENGTH }).reduce<number>((power) => Math.imul(power, FACTOR), 1);

/** Rabin–Karp: a rolling hash of the window finds the secrets whose first characters are in it. */
export function createSecrets(): Secrets {
  const byHash = new Map<number, Secret[]>();
  let count = 0;
  const add = (secret: Secret): void => {
    if (secret.value.length < MIN_SECRET_LENGTH || count >= MAX_SECRETS) return;
    const hash = hashOf(secret.value);
    const alike = byHash.get(hash);
    if (alike === undefined) byHash.set(hash, [secret]);
    else if (alike.length >= MAX_ALIKE || alike.some(({ value }) => value === secret.value)) return;
    else alike.push(secret);
    count += 1;
  };
  return {
    add,
    search(text) {
      const found = new Map<Secret, number>();
      let hash = 0;
      for (let end = 0; end < text.length; end += 1) {
        hash = (Math.imul(hash, FACTOR) + text.charCodeAt(end)) | 0;
        const start = end - MIN_SECRET_LENGTH + 1;
        if (start < 0) continue;
        if (start > 0) hash = (hash - Math.imul(LEAVING, text.charCodeAt(start - 1))) | 0;
        for (const secret of byHash.get(hash) ?? []) {
          if (!found.has(secret) && text.startsWith(secret.value, start)) found.set(secret, start);
        }
      }
      return [...found].map(([secret, offset]) => ({ secret, offset }));
    },
    observe: (exchange) => listSecrets(exchange).forEach(add),
  };
}

function hashOf(text: string): number {
  let hash = 0;
  for (let i = 0; i < MIN_SECRET_LENGTH; i += 1) hash = (Math.imul(hash, FACTOR) + text.charCodeAt(i)) | 0;
  return hash;
}

function listSecrets({ id, operation, body, answer, reply }: GradedExchange): Secret[] {
  const secrets: Secret[] = [];
  const add = (kind: Secret['kind'], value: unknown): void => {
    if (typeof value === 'string') secrets.push({ kind, value, exchange: id });
  };
  switch (operation) {
    case 'post-request':
      add('nonce', asObject(asObject(asObject(body)['interact'])['finish'])['nonce']);
      add('nonce', asObject(asObject(answer)['interact'])['finish']);
      break;
    case 'post-continue':
      add('interaction reference', asObject(body)['interact_ref']);
      break;
    case 'finish-interaction':
      add(
        'interaction reference',
        URL.parse(asString(reply?.headers['Location']) ?? '')?.searchParams.get('interact_ref'),
      );
  }
  add('access token', asObject(asObject(answer)['access_token'])['value']);
  add('continuation token', asObject(asObject(asObject(answer)['continue'])['access_token'])['value']);
  return secrets;
}

/** Forms in which the seed of an Ed25519 key (PKCS #8 as PEM) is usually printed. None for a text that is not a key. */
export function listKeyForms(pem: string): string[] {
  let der: Buffer;
  try {
    der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  } catch {
    return [];
  }
  const seed = der.subarray(-32);
  return [
    // The beginning is the same for all keys.
    der.toString('base64').slice(24),
    seed.toString('base64').replaceAll('=', ''),
    seed.toString('base64url'),
    seed.toString('hex'),
  ];
}
