/** The error format of the control API: the only place that knows it. */
import type { Problem } from '../errors.ts';
import type { PipelineCode } from '../http/pipeline.ts';

type Code =
  | Exclude<PipelineCode, 'missing_authorization' | 'invalid_signature'>
  | 'unauthorized'
  | 'forbidden'
  | 'conflict'
  | 'insufficient_funds';

const catalogue = {
  not_found: [404, 'not_found', 'no such resource'],
  method_not_allowed: [405, 'method_not_allowed', 'method not allowed'],
  malformed_body: [400, 'invalid_request', 'the body is not JSON'],
  invalid_request: [400, 'invalid_request', 'the request does not match the document'],
  unsupported_media_type: [415, 'invalid_request', 'the body must be application/json'],
  body_too_large: [413, 'invalid_request', 'the body is too large'],
  body_timeout: [400, 'invalid_request', 'the body did not arrive in time'],
  rate_limited: [429, 'invalid_request', 'too many requests'],
  unauthorized: [401, 'unauthorized', 'the control token is missing or wrong'],
  forbidden: [403, 'forbidden', 'Host or Origin does not belong to the control API'],
  conflict: [409, 'conflict', 'conflicts with the current state'],
  insufficient_funds: [409, 'conflict', 'the balance does not cover it'],
  internal_error: [500, 'internal_error', 'internal error'],
} as const satisfies Record<Code, readonly [status: number, code: string, description: string]>;

/** `failureId` is the log's id of an unexpected error, the only detail of it that a client sees. */
export function renderProblem(problem: Problem, failureId: string) {
  const [status, code, summary] = catalogue[problem.code as Code] ?? catalogue.internal_error;
  const description = status === 500 ? `${summary} ${failureId}` : (problem.description ?? summary);
  return { status, body: { error: { code, description } } };
}
