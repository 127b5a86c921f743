/** The Open Payments error format of the resource server, and what each problem looks like in it (RS-02…07, RS-24). */
import { routes } from '../../generated/resource-server/routes.ts';
import type { Problem } from '../errors.ts';
import type { PipelineCode } from '../http/pipeline.ts';
import type { Reply } from '../http/reply.ts';
import type { ResourceDeps } from './deps.ts';

/** Problems of the resource server itself and of the payments that it asks for. */
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
  | 'introspection_unavailable';

interface CatalogueEntry {
  readonly status: number;
  /** The word in `error.code` (RS-03). */
  readonly code: string;
  /** Clients match these texts; they are the ones in use elsewhere. */
  readonly description: string;
  /** Operations that say it otherwise. */
  readonly descriptionIn?: { readonly [operationId in keyof typeof routes]?: string };
  /** Stands before the problem's own description. */
  readonly prefix?: string;
}

const badRequest = (description: string): CatalogueEntry => ({ status: 400, code: 'invalid_request', description });

const catalogue: Readonly<Record<PipelineCode | ResourceCode, CatalogueEntry>> = {
  not_found: { status: 404, code: 'not_found', description: 'Not Found' },
  method_not_allowed: { status: 405, code: 'method_not_allowed', description: 'Method Not Allowed' },
  malformed_body: badRequest('the body is not JSON'),
  invalid_request: badRequest('the request does not match the specification'),
  unsupported_media_type: { status: 415, code: 'invalid_request', description: 'the content type is not supported' },
  body_too_large: { status: 413, code: 'invalid_request', description: 'the body is too large' },
  body_timeout: badRequest('the body did not arrive in time'),
  missing_authorization: {
    status: 401,
    code: 'invalid_token',
    description: 'Missing or invalid authorization header value',
  },
  invalid_token: { status: 401, code: 'invalid_token', description: 'Invalid Token' },
  invalid_signature: {
    status: 401,
    code: 'invalid_signature',
    description: 'the signature is missing or wrong',
    prefix: 'Signature validation error: ',
  },
  insufficient_access: { status: 403, code: 'insufficient_grant', description: 'Insufficient Grant' },
  insufficient_grant: { status: 403, code: 'insufficient_grant', description: 'unauthorized' },
  invalid_interval: { status: 403, code: 'insufficient_grant', description: 'unauthorized' },
  unknown_wallet_address: badRequest('Could not get wallet address'),
  invalid_amount: badRequest('invalid amount'),
  invalid_expires_at: badRequest('invalid expiresAt'),
  incoming_payment_closed: { status: 409, code: 'conflict', description: 'wrong state' },
  invalid_receiver: badRequest('invalid receiver'),
  receiver_unreachable: badRequest('invalid receiver'),
  non_positive_receive_amount: {
    ...badRequest('non-positive receive amount'),
    descriptionIn: { 'create-outgoing-payment': 'negative receive amount' },
  },
  no_rate: { status: 500, code: 'no_rate', description: 'could not convert between assets' },
  unknown_quote: { status: 404, code: 'not_found', description: 'unknown quote' },
  invalid_quote: badRequest('invalid quote'),
  introspection_unavailable: {
    status: 503,
    code: 'unavailable',
    description: 'access tokens cannot be checked at the moment',
  },
  internal_error: { status: 500, code: 'internal_error', description: 'internal error' },
};

/** The renderer of every error of the resource server; a 401 says where grants are to be had (RS-04, RFC 9635 §9.1). */
export function createResourceProblemRenderer({ authServer }: Pick<ResourceDeps, 'authServer'>) {
  return (problem: Problem, operationId: string | undefined, failureId: string): Reply => {
    const known = Object.hasOwn(catalogue, problem.code) && problem.code !== 'internal_error';
    if (!known) return renderFailure(failureId);
    const entry = catalogue[problem.code as PipelineCode | ResourceCode];
    const operation = operationId as keyof typeof routes | undefined;
    const description = problem.description ?? (operation && entry.descriptionIn?.[operation]) ?? entry.description;
    return {
      status: declaredStatus(entry.status, operation),
      ...(entry.status === 401 && { headers: { 'WWW-Authenticate': `GNAP as_uri=${authServer}` } }),
      ...(entry.status === 503 && { headers: { 'Retry-After': '1' } }),
      body: {
        error: {
          code: entry.code,
          description: (entry.prefix ?? '') + description,
          ...(problem.details && { details: problem.details }),
        },
      },
    };
  };
}

/** An operation without content declares no 413 or 415 for the content it gets all the same. */
function declaredStatus(status: number, operation: keyof typeof routes | undefined): number {
  const isDeclared = operation === undefined || (routes[operation].responses as readonly number[]).includes(status);
  return isDeclared ? status : 400;
}

const renderFailure = (failureId: string): Reply => ({
  status: 500,
  body: { error: { code: 'internal_error', description: `internal error ${failureId}` } },
});
