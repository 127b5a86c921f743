/** How often a client reads the same wallet address document or payment. */
import type { GradedExchange } from '../graded-exchange.ts';
import { BoundedMap } from './bounded-map.ts';

export interface Reads {
  /** Number of earlier reads of this payment, and how many of them were in the second before this request. */
  ofPayment(exchange: GradedExchange): { readonly all: number; readonly lastSecond: number };
  /** Number of requests for this document that came while the answer before them was fresh, this request included. */
  whileFresh(exchange: GradedExchange): number | undefined;
  observe(exchange: GradedExchange): void;
}

const MAX_RESOURCES = 5000;
/** Times that are kept for each payment. */
const MAX_TIMES = 10;

export function createReads(): Reads {
  const payments = new BoundedMap<string, { all: number; times: number[] }>(MAX_RESOURCES);
  const documents = new BoundedMap<string, { freshUntil: number; early: number }>(MAX_RESOURCES);
  const whileFresh = ({ request, receivedAt }: GradedExchange): number | undefined => {
    const document = documents.get(request.targetUri);
    return document && document.early + (receivedAt < document.freshUntil ? 1 : 0);
  };
  return {
    ofPayment({ request, receivedAt }) {
      const { all, times } = payments.get(request.targetUri) ?? { all: 0, times: [] };
      return { all, lastSecond: times.filter((time) => Math.abs(receivedAt - time) < 1000).length };
    },
    whileFresh,
    observe(exchange) {
      const { operation, request, receivedAt, answeredAt, status, reply } = exchange;
      if (status !== 200) return;
      if (operation === 'get-incoming-payment' || operation === 'get-outgoing-payment') {
        const { all, times } = payments.get(request.targetUri) ?? { all: 0, times: [] };
        payments.set(request.targetUri, { all: all + 1, times: [...times, receivedAt].slice(-MAX_TIMES) });
      } else if (operation === 'get-wallet-address') {
        const maxAge = /(?:^|[ ,])max-age=(\d{1,9})/.exec(reply?.headers['Cache-Control'] ?? '')?.[1];
        if (maxAge === undefined) return;
        const early = whileFresh(exchange) ?? 0;
        documents.set(request.targetUri, { freshUntil: answeredAt + Number(maxAge) * 1000, early });
      }
    },
  };
}
