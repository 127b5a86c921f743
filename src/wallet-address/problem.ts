/** Problems of the wallet address server. Its document leaves error bodies open; they have the resource server's format. */
import type { operations } from '../../generated/wallet-address-server/types.ts';
import type { Problem } from '../errors.ts';
import { type ErrorCatalogue, pipelineEntries, renderError } from '../http/error-catalogue.ts';
import type { AnsweredErrors } from '../http/operation.ts';
import type { Reply } from '../http/reply.ts';
import type { PipelineCode } from '../http/server.ts';

type Code = Exclude<PipelineCode, 'missing_authorization' | 'invalid_signature'> | 'not_acceptable';

const catalogue: ErrorCatalogue<Code> = {
  ...pipelineEntries,
  not_found: { status: 404, code: 'not_found', description: 'no such wallet address' },
  method_not_allowed: { status: 405, code: 'method_not_allowed', description: 'a wallet address is read with GET' },
  not_acceptable: { status: 406, code: 'not_acceptable', description: 'must accept application/json' },
  unsupported_media_type: {
    status: 415,
    code: 'unsupported_media_type',
    description: 'the content type is not supported',
  },
};

/** The error statuses of each operation. */
export const answeredErrors = {
  'get-wallet-address': [404, 405, 406, 429, 500, 503],
  'get-wallet-address-keys': [404, 405, 429, 500, 503],
  'get-wallet-address-did-document': [404, 405, 429, 500, 503],
} as const satisfies AnsweredErrors<operations>;

export const renderWalletAddressProblem = (
  problem: Problem,
  _operationId: string | undefined,
  failureId: string,
): Reply => renderError(catalogue, problem, failureId);
