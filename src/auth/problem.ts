/** Problems of the authorization server in the GNAP error format (RFC 9635 §3.6; AS-160…162), and as pages for people. */
import type { operations } from '../../generated/auth-server/types.ts';
import type { operations as interactionOperations } from '../../generated/identity-provider/types.ts';
import { Problem, type ProblemOptions } from '../errors.ts';
import { pageHeaders, renderMessage } from '../html/layout.ts';
import { type CatalogueEntry, type ErrorCatalogue, findEntry, renderError } from '../http/error-catalogue.ts';
import type { AnsweredErrors } from '../http/operation.ts';
import type { Reply } from '../http/reply.ts';
import type { PipelineCode } from '../http/server.ts';

type UnsignedPipelineCode = Exclude<PipelineCode, 'missing_authorization' | 'invalid_signature'>;

const invalidRequest = (description: string, status = 400) =>
  ({ status, code: 'invalid_request', description }) as const;

/** Entries that all servers of this slice share. */
const common = {
  not_found: invalidRequest('no such endpoint', 404),
  method_not_allowed: invalidRequest('the endpoint does not have this method', 405),
  malformed_body: invalidRequest('the body is not JSON'),
  invalid_request: invalidRequest('the request does not match the specification'),
  unsupported_media_type: invalidRequest('the content type must be application/json'),
  body_too_large: invalidRequest('the body is too large', 413),
  body_timeout: invalidRequest('the body did not arrive in time'),
  rate_limited: {
    status: 429,
    code: 'request_denied',
    description: 'too many requests; Retry-After says when to try again',
  },
  overloaded: {
    status: 503,
    code: 'request_denied',
    description: 'the server has too much to do; Retry-After says when to try again',
  },
  internal_error: { status: 500, code: 'request_denied', description: 'internal error' },
} as const satisfies Record<UnsignedPipelineCode, CatalogueEntry>;

// ── Grants and tokens ───────────────────────────────────────────────────────────────────────────────────────────────

/** Problems that this slice detects, in addition to those of the pipeline. */
export type AuthCode =
  /** The client cannot be determined, or cannot have this kind of grant. */
  | 'unusable_client'
  /** The grant does not exist or is revoked, or the continuation token belongs to another grant. */
  | 'unknown_continuation'
  /** The interaction did not end with this reference. */
  | 'unknown_interact_ref'
  /** The grant is denied, already issued or expired, or an `interact_ref` is required. */
  | 'grant_denied'
  | 'too_fast'
  /** The management URL is unknown, or manages another token. */
  | 'unknown_token'
  /** Another rotation or a revocation came first. */
  | 'token_replaced';

type WireCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_continuation'
  | 'invalid_rotation'
  | 'request_denied'
  | 'too_fast';

const catalogue: ErrorCatalogue<PipelineCode | AuthCode, CatalogueEntry<WireCode>> = {
  ...common,
  missing_authorization: {
    status: 401,
    code: 'invalid_client',
    description: 'Authorization with the GNAP scheme is required',
  },
  invalid_signature: { status: 401, code: 'invalid_client', description: 'the signature is not valid' },
  unusable_client: { status: 400, code: 'invalid_client', description: 'the client cannot be determined' },
  unknown_continuation: {
    status: 401,
    code: 'invalid_continuation',
    description: 'unknown grant, or its continuation token is another one',
  },
  unknown_interact_ref: {
    status: 404,
    code: 'invalid_continuation',
    description: 'the interaction reference is not known',
  },
  grant_denied: { status: 401, code: 'request_denied', description: 'the request is denied' },
  too_fast: { status: 400, code: 'too_fast', description: 'wait before continuing again' },
  unknown_token: { status: 401, code: 'invalid_client', description: 'unknown token' },
  token_replaced: {
    status: 404,
    code: 'invalid_rotation',
    description: 'the token was replaced or revoked in the meantime',
  },
};

/** The problems of a body or query that an operation does not expect, with another status and code. */
const badRequests = (status: number, code: WireCode) => ({
  malformed_body: { ...common.malformed_body, status, code },
  invalid_request: { ...common.invalid_request, status, code },
  unsupported_media_type: { ...common.unsupported_media_type, status, code },
  body_timeout: { ...common.body_timeout, status, code },
});

/** These operations do not declare 400 `invalid_request`; each uses the closest error that it declares (AS-162). */
const perOperation: { readonly [operation in keyof operations]?: Partial<typeof catalogue> } = {
  'delete-continue': badRequests(404, 'invalid_request'),
  'post-token': badRequests(400, 'invalid_rotation'),
  'delete-token': badRequests(400, 'invalid_client'),
};

/** The error statuses of each operation. */
export const answeredErrors = {
  'get-discovery': [400, 405, 413, 429, 500, 503],
  'options-discovery': [400, 405, 413, 429, 500, 503],
  'delete-continue': [400, 401, 404, 405, 413, 429, 500, 503],
  'post-continue': [400, 401, 404, 405, 413, 429, 500, 503],
  'post-request': [400, 401, 405, 413, 429, 500, 503],
  'delete-token': [400, 401, 405, 413, 429, 500, 503],
  'post-token': [400, 401, 404, 405, 413, 429, 500, 503],
} as const satisfies AnsweredErrors<operations>;

