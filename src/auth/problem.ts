/** Problems of the authorization server and the GNAP error format (RFC 9635 §3.6; AS-160…162): only here. */
import type { operations } from '../../generated/auth-server/types.ts';
import { Problem, type ProblemOptions } from '../errors.ts';
import { pageHeaders, renderMessage } from '../html/layout.ts';
import type { PipelineCode } from '../http/pipeline.ts';
import type { Reply } from '../http/reply.ts';

/** What goes wrong in this slice, beside what the pipeline finds. */
export type AuthCode =
  /** The client cannot be made out, or not for this kind of grant. */
  | 'unusable_client'
  /** No such grant, or the continuation token is not its own, or it was cancelled. */
  | 'unknown_continuation'
  /** The reference is not the one that the interaction ended with. */
  | 'unknown_interact_ref'
  /** Nothing to be had here: denied, used up, expired, or not without the reference. */
  | 'grant_denied'
  | 'too_fast'
  /** No such management URL, or the token is not the one it manages. */
  | 'unknown_token'
  /** Another rotation or a revocation came first. */
  | 'token_replaced';

type Code = PipelineCode | AuthCode;
type Operation = keyof operations;
type WireCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_continuation'
  | 'invalid_rotation'
  | 'request_denied'
  | 'too_fast';
type Entry = readonly [status: number, code: WireCode, description: string];

/** A body or query that these operations do not expect: the document leaves each of them another word (AS-162). */
const elsewhere = {
  'delete-continue': [404, 'invalid_request'],
  'post-token': [400, 'invalid_rotation'],
  'delete-token': [400, 'invalid_client'],
} as const satisfies Partial<Record<Operation, readonly [status: number, code: WireCode]>>;

const catalogue = {
  not_found: [404, 'invalid_request', 'no such endpoint'],
  method_not_allowed: [405, 'invalid_request', 'the endpoint does not have this method'],
  malformed_body: [400, 'invalid_request', 'the body is not JSON'],
  invalid_request: [400, 'invalid_request', 'the request does not match the specification'],
  unsupported_media_type: [400, 'invalid_request', 'the content type must be application/json'],
  body_too_large: [413, 'invalid_request', 'the body is too large'],
  body_timeout: [400, 'invalid_request', 'the body did not arrive in time'],
  missing_authorization: [401, 'invalid_client', 'Authorization with the GNAP scheme is required'],
  invalid_signature: [401, 'invalid_client', 'the signature is not valid'],
  internal_error: [500, 'request_denied', 'internal error'],
  unusable_client: [400, 'invalid_client', 'the client cannot be determined'],
  unknown_continuation: [401, 'invalid_continuation', 'no such grant, or the token is not its own'],
  unknown_interact_ref: [404, 'invalid_continuation', 'the interaction reference is not known'],
  grant_denied: [401, 'request_denied', 'the request is denied'],
  too_fast: [400, 'too_fast', 'wait before continuing again'],
  unknown_token: [401, 'invalid_client', 'no such token'],
  token_replaced: [404, 'invalid_rotation', 'the token was replaced or revoked in the meantime'],
} as const satisfies Record<Code, Entry>;

/** All of them, for whoever wants to know what can be answered. */
export const authCodes = Object.keys(catalogue) as readonly Code[];

/** Problems that stand at another status or code for some operations. */
const perOperation: Partial<Record<Code, typeof elsewhere>> = {
  invalid_request: elsewhere,
  malformed_body: elsewhere,
  unsupported_media_type: elsewhere,
  body_timeout: elsewhere,
};

/** A problem of this slice. */
export const authProblem = (
  code: AuthCode | 'invalid_request' | 'invalid_signature',
  options?: ProblemOptions,
): Problem => new Problem(code, options);

