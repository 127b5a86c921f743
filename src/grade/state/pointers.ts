/** Payment pointers that occur in a run, and the paths of wallet addresses that the client called (ILP-0026). */
import { splitTarget } from '../../http/received-request.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { BoundedMap } from './bounded-map.ts';

export interface PaymentPointer {
  readonly text: string;
  /** Host with port, in lower case. */
  readonly host: string;
  /** Empty if the pointer has none. */
  readonly path: string;
}

export interface Pointers {
  /** Pointers in requests. */
  list(): PaymentPointer[];
  /** The exchange that called this path of the host. */
  calledBy(host: string, path: string): number | undefined;
  observe(exchange: GradedExchange): void;
}

const MAX_POINTERS = 100;
const MAX_CALLS = 5000;

export function createPointers(): Pointers {
  const pointers = new BoundedMap<string, PaymentPointer>(MAX_POINTERS);
  const calls = new BoundedMap<string, number>(MAX_CALLS);
  return {
    list: () => [...pointers.values()],
    calledBy: (host, path) => calls.get(host + path.toLowerCase()),
    observe({ id, operation, request }) {
      if (operation === 'get-wallet-address') {
        const { host, pathname } = URL.parse(request.targetUri) ?? { host: '', pathname: '' };
        calls.set(host + pathname.toLowerCase(), id);
      }
      const [, query] = splitTarget(request.rawTarget);
      for (const text of [query.replaceAll(/%24/g, '$').replaceAll(/%2f/gi, '/'), request.body.toString()]) {
        for (const pointer of findPointers(text)) pointers.set(pointer.text, pointer);
      }
    },
  };
}

/** At most a hundred pointers in a text. */
export function findPointers(text: string): PaymentPointer[] {
  if (!text.includes('$')) return [];
  const found: PaymentPointer[] = [];
  for (const [whole, host, path = ''] of text.matchAll(/\$([a-z0-9][a-z0-9.-]*(?::\d{1,5})?)(\/[\w.~/-]*)?/gi)) {
    if (found.push({ text: whole, host: host!.toLowerCase(), path: path.replace(/\/$/, '') }) >= MAX_POINTERS) break;
  }
  return found;
}
