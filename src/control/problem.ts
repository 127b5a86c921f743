/** The error format of the control API: the only place that knows it. */
import type { Problem } from '../errors.ts';
import { type ErrorCatalogue, pipelineEntries, renderError } from '../http/error-catalogue.ts';
import type { Reply } from '../http/reply.ts';
import type { PipelineCode } from '../http/server.ts';

type Code =
  | Exclude<PipelineCode, 'missing_authorization' | 'invalid_signature'>
  | 'unauthorized'
  | 'forbidden'
  | 'conflict'
  | 'insufficient_funds'
  | 'not_ready';

const catalogue: ErrorCatalogue<Code> = {
  ...pipelineEntries,
  not_found: { status: 404, code: 'not_found', description: 'no such resource' },
  method_not_allowed: { status: 405, code: 'method_not_allowed', description: 'method not allowed' },
  invalid_request: { status: 400, code: 'invalid_request', description: 'the request does not match the document' },
  unsupported_media_type: { status: 415, code: 'invalid_request', description: 'the body must be application/json' },
  rate_limited: { status: 429, code: 'invalid_request', description: 'too many requests' },
  unauthorized: { status: 401, code: 'unauthorized', description: 'the control token is missing or wrong' },
  forbidden: { status: 403, code: 'forbidden', description: 'Host or Origin does not belong to the control API' },
  conflict: { status: 409, code: 'conflict', description: 'conflicts with the current state' },
  insufficient_funds: { status: 409, code: 'conflict', description: 'the balance does not cover it' },
  not_ready: { status: 503, code: 'not_ready', description: 'the world is starting: try again' },
};

export const renderControlProblem = (problem: Problem, failureId: string): Reply =>
  renderError(catalogue, problem, failureId);
