/** Secrets of a run, and the search for all of them in a text. */
import { createPrivateKey } from 'node:crypto';
import type { GradedExchange } from '../graded-exchange.ts';
import { asObject, asString } from '../json.ts';
import { createTextFinder } from '../text-finder.ts';

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

/** Shorter values are not searched for: they occur by chance. */
const MIN_SECRET_LENGTH = 12;
const MAX_SECRETS = 50_000;

export function createSecrets(): Secrets {
  const finder = createTextFinder<Secret>(MIN_SECRET_LENGTH);
  let count = 0;
  const add = (secret: Secret): void => {
    if (count < MAX_SECRETS && finder.add(secret.value, secret)) count += 1;
  };
  return {
    add,
    search(text) {
      const found = new Map<Secret, number>();
      for (const { value: secret, start } of finder.find(text)) if (!found.has(secret)) found.set(secret, start);
      return [...found].map(([secret, offset]) => ({ secret, offset }));
    },
    observe: (exchange) => listSecrets(exchange).forEach(add),
  };
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
