/** Judges of the requirements on continuing and cancelling grants. */
import { parseQuery } from '../../http/received-request.ts';
import { errorCodeOf, hasContent, hasField, memberOf } from '../exchange-facts.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { asString, isObject } from '../json.ts';
import { decidedByProbe, type Finding, type Findings, type Judge, type JudgesOf, type Run } from '../judge.ts';
import type { continuation } from '../requirements/continuation.ts';
import type { Continue, GrantRecord } from '../state/grants.ts';
import { pass, violation } from './findings.ts';

/** Milliseconds by which a client may be early. */
const TOLERANCE = 100;

/** Judges continuations of a grant that the run has seen. */
const ofContinuation = (
  operations: readonly string[],
  judge: (grant: GrantRecord, exchange: GradedExchange, run: Run) => Findings,
): Judge => ({
  exchange(exchange, run) {
    if (!operations.includes(exchange.operation)) return undefined;
    const grant = run.state.grants.grantContinuedBy(exchange);
    return grant && judge(grant, exchange, run);
  },
});

const posts = ['post-continue'];
const calls = ['post-continue', 'delete-continue'];

/** The newest `continue` that the client had when it sent the request. */
const latestBefore = ({ continues }: GrantRecord, { receivedAt }: GradedExchange): Continue | undefined =>
  continues.findLast(({ answeredAt }) => answeredAt <= receivedAt);

function judgePlaceOfReference(grant: GrantRecord, exchange: GradedExchange): Findings {
  const { body, request } = exchange;
  const isInQuery = parseQuery(request.rawTarget)['interact_ref'] !== undefined;
  if (isInQuery) return violation('The reference is in the query.', { expected: '{"interact_ref": "…"}' });
  if (typeof memberOf(body, 'interact_ref') === 'string') return pass;
  if (memberOf(body, 'interact_ref') !== undefined) return violation('`interact_ref` is not a string.');
  const isDue = grant.redirect?.reference !== undefined && grant.sent.size === 0;
  if (!isDue) return undefined;
  const detail = hasContent(exchange) ? 'The content has no member interact_ref.' : 'The content is missing.';
  return violation(detail, { expected: '{"interact_ref": "…"}' });
}

function judgeToken({ continues }: GrantRecord, exchange: GradedExchange): Finding {
  const { token } = exchange;
  const expected = 'Authorization: GNAP, with continue.access_token.value';
  if (token === undefined) {
    const detail = hasField(exchange, 'authorization')
      ? 'Authorization does not have the scheme GNAP and a token.'
      : 'The request has no Authorization.';
    return violation(detail, { expected });
  }
  return continues.some((each) => each.token === token)
    ? pass
    : violation('The token is not a continuation token of this grant.', { expected });
}

function judgeWait(grant: GrantRecord, exchange: GradedExchange): Findings {
  const latest = latestBefore(grant, exchange);
  if (!latest?.wait || latest.wait < 0) return undefined;
  const waited = exchange.receivedAt - latest.answeredAt;
  if (waited >= latest.wait * 1000 - TOLERANCE) return pass;
  // A test clock that was put forward makes the wait shorter for the server than for the wall.
  const isRefused = errorCodeOf(exchange) === 'too_fast';
  return {
    outcome: isRefused ? 'violation' : 'weak',
    detail: `The client came ${(latest.wait - waited / 1000).toFixed(1)} seconds early.`,
    expected: `${latest.wait} s after exchange ${latest.exchange}`,
    actual: `${(waited / 1000).toFixed(1)} s`,
  };
}

function judgeNewest(grant: GrantRecord, exchange: GradedExchange): Findings {
  const latest = latestBefore(grant, exchange);
  const isReplaced = grant.continues.some(({ token, uri }) => token !== latest?.token || uri !== latest?.uri);
  if (!latest || !isReplaced) return undefined;
  const where = `exchange ${latest.exchange}`;
  if (grant.continues.some(({ token }) => token === exchange.token) && exchange.token !== latest.token) {
    return violation(`The continuation token was replaced in ${where}.`);
  }
  if (grant.continues.some(({ uri }) => uri === exchange.request.targetUri && uri !== latest.uri)) {
    return violation(`The continuation URI was replaced in ${where}.`);
  }
  return pass;
}

