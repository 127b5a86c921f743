/** Problems of the resource server and their replies in the Open Payments error format (RS-02…07, RS-24). */
import type { operations } from '../../generated/resource-server/types.ts';
import { Problem, type ProblemOptions } from '../errors.ts';
import { type CatalogueEntry, type ErrorCatalogue, pipelineEntries, renderError } from '../http/error-catalogue.ts';
import type { AnsweredErrors } from '../http/operation.ts';
import type { Reply } from '../http/reply.ts';
import type { PipelineCode } from '../http/server.ts';

/** Problems of the resource server and of the payments that it creates. */
export type ResourceCode =
  | 'invalid_token'
  | 'insufficient_access'
  | 'insufficient_grant'
  | 'invalid_interval'
  | 'unknown_wallet_address'
  | 'invalid_amount'
  | 'invalid_expires_at'
  | 'incoming_payment_closed'
  | 'invalid_receiver'
  | 'receiver_unreachable'
  | 'non_positive_receive_amount'
  | 'no_rate'
  | 'unknown_quote'
  | 'invalid_quote'
  | 'idempotency_key_reused'
  | 'introspection_unavailable';

const badRequest = (description: string): CatalogueEntry => ({ status: 400, code: 'invalid_request', description });

/** Clients match these descriptions, which other implementations use as well (RS-03). */
const catalogue: ErrorCatalogue<PipelineCode | ResourceCode> = {
  ...pipelineEntries,
  not_found: { status: 404, code: 'not_found', description: 'Not Found' },
  method_not_allowed: { status: 405, code: 'method_not_allowed', description: 'Method Not Allowed' },
  unsupported_media_type: { status: 415, code: 'invalid_request', description: 'the content type is not supported' },
  missing_authorization: {
    status: 401,
    code: 'invalid_token',
    description: 'Missing or invalid authorization header value',
  },
  invalid_token: { status: 401, code: 'invalid_token', description: 'Invalid Token' },
  invalid_signature: { status: 401, code: 'invalid_signature', description: 'the signature is missing or wrong' },
  insufficient_access: { status: 403, code: 'insufficient_grant', description: 'Insufficient Grant' },
  insufficient_grant: { status: 403, code: 'insufficient_grant', description: 'unauthorized' },
  invalid_interval: { status: 403, code: 'insufficient_grant', description: 'unauthorized' },
  unknown_wallet_address: badRequest('Could not get wallet address'),
  invalid_amount: badRequest('invalid amount'),
  invalid_expires_at: badRequest('invalid expiresAt'),
  incoming_payment_closed: { status: 409, code: 'conflict', description: 'wrong state' },
  invalid_receiver: badRequest('invalid receiver'),
  receiver_unreachable: badRequest('invalid receiver'),
  non_positive_receive_amount: badRequest('non-positive receive amount'),
  no_rate: { status: 500, code: 'no_rate', description: 'could not convert between assets' },
  unknown_quote: { status: 404, code: 'not_found', description: 'unknown quote' },
  invalid_quote: badRequest('invalid quote'),
  // The documents declare neither 409 nor 422 for creations (OPI-071).
  idempotency_key_reused: badRequest('the idempotency key was used for another request'),
  introspection_unavailable: {
    status: 503,
    code: 'unavailable',
    description: 'access tokens cannot be checked at the moment',
  },
};

const outgoingPaymentCatalogue: typeof catalogue = {
  ...catalogue,
  non_positive_receive_amount: badRequest('negative receive amount'),
};

/** A problem of the resource server. */
export const resourceProblem = (
  code: ResourceCode | 'not_found' | 'invalid_request' | 'invalid_signature',
  options?: ProblemOptions,
): Problem => new Problem(code, options);

/** Clients match the prefix of the description. */
function withPrefix(problem: Problem): Problem {
  if (problem.code !== 'invalid_signature') return problem;
  const description = problem.description ?? catalogue.invalid_signature.description;
  return resourceProblem('invalid_signature', { description: `Signature validation error: ${description}` });
}

/** The error statuses of each operation. Operations without content have neither 413 nor 415. */
export const answeredErrors = {
  'complete-incoming-payment': [400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503],
  'create-incoming-payment': [400, 401, 403, 405, 413, 415, 429, 500, 503],
  'get-incoming-payment': [400, 401, 403, 404, 405, 429, 500, 503],
  'list-incoming-payments': [400, 401, 403, 405, 429, 500, 503],
  'create-outgoing-payment': [400, 401, 403, 404, 405, 413, 415, 429, 500, 503],
  'get-outgoing-payment': [400, 401, 403, 404, 405, 429, 500, 503],
  'get-outgoing-payment-grant': [400, 401, 403, 405, 429, 500, 503],
  'list-outgoing-payments': [400, 401, 403, 405, 429, 500, 503],
  'create-quote': [400, 401, 403, 405, 413, 415, 429, 500, 503],
  'get-quote': [400, 401, 403, 404, 405, 429, 500, 503],
} as const satisfies AnsweredErrors<operations>;

/** An operation without content may receive some, and answers 400 for 413 and 415. */
function answeredStatus(status: number, operation: keyof operations | undefined): number {
  const isAnswered = operation === undefined || (answeredErrors[operation] as readonly number[]).includes(status);
  return isAnswered ? status : 400;
}

/** Renders every error of the resource server. A 401 names the grant endpoint (RS-04, RFC 9635 §9.1). */
export function createResourceProblemRenderer({ authServer }: { readonly authServer: string }) {
  return (problem: Problem, operationId: string | undefined, failureId: string): Reply => {
    const operation = operationId as keyof operations | undefined;
    const entries = operation === 'create-outgoing-payment' ? outgoingPaymentCatalogue : catalogue;
    const reply = renderError(entries, withPrefix(problem), failureId);
    return {
      ...reply,
      status: answeredStatus(reply.status, operation),
      ...(reply.status === 401 && { headers: { 'WWW-Authenticate': `GNAP as_uri=${authServer}` } }),
      ...(reply.status === 503 && { headers: { 'Retry-After': '1' } }),
    };
  };
}
