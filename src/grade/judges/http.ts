/** Judges of the requirements on the use of HTTP. */
import { preferredType } from '../../http/content-negotiation.ts';
import { combinedHeader, onlyHeaderLine } from '../../http/received-request.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { clip } from '../json.ts';
import { decidedByProbe, type Findings, type JudgesOf, type Run } from '../judge.ts';
import { callerOf } from '../operations.ts';
import type { http } from '../requirements/http.ts';
import { isServerError } from '../state/repetitions.ts';
import { pass, violation, weak } from './findings.ts';

/** A request that is repeated after a longer time is not repeated automatically. */
const AUTOMATIC_MS = 10_000;
const TOLERANCE_MS = 100;
/** A client that does not understand success repeats more often than a test that repeats on purpose. */
const MAX_SINCE_SUCCESS = 2;

export const httpJudges = {
  'CL-HTTP-01': { exchange: judgeAccept },
  'CL-HTTP-02': { exchange: judgeContentType },
  'CL-HTTP-03': { exchange: judgeHost },
  'CL-HTTP-04': decidedByProbe,
  'CL-HTTP-05': decidedByProbe,
  'CL-HTTP-06': decidedByProbe,
  'CL-HTTP-07': decidedByProbe,
  'CL-HTTP-08': decidedByProbe,
  'CL-HTTP-09': decidedByProbe,
  'CL-HTTP-10': {
    exchange: judgeSuccess,
    end: ({ state }) => (state.repetitions.seen.noContent ? pass : undefined),
  },
  'CL-HTTP-11': decidedByProbe,
  'CL-HTTP-12': decidedByProbe,
  'CL-HTTP-13': {
    exchange: judgeRepeatedPost,
    end: ({ state }) => (state.repetitions.seen.failedPost ? pass : undefined),
  },
  'CL-HTTP-14': {
    exchange: judgeRetryAfter,
    end: ({ state }) => (state.repetitions.seen.retryAfter ? pass : undefined),
  },
  'CL-HTTP-15': {
    exchange: judgeAttempts,
    end: ({ state }) => (state.repetitions.seen.failure ? pass : undefined),
  },
  'CL-HTTP-16': decidedByProbe,
} satisfies JudgesOf<typeof http>;

function judgeAccept({ operation, request }: GradedExchange): Findings {
  // CL-WA-02 is about wallet addresses.
  if (callerOf(operation) === undefined || operation === 'get-wallet-address') return undefined;
  const accept = combinedHeader(request, 'accept');
  if (preferredType(accept, ['application/json']) !== undefined) return pass;
  const values = { expected: 'application/json', actual: clip(accept ?? '') };
  return violation('`Accept` does not admit JSON.', values);
}

function judgeContentType({ operation, request, isBodyUnread }: GradedExchange): Findings {
  if (callerOf(operation) === undefined || isBodyUnread) return undefined;
  const type = combinedHeader(request, 'content-type');
  if (request.body.length > 0) {
    return type ? pass : violation('The content has no `Content-Type`.', { expected: 'application/json' });
  }
  if (type === undefined) return pass;
  return weak('A request without content has `Content-Type`.', { expected: 'no `Content-Type`', actual: clip(type) });
}

/** Judges only listeners at a port other than the default one, which `Host` must name. */
function judgeHost({ request }: GradedExchange): Findings {
  const called = URL.parse(request.targetUri);
  const host = onlyHeaderLine(request, 'host');
  if (called === null || called.port === '' || host === undefined) return undefined;
  // URLs drop the default port of their scheme only.
  const named = URL.parse(`${called.protocol}//${host}`);
  if (named === null) return undefined;
  if (named.port === called.port) return pass;
  // Under another name, the server may have another port.
  if (named.port !== '' && named.hostname !== called.hostname) return undefined;
  const values = { expected: named.hostname === called.hostname ? called.host : `:${called.port}`, actual: clip(host) };
  return violation('`Host` is not the authority that was called.', values);
}

const isFinal = ({ operation }: GradedExchange): boolean =>
  operation === 'delete-token' || operation === 'delete-continue' || operation === 'complete-incoming-payment';

function judgeSuccess(exchange: GradedExchange, { state }: Run): Findings {
  if (!isFinal(exchange)) return undefined;
  const { sinceSuccess = 0 } = state.repetitions.earlier(exchange) ?? {};
  if (sinceSuccess < MAX_SINCE_SUCCESS) return undefined;
  const detail = `The same ${exchange.request.method} came again and again, although it had succeeded.`;
  return violation(detail, {
    expected: 'no repetition after a success',
    actual: `${sinceSuccess + 1} identical requests`,
  });
}

function judgeRepeatedPost(exchange: GradedExchange, { state }: Run): Findings {
  if (exchange.request.method !== 'POST' || !state.repetitions.isDirect(exchange)) return undefined;
  const earlier = state.repetitions.earlier(exchange);
  if (earlier === undefined || !isServerError(earlier.status)) return undefined;
  if (exchange.receivedAt > earlier.answeredAt + AUTOMATIC_MS) return undefined;
  return violation(`The POST of exchange ${earlier.exchange}, which had failed, was repeated.`, {
    expected: 'no identical POST without a request in between',
    actual: `a repetition after ${exchange.receivedAt - earlier.answeredAt} ms`,
  });
}

function judgeRetryAfter(exchange: GradedExchange, { state }: Run): Findings {
  const earlier = state.repetitions.earlier(exchange);
  if (earlier?.notBefore === undefined) return undefined;
  const early = earlier.notBefore - earlier.resolution - TOLERANCE_MS - exchange.receivedAt;
  if (early <= 0) return pass;
  // Without a token, another part of the program may have sent it.
  const make = exchange.token === undefined ? weak : violation;
  return make(`The request of exchange ${earlier.exchange} was repeated before the time in \`Retry-After\`.`, {
    expected: `a repetition after ${Math.round(earlier.notBefore - earlier.answeredAt)} ms at the earliest`,
    actual: `a repetition after ${Math.round(exchange.receivedAt - earlier.answeredAt)} ms`,
  });
}

function judgeAttempts(exchange: GradedExchange, { state }: Run): Findings {
  const { failures = 0, answeredAt = 0, notBefore = 0 } = state.repetitions.earlier(exchange) ?? {};
  if (failures === 0 || exchange.receivedAt > Math.max(answeredAt, notBefore) + AUTOMATIC_MS) return undefined;
  if (failures === 1) return pass;
  return violation(`The same ${exchange.request.method} came once more after ${failures} failures in a row.`, {
    expected: 'two attempts at most',
    actual: `attempt ${failures + 1}`,
  });
}
