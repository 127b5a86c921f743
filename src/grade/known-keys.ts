/** The public keys of clients that a run has shown. */
import { headerLines } from '../http/received-request.ts';
import type { RecordedKey } from '../http/recorded-exchange.ts';
import type { TracedExchange } from '../http/request-trace.ts';
import { parseClientJwk } from '../http/signatures/client-keys.ts';

export interface KnownKeys {
  observe(exchange: TracedExchange): void;
  /** Those with the keyid of the request come first. None if the keyid is new, since its key may be one not seen yet. */
  keysFor(exchange: TracedExchange): readonly RecordedKey[];
}

const MAX_KEYS = 8;

export function createKnownKeys(): KnownKeys {
  // Keyed by kid and key, the latest last.
  const known = new Map<string, RecordedKey>();
  const add = (key: RecordedKey): void => {
    const name = `${key.jwk.kid} ${key.jwk.x}`;
    known.delete(name);
    known.set(name, key);
    if (known.size > 100) known.delete(known.keys().next().value!);
  };
  return {
    observe({ keys, summary, reply, request }) {
      for (const key of keys) add(key);
      if (summary.operation === 'get-wallet-address-keys' && summary.status === 200) {
        for (const key of readKeys(reply?.content, request.targetUri)) add(key);
      }
    },
    keysFor({ request }) {
      const input = headerLines(request, 'signature-input').join(', ');
      const isNamed = ({ jwk }: RecordedKey) => input.includes(JSON.stringify(jwk.kid));
      const latest = [...known.values()].reverse();
      const named = latest.filter(isNamed);
      if (named.length === 0) return [];
      return [...named, ...latest.filter((key) => !isNamed(key))].slice(0, MAX_KEYS);
    },
  };
}

/** Keys of a set that Touchstone serves. */
function readKeys(content: string | undefined, url: string): RecordedKey[] {
  try {
    const { keys } = JSON.parse(content ?? '') as { keys: unknown[] };
    return keys.map((jwk) => ({ jwk: parseClientJwk(jwk), keySet: url }));
  } catch {
    return [];
  }
}