export function renderAuthProblem(problem: Problem, operationId: string | undefined, failureId: string): Reply {
  const code = (problem.code in catalogue ? problem.code : 'internal_error') as Code;
  const [usualStatus, usualCode, description] = catalogue[code];
  const [status, wireCode] = perOperation[code]?.[operationId as keyof typeof elsewhere] ?? [usualStatus, usualCode];
  return renderGnapError(problem, failureId, [status, wireCode, description]);
}

function renderGnapError(
  problem: Problem,
  failureId: string,
  [status, code, usual]: readonly [status: number, code: string, description: string],
): Reply {
  const description = status === 500 ? `internal error ${failureId}` : (problem.description ?? usual);
  return { status, body: { error: { code, description } } };
}

/** What goes wrong while somebody interacts. The identity provider renders these too, in its own way. */
export type InteractionCode =
  | 'unknown_interaction'
  /** Decided before, or expired. */
  | 'interaction_closed'
  /** The browser is not the one that began, or has finished before. */
  | 'invalid_session'
  /** The client has cancelled the grant. */
  | 'user_denied'
  /** Whoever decides does not hold every wallet address that is named. */
  | 'foreign_holder'
  /** An amount to allow that is no less than the one asked for. */
  | 'unacceptable_limits';

type InteractionEntry = readonly [status: number, code: string, description: string];

/** The words of Rafiki, which identity providers know (AS-79, AS-89, AS-90); some at another status when finishing. */
const interactionCatalogue = {
  not_found: [404, 'invalid_request', 'no such endpoint'],
  method_not_allowed: [405, 'invalid_request', 'the endpoint does not have this method'],
  invalid_request: [400, 'invalid_request', 'the request does not match the specification'],
  unknown_interaction: [400, 'unknown_interaction', 'no such interaction'],
  interaction_closed: [403, 'invalid_interaction', 'the interaction is not open any more'],
  invalid_session: [401, 'invalid_request', 'invalid session'],
  user_denied: [401, 'user_denied', 'the grant was cancelled'],
  foreign_holder: [403, 'invalid_interaction', 'the wallet address is held by somebody else'],
  unacceptable_limits: [400, 'invalid_request', 'more than was asked for'],
  internal_error: [500, 'request_denied', 'internal error'],
} as const satisfies Partial<Record<PipelineCode, InteractionEntry>> & Record<InteractionCode, InteractionEntry>;

const whenFinishing: Partial<Record<InteractionCode, InteractionEntry>> = {
  unknown_interaction: [404, 'unknown_interaction', 'no such interaction'],
  interaction_closed: [401, 'invalid_interaction', 'the interaction is not open any more'],
};

export const interactionProblem = (code: InteractionCode): Problem => new Problem(code);

/** The same for people: whoever comes with a browser gets a page. */
const messages: Readonly<Record<string, readonly [title: string, sentence: string]>> = {
  unknown_interaction: ['Unknown request', 'There is no such request for access. Begin again at the application.'],
  interaction_closed: ['Not open any more', 'This request for access was decided before, or it has expired.'],
  invalid_session: [
    'Not begun here',
    'This browser did not begin the request for access, or it has finished it before. Begin again at the application.',
  ],
  foreign_holder: ['Not yours', 'This request is about a wallet address of somebody else.'],
  not_found: ['Not found', 'There is nothing here.'],
};

export function renderInteractionProblem(
  problem: Problem,
  operationId: string | undefined,
  failureId: string,
  accept = '',
): Reply {
  const code = problem.code as InteractionCode;
  const special = operationId === 'finish-interaction' ? whenFinishing[code] : undefined;
  const entry = special ?? interactionCatalogue[code] ?? interactionCatalogue.internal_error;
  const [status] = entry;
  if (!/\btext\/html\b/i.test(accept)) return renderGnapError(problem, failureId, entry);
  const [title, sentence] =
    status === 500
      ? ['Something went wrong', `The fault is on our side (${failureId}).`]
      : (messages[code] ?? ['Not possible', 'This link is not complete. Begin again at the application.']);
  return { status, headers: pageHeaders(), body: renderMessage(title, sentence) };
}