/** All problem codes of this server. */
export const authCodes = Object.keys(catalogue) as readonly (PipelineCode | AuthCode)[];

export const authProblem = (
  code: AuthCode | 'invalid_request' | 'invalid_signature',
  options?: ProblemOptions,
): Problem => new Problem(code, options);

/** A status that the operation does not answer becomes an internal error. */
export function renderAuthProblem(problem: Problem, operationId: string | undefined, failureId: string): Reply {
  const operation = operationId as keyof operations | undefined;
  const entries = { ...catalogue, ...(operation && perOperation[operation]) };
  const reply = renderError(entries, problem, failureId);
  const isAnswered = operation === undefined || (answeredErrors[operation] as readonly number[]).includes(reply.status);
  return isAnswered ? reply : renderError(catalogue, new Problem('internal_error'), failureId);
}

// ── Interactions ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Problems of an interaction. The identity provider has entries for these codes in its catalogues as well. */
export type InteractionCode =
  | 'unknown_interaction'
  /** Already decided, or expired. */
  | 'interaction_closed'
  /** Another browser started the interaction, or this one has finished it. */
  | 'invalid_session'
  /** The client has cancelled the grant. */
  | 'user_denied'
  /** The account does not hold every wallet address of the request. */
  | 'foreign_holder'
  /** An allowed amount exceeds the requested one. */
  | 'unacceptable_limits';

/** The codes are Rafiki's, which identity providers know (AS-79, AS-89, AS-90). */
const interactionCatalogue: ErrorCatalogue<UnsignedPipelineCode | 'misdirected_request' | InteractionCode> = {
  ...common,
  misdirected_request: invalidRequest('the host is not one of this server', 421),
  unknown_interaction: { status: 400, code: 'unknown_interaction', description: 'unknown interaction' },
  interaction_closed: { status: 403, code: 'invalid_interaction', description: 'the interaction is closed' },
  invalid_session: { status: 401, code: 'invalid_request', description: 'invalid session' },
  user_denied: { status: 401, code: 'user_denied', description: 'the grant was cancelled' },
  foreign_holder: {
    status: 403,
    code: 'invalid_interaction',
    description: 'another account holds the wallet address',
  },
  unacceptable_limits: { status: 400, code: 'invalid_request', description: 'more than requested' },
};

const perInteractionOperation: {
  readonly [operation in keyof interactionOperations]?: Partial<typeof interactionCatalogue>;
} = {
  'finish-interaction': {
    unknown_interaction: { ...interactionCatalogue.unknown_interaction, status: 404 },
    interaction_closed: { ...interactionCatalogue.interaction_closed, status: 401 },
  },
};

interface Message {
  readonly title: string;
  readonly sentence: string;
}

/** Pages for browsers. */
const messages: Readonly<Partial<Record<string, Message>>> = {
  unknown_interaction: {
    title: 'Unknown request',
    sentence: 'This request for access does not exist. Start again in the application.',
  },
  interaction_closed: {
    title: 'Request closed',
    sentence: 'This request for access has already been decided, or it has expired.',
  },
  invalid_session: {
    title: 'Wrong browser',
    sentence:
      'This browser did not start the request for access, or has already finished it. Start again in the application.',
  },
  foreign_holder: { title: 'Not your account', sentence: 'This request is for a wallet address of another account.' },
  rate_limited: { title: 'Too many requests', sentence: 'Wait a moment, then reload this page.' },
  overloaded: { title: 'Too busy', sentence: 'Wait a moment, then reload this page.' },
  not_found: { title: 'Not found', sentence: 'This page does not exist.' },
  misdirected_request: {
    title: 'Wrong address',
    sentence: 'This page has another address. Start again in the application.',
  },
};

const incompleteLink: Message = {
  title: 'This link is incomplete',
  sentence: 'Start again in the application.',
};

export const interactionProblem = (code: InteractionCode): Problem => new Problem(code);

/** JSON, or a page if the request's `Accept` header lists HTML. */
export function renderInteractionProblem(
  problem: Problem,
  operationId: string | undefined,
  failureId: string,
  accept = '',
): Reply {
  const entries = { ...interactionCatalogue, ...perInteractionOperation[operationId as keyof interactionOperations] };
  if (!/\btext\/html\b/i.test(accept)) return renderError(entries, problem, failureId);
  const { status } = findEntry(entries, problem);
  const { title, sentence } =
    status === 500
      ? { title: 'Something went wrong', sentence: `The error is on our side (${failureId}).` }
      : (messages[problem.code] ?? incompleteLink);
  return { status, headers: pageHeaders(), body: renderMessage(title, sentence) };
}

// ── Token introspection ─────────────────────────────────────────────────────────────────────────────────────────────

const introspectionCatalogue: ErrorCatalogue<UnsignedPipelineCode | 'unknown_resource_server'> = {
  ...common,
  method_not_allowed: { ...common.method_not_allowed, description: 'token introspection uses POST' },
  unknown_resource_server: {
    status: 401,
    code: 'invalid_resource_server',
    description: 'the resource server is not known',
  },
};

export const renderIntrospectionProblem = (
  problem: Problem,
  _operationId: string | undefined,
  failureId: string,
): Reply => renderError(introspectionCatalogue, problem, failureId);
