/**
 * The wallet address server: every path of the ASE that is not an endpoint of another server. GET and HEAD
 * work, OPTIONS answers the preflight, everything else is 405 (WA-41).
 */
import document from '../../generated/wallet-address-server/document.json' with { type: 'json' };
import { routes } from '../../generated/wallet-address-server/routes.ts';
import { requests, responseBody } from '../../generated/wallet-address-server/validators.js';
import { Problem } from '../errors.ts';
import { preferredType } from '../http/content-negotiation.ts';
import { createRequestValidator } from '../http/request-validator.ts';
import { createEndpoint, type ServerRouter } from '../http/router.ts';
import type { Server, ServerContext } from '../http/server.ts';
import { createWalletAddressHandlers, type WalletAddressDeps } from './handlers.ts';
import { parseWalletAddressTarget } from './path.ts';
import { renderWalletAddressProblem } from './problem.ts';
import { createSpspServer, type SpspDeps, spspType } from './spsp.ts';

const validateRequest = createRequestValidator({ document, requests, unknownParameters: 'list' });

export function createWalletAddressServer(
  deps: WalletAddressDeps & Pick<SpspDeps, 'openPayment'>,
  environment: ServerContext,
): ServerRouter {
  const { handlers, findWalletAddress } = createWalletAddressHandlers(deps);
  const server: Server<undefined> = {
    name: 'wallet-address-server',
    routes,
    validateRequest,
    responseBody,
    handlers,
    validates: 'after-authentication',
    identify: async () => ({ caller: undefined }),
    render: renderWalletAddressProblem,
  };
  const options = { origin: deps.origin, cors: true };
  const endpoint = createEndpoint(server, environment, options);
  const spsp = createEndpoint(createSpspServer({ ...deps, findWalletAddress }), environment, options);
  const prefersSpsp = (accept: string | undefined): boolean =>
    preferredType(accept, ['application/json', spspType, 'text/html']) === spspType;
  return (req, res) => {
    if (req.method === 'OPTIONS') return endpoint.answerPreflight(req, res, ['GET', 'HEAD']);
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      return endpoint.reject(req, res, new Problem('method_not_allowed'), { Allow: 'GET, HEAD, OPTIONS' });
    }
    const { operationId } = parseWalletAddressTarget(req.url);
    if (deps.extensions.spsp && operationId === 'get-wallet-address' && prefersSpsp(req.headers.accept)) {
      return spsp.serve(req, res, 'get-spsp', {});
    }
    return endpoint.serve(req, res, operationId, {});
  };
}
