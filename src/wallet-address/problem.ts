/** Errors of the wallet address server. The document leaves their bodies open; they have the resource server's shape. */

import type { Problem } from '../errors.ts';
import type { PipelineCode } from '../http/pipeline.ts';
import type { Reply } from '../http/reply.ts';

type Code = Exclude<PipelineCode, 'missing_authorization' | 'invalid_signature'> | 'not_acceptable';

const catalogue = {
  not_found: [404, 'not_found', 'no such wallet address'],
  method_not_allowed: [405, 'method_not_allowed', 'a wallet address is read with GET'],
  not_acceptable: [406, 'not_acceptable', 'must accept application/json'],
  malformed_body: [400, 'invalid_request', 'the body is not JSON'],
  invalid_request: [400, 'invalid_request', 'the request does not match the specification'],
  unsupported_media_type: [415, 'unsupported_media_type', 'the content type is not supported'],
  body_too_large: [413, 'invalid_request', 'the body is too large'],
  body_timeout: [400, 'invalid_request', 'the body did not arrive in time'],
  internal_error: [500, 'internal_error', 'internal error'],
} as const satisfies Record<Code, readonly [status: number, code: string, description: string]>;

export function renderWalletAddressProblem(
  problem: Problem,
  _operationId: string | undefined,
  failureId: string,
): Reply {
  const [status, code, description] = catalogue[problem.code as Code] ?? catalogue.internal_error;
  const own = status === 500 ? `${description} ${failureId}` : problem.description;
  return { status, body: { error: { code, description: own ?? description } } };
}
