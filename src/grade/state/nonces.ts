/** Finish nonces of a run, to recognise a counter. */
import type { GradedExchange } from '../graded-exchange.ts';
import { asObject, asString } from '../json.ts';
import { BoundedMap } from './bounded-map.ts';

export interface Nonces {
  /** True if an earlier nonce differs in a number at the end only. */
  isCounted(nonce: string): boolean;
  observe(exchange: GradedExchange): void;
}

const MAX_NONCES = 5000;
/** Random nonces have such a beginning in common once in a million million cases at most. */
const MIN_STEM = 10;

export function createNonces(): Nonces {
  const byStem = new BoundedMap<string, string>(MAX_NONCES);
  return {
    isCounted(nonce) {
      const stem = stemOf(nonce);
      const earlier = byStem.get(stem);
      return stem.length >= MIN_STEM && earlier !== undefined && earlier !== nonce;
    },
    observe({ operation, body }) {
      if (operation !== 'post-request') return;
      const nonce = asString(asObject(asObject(asObject(body)['interact'])['finish'])['nonce']);
      if (nonce !== undefined) byStem.set(stemOf(nonce), nonce);
    },
  };
}

const stemOf = (nonce: string): string => nonce.slice(0, 1000).replace(/\d{1,12}$/, '');
