/** Judges of the requirements on the interaction with a person. */
import type { GradedExchange } from '../graded-exchange.ts';
import { decidedByProbe, type Findings, type JudgesOf, type Run } from '../judge.ts';
import type { interaction } from '../requirements/interaction.ts';
import { lastSegmentOf, type UriKind } from '../state/grants.ts';
import { differs, pass } from './findings.ts';

/** Kinds of the URIs to which the requests of an operation are sent. */
const kinds: Readonly<Record<string, UriKind>> = {
  'post-continue': 'continue',
  'delete-continue': 'continue',
  'post-token': 'manage',
  'delete-token': 'manage',
  'get-incoming-payment': 'resource',
  'complete-incoming-payment': 'resource',
  'get-quote': 'resource',
  'get-outgoing-payment': 'resource',
};

function judgeUri(exchange: GradedExchange, { state }: Run): Findings {
  const { operation, ase, params, request } = exchange;
  const kind = Object.hasOwn(kinds, operation) ? kinds[operation]! : undefined;
  if (!kind) return undefined;
  const given = state.grants.uriHandedOut(ase, kind, params['id'] ?? lastSegmentOf(request.targetUri));
  if (given === undefined) return undefined;
  const expected = operation === 'complete-incoming-payment' ? `${given}/complete` : given;
  if (request.targetUri === expected) return pass;
  return differs(exchange, expected, request.targetUri, 'The client changed the URI that it was given.');
}

function judgeInteractionUri(exchange: GradedExchange, { state }: Run): Findings {
  if (exchange.operation !== 'start-interaction') return undefined;
  const expected = state.grants.grantOfInteraction(exchange)?.interactRedirect;
  if (expected === undefined) return undefined;
  const actual = exchange.request.targetUri;
  if (actual === expected) return pass;
  return differs(exchange, expected, actual, 'The person was sent to another URI than interact.redirect.');
}

function judgeEarlyContinuation(exchange: GradedExchange, { state }: Run): Findings {
  if (exchange.operation !== 'post-continue') return undefined;
  const grant = state.grants.grantContinuedBy(exchange);
  if (!grant?.finish || grant.interactRedirect === undefined) return undefined;
  if (grant.redirect) return pass;
  return {
    outcome: 'violation',
    detail: 'The grant was continued before the callback, which the client had asked for.',
    expected: 'no POST before the redirect to the finish URI',
  };
}

export const interactionJudges = {
  'CL-GNAP-12': { exchange: judgeInteractionUri },
  'CL-GNAP-13': { exchange: judgeUri },
  'CL-GNAP-14': decidedByProbe,
  'CL-GNAP-15': decidedByProbe,
  'CL-GNAP-16': decidedByProbe,
  'CL-GNAP-17': decidedByProbe,
  'CL-GNAP-18': decidedByProbe,
  'CL-GNAP-19': { exchange: judgeEarlyContinuation },
  'CL-GNAP-20': decidedByProbe,
} satisfies JudgesOf<typeof interaction>;
