/** Repetitions of a request that is identical in method, URI, token and content, and how the earlier ones were answered. */
import { createHash } from 'node:crypto';
import type { GradedExchange } from '../graded-exchange.ts';
import { BoundedMap } from './bounded-map.ts';

/** The answers to identical requests so far. */
export interface Earlier {
  readonly exchange: number;
  readonly status: number | null;
  readonly answeredAt: number;
  /** Identical requests in a row with a 5xx, a 429 or no answer, and with a 403. */
  readonly failures: number;
  readonly refusals: number;
  /** Identical requests from the first with a 2xx on. */
  readonly sinceSuccess: number;
  /** Wall time in milliseconds before which it must not be repeated, from Retry-After, and its resolution. */
  readonly notBefore: number | undefined;
  readonly resolution: number;
}

export interface Repetitions {
  /** Undefined for the first request of its kind, and for one that was received before that was answered. */
  earlier(exchange: GradedExchange): Earlier | undefined;
  /** The exchange that was observed last was a request identical to this one. */
  isDirect(exchange: GradedExchange): boolean;
  /** Kinds of answers that occurred in the run. */
  readonly seen: { failedPost: boolean; failure: boolean; refusal: boolean; retryAfter: boolean; noContent: boolean };
  observe(exchange: GradedExchange): void;
}

const MAX_REQUESTS = 5000;

export function createRepetitions(): Repetitions {
  const byRequest = new BoundedMap<string, Earlier>(MAX_REQUESTS);
  let last = '';
  const findEarlier = (exchange: GradedExchange): Earlier | undefined => {
    const earlier = byRequest.get(keyOf(exchange));
    return earlier && exchange.receivedAt >= earlier.answeredAt ? earlier : undefined;
  };
  const seen = { failedPost: false, failure: false, refusal: false, retryAfter: false, noContent: false };
  return {
    seen,
    earlier: findEarlier,
    isDirect: (exchange) => keyOf(exchange) === last,
    observe(exchange) {
      const { id, status, answeredAt } = exchange;
      const key = keyOf(exchange);
      const earlier = findEarlier(exchange);
      const isFailure = isFailed(status);
      const isSuccess = status !== null && status < 300;
      const wait = isFailure ? readRetryAfter(exchange) : undefined;
      seen.failure ||= isFailure;
      seen.failedPost ||= isServerError(status) && exchange.request.method === 'POST';
      seen.refusal ||= status === 403;
      seen.retryAfter ||= wait !== undefined;
      seen.noContent ||= status === 204;
      byRequest.set(key, {
        exchange: id,
        status,
        answeredAt,
        failures: isFailure ? (earlier?.failures ?? 0) + 1 : 0,
        refusals: status === 403 ? (earlier?.refusals ?? 0) + 1 : 0,
        sinceSuccess: isSuccess || earlier?.sinceSuccess ? (earlier?.sinceSuccess ?? 0) + 1 : 0,
        notBefore: wait?.notBefore,
        resolution: wait?.resolution ?? 0,
      });
      last = key;
    },
  };
}

export const isServerError = (status: number | null): boolean => status === null || status >= 500;

const isFailed = (status: number | null): boolean => isServerError(status) || status === 429;

/** Requests are compared by several judges. */
const keys = new WeakMap<GradedExchange, string>();

function keyOf(exchange: GradedExchange): string {
  const known = keys.get(exchange);
  if (known !== undefined) return known;
  const { ase, request, token } = exchange;
  const hash = createHash('sha1').update(JSON.stringify([ase, request.method, request.targetUri, token ?? null]));
  const key = hash.update(request.body).digest('base64');
  keys.set(exchange, key);
  return key;
}

/** RFC 9110 §10.2.3: seconds, or a date, which is exact to the second. */
function readRetryAfter({ reply, answeredAt }: GradedExchange): Pick<Earlier, 'notBefore' | 'resolution'> | undefined {
  const value = Object.entries(reply?.headers ?? {}).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return { notBefore: answeredAt + Number(value) * 1000, resolution: 0 };
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : { notBefore: date, resolution: 1000 };
}