function judgePoll(_grant: GrantRecord, exchange: GradedExchange): Findings {
  const { body } = exchange;
  if (memberOf(body, 'client') !== undefined) {
    const actual = exchange.masked(exchange.request.body.toString());
    return violation('The continuation has the member client.', { expected: 'no member client', actual });
  }
  if (memberOf(body, 'interact_ref') !== undefined || !hasContent(exchange)) return pass;
  if (isObject(body) && Object.keys(body).length === 0) {
    return { outcome: 'weak', tolerated: true, detail: 'The poll has an empty object as its content.' };
  }
  return violation('The poll has content.');
}

/** Counts the grants that were not cancelled. */
function judgeOpenGrants({ state }: Run): Findings {
  const grants = state.grants.all.filter(({ continues }) => continues.length > 0);
  if (grants.length === 0) return undefined;
  const open = grants.filter(({ cancelled, ended }) => cancelled === undefined && ended === undefined);
  if (open.length === 0) return pass;
  const detail = `The client did not cancel ${open.length} of ${grants.length} grants.`;
  return violation(detail, { exchange: open[0]!.exchange });
}

/** A cancelled grant is not continued. Its tokens may still be valid. */
function judgeCancelled(exchange: GradedExchange, { state }: Run): Findings {
  const { operation, status, token } = exchange;
  if (operation === 'delete-continue') return status === 204 ? pass : undefined;
  const isContinuation = operation === 'post-continue';
  const grant = isContinuation ? state.grants.grantContinuedBy(exchange) : state.grants.grantOfToken(token);
  if (grant?.cancelled === undefined) return undefined;
  const when = `after its cancellation in exchange ${grant.cancelled}`;
  if (isContinuation) return violation(`The grant was continued ${when}.`);
  return { outcome: 'weak', detail: `A token of the grant was used ${when}.` };
}

/** Passes when an answer ends the grant, and fails when another continuation follows. */
function judgeEnded(exchange: GradedExchange, { state }: Run): Findings {
  if (exchange.operation !== 'post-continue') return undefined;
  const grant = state.grants.grantContinuedBy(exchange);
  if (!grant) return undefined;
  if (grant.ended === undefined || grant.ended === exchange.id) return undefined;
  return violation(`The grant ended with exchange ${grant.ended}.`);
}

export const continuationJudges = {
  'CL-GNAP-21': ofContinuation(posts, judgePlaceOfReference),
  'CL-GNAP-22': {
    exchange({ operation, body }, { state }) {
      const reference = operation === 'post-continue' ? asString(memberOf(body, 'interact_ref')) : undefined;
      if (reference === undefined) return undefined;
      const before = state.grants.exchangeWithReference(reference);
      return before === undefined ? pass : violation(`The reference was sent in exchange ${before} already.`);
    },
  },
  'CL-GNAP-23': ofContinuation(calls, judgeToken),
  'CL-GNAP-24': ofContinuation(posts, judgeWait),
  'CL-GNAP-25': decidedByProbe,
  'CL-GNAP-26': decidedByProbe,
  'CL-GNAP-27': ofContinuation(calls, judgeNewest),
  'CL-GNAP-28': {
    exchange: judgeEnded,
    end({ state }) {
      return state.grants.all
        .filter(({ ended }) => ended !== undefined)
        .map(({ ended }) => ({ ...pass, exchange: ended! }));
    },
  },
  'CL-GNAP-29': ofContinuation(posts, judgePoll),
  'CL-GNAP-30': decidedByProbe,
  'CL-GNAP-31': { end: judgeOpenGrants },
  'CL-GNAP-32': { exchange: judgeCancelled },
  'CL-GNAP-33': decidedByProbe,
  'CL-GNAP-34': {
    exchange(exchange, { state }) {
      const grant = exchange.operation === 'post-continue' ? state.grants.grantContinuedBy(exchange) : undefined;
      if (grant?.subjectAnswered === undefined) return undefined;
      return violation(`Exchange ${grant.subjectAnswered} answered with the subject already.`);
    },
    end({ state }) {
      const answered = state.grants.all.flatMap(({ subjectAnswered }) => subjectAnswered ?? []);
      return answered.map((exchange) => ({ ...pass, exchange }));
    },
  },
} satisfies JudgesOf<typeof continuation>;
