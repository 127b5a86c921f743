/**
 * The wallet address server as Express sees it: every path of the ASE that nothing else serves. GET and HEAD work,
 * OPTIONS answers the preflight, everything else is 405 (WA-41).
 */
import type { ErrorRequestHandler, RequestHandler } from 'express';
import document from '../../generated/wallet-address-server/document.json' with { type: 'json' };
import { routes } from '../../generated/wallet-address-server/routes.ts';
import { responseBody } from '../../generated/wallet-address-server/validators.js';
import { answerPreflight, createEndpoint, refuseUnknown } from '../http/bind.ts';
import type { Environment, Server } from '../http/pipeline.ts';
import { Problem } from '../http/problem.ts';
import { createRequestValidator } from '../http/request-validator.ts';
import { createWalletAddressHandlers, type WalletAddressDeps } from './handlers.ts';
import { parseWalletAddressTarget } from './path.ts';
import { renderWalletAddressProblem } from './problem.ts';

const validateRequest = createRequestValidator(document, { allowUnknownQueryParameters: true });

export function createWalletAddressServer(
  deps: WalletAddressDeps,
  environment: Environment,
): [RequestHandler, ErrorRequestHandler] {
  const server: Server<undefined> = {
    name: 'wallet-address-server',
    routes,
    validateRequest,
    responseBody,
    handlers: createWalletAddressHandlers(deps),
    judges: 'caller-first',
    identify: async () => ({ caller: undefined }),
    render: renderWalletAddressProblem,
  };
  const options = { origin: deps.origin, cors: true };
  const endpoint = createEndpoint(server, environment, options);
  const [, onError] = refuseUnknown(server, environment, options);
  const answer: RequestHandler = (req, res) => {
    if (req.method === 'OPTIONS') return answerPreflight(req, res, ['GET', 'HEAD']);
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      return endpoint.refuse(res, new Problem('method_not_allowed'), undefined, { Allow: 'GET, HEAD, OPTIONS' });
    }
    const { operationId, documentPath } = parseWalletAddressTarget(req.url);
    return void endpoint.serve(req, res, operationId, documentPath, {});
  };
  return [answer, onError];
}
