/** Problems of the identity provider: pages in front, Rafiki's JSON behind (AS-80…83). */
import type { operations } from '../../generated/identity-provider/types.ts';
import type { Problem } from '../errors.ts';
import { pageHeaders, renderMessage } from '../html/layout.ts';
import type { PipelineCode } from '../http/pipeline.ts';
import type { Reply } from '../http/reply.ts';

/** Those of the authorization server's interactions, and our own. */
type DecisionCode =
  | 'unknown_interaction'
  | 'interaction_closed'
  | 'user_denied'
  | 'foreign_holder'
  | 'unacceptable_limits';
type PageCode = Exclude<PipelineCode, 'missing_authorization' | 'invalid_signature'> | DecisionCode | 'foreign_form';

const pages = {
  not_found: [404, 'Not found', 'There is nothing here.'],
  method_not_allowed: [405, 'Not possible', 'This page cannot be called like that.'],
  malformed_body: [400, 'Not understood', 'The form could not be read.'],
  invalid_request: [400, 'Not understood', 'The link or the form is not complete.'],
  unsupported_media_type: [415, 'Not understood', 'The form could not be read.'],
  body_too_large: [413, 'Not understood', 'The form is too large.'],
  body_timeout: [400, 'Not understood', 'The form did not arrive.'],
  unknown_interaction: [404, 'Unknown request', 'There is no such request for access.'],
  interaction_closed: [400, 'Not open any more', 'This request for access was decided before, or has expired.'],
  user_denied: [400, 'Withdrawn', 'The application has withdrawn its request.'],
  foreign_holder: [403, 'Not yours', 'This request is about a wallet address of somebody else.'],
  unacceptable_limits: [400, 'Not possible', 'More cannot be allowed than was asked for.'],
  foreign_form: [403, 'Not possible', 'This form was not filled in here. Open the link once more.'],
  internal_error: [500, 'Something went wrong', 'The fault is on our side.'],
} as const satisfies Record<PageCode, readonly [status: number, title: string, sentence: string]>;

export function renderPageProblem(problem: Problem, _operationId: string | undefined, failureId: string): Reply {
  const [status, title, sentence] = pages[problem.code as PageCode] ?? pages.internal_error;
  const failure = status === 500 ? ` (${failureId})` : '';
  return { status, headers: pageHeaders(), body: renderMessage(title, sentence + failure) };
}

type BackChannelCode =
  | Exclude<PipelineCode, 'missing_authorization' | 'invalid_signature'>
  | DecisionCode
  | 'unknown_choice'
  | 'wrong_secret';

const backChannel = {
  not_found: [404, 'unknown_interaction', 'no such endpoint'],
  method_not_allowed: [405, 'invalid_request', 'the endpoint does not have this method'],
  invalid_request: [400, 'invalid_request', 'the request does not match the specification'],
  malformed_body: [400, 'invalid_request', 'the body is not JSON'],
  unsupported_media_type: [400, 'invalid_request', 'the content type must be application/json'],
  body_too_large: [413, 'invalid_request', 'the body is too large'],
  body_timeout: [400, 'invalid_request', 'the body did not arrive in time'],
  unknown_choice: [400, 'invalid_request', 'the choice is accept or reject'],
  unacceptable_limits: [400, 'invalid_request', 'limits are no less than what was asked for'],
  wrong_secret: [401, 'invalid_interaction', 'x-idp-secret is missing or wrong'],
  unknown_interaction: [404, 'unknown_interaction', 'no such interaction'],
  interaction_closed: [400, 'invalid_interaction', 'the interaction is not open any more'],
  user_denied: [401, 'user_denied', 'the grant was cancelled'],
  foreign_holder: [403, 'user_denied', 'the wallet address is held by somebody else'],
  internal_error: [500, 'request_denied', 'internal error'],
} as const satisfies Record<BackChannelCode, readonly [status: number, code: string, description: string]>;

/** Reading has a word of its own for the same refusal (AS-81). */
const whenReading: Partial<Record<BackChannelCode, string>> = { wrong_secret: 'invalid_request' };

export function renderBackChannelProblem(problem: Problem, operationId: string | undefined, failureId: string): Reply {
  const known = (problem.code in backChannel ? problem.code : 'internal_error') as BackChannelCode;
  const [status, usualCode, usual] = backChannel[known];
  const code = (operationId === ('get-interaction' satisfies keyof operations) && whenReading[known]) || usualCode;
  const description = status === 500 ? `${usual} ${failureId}` : (problem.description ?? usual);
  return { status, body: { error: { code, description } } };
}
