/**
 * Error catalogues: how each problem of a server appears on the wire. A server has one table of this shape, which is
 * the only place that knows its status codes, wire codes and texts. Code that detects a problem throws
 * `new Problem(code)`, or calls a maker that is typed with the codes of its area, such as `authProblem(code)`.
 */
import type { Problem } from '../errors.ts';
import type { Reply } from './reply.ts';

export interface CatalogueEntry<WireCode extends string = string> {
  readonly status: number;
  /** `error.code` of the reply. */
  readonly code: WireCode;
  /** Sent unless the problem carries a description for this request. */
  readonly description: string;
}

/** Problem code → entry. Pages use another `Entry`, with a title and a sentence. */
export type ErrorCatalogue<Code extends string = string, Entry = CatalogueEntry> = Readonly<
  Record<Code | 'internal_error', Entry>
>;

/** Entries of the pipeline's problems that servers share. */
export const pipelineEntries = {
  malformed_body: { status: 400, code: 'invalid_request', description: 'the body is not JSON' },
  invalid_request: {
    status: 400,
    code: 'invalid_request',
    description: 'the request does not match the specification',
  },
  body_too_large: { status: 413, code: 'invalid_request', description: 'the body is too large' },
  body_timeout: { status: 400, code: 'invalid_request', description: 'the body did not arrive in time' },
  rate_limited: {
    status: 429,
    code: 'too_many_requests',
    description: 'too many requests; Retry-After says when to try again',
  },
  overloaded: {
    status: 503,
    code: 'unavailable',
    description: 'the server has too much to do; Retry-After says when to try again',
  },
  internal_error: { status: 500, code: 'internal_error', description: 'internal error' },
} as const satisfies Record<string, CatalogueEntry>;

/** Codes outside the catalogue are internal errors. */
export const findEntry = <Entry>(catalogue: ErrorCatalogue<string, Entry>, { code }: Problem): Entry =>
  catalogue[Object.hasOwn(catalogue, code) ? code : 'internal_error']!;

/**
 * The reply in the error format of Open Payments, which extends GNAP's (RFC 9635 §3.6). An internal error discloses
 * only `failureId`, under which it is logged. For statuses or codes that depend on the operation, pass the catalogue
 * with the entries of that operation spread over it.
 */
export function renderError(catalogue: ErrorCatalogue, problem: Problem, failureId: string): Reply {
  const entry = findEntry(catalogue, problem);
  const { status, code } = entry;
  const description =
    entry === catalogue.internal_error ? `internal error ${failureId}` : (problem.description ?? entry.description);
  return { status, body: { error: { code, description, ...(problem.details && { details: problem.details }) } } };
}
