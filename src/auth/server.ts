/** The GNAP authorization server (RFC 9635 with the Open Payments profile): its callers and handlers (AS-01…165). */
import document from '../../generated/auth-server/document.json' with { type: 'json' };
import { type Handlers, routes } from '../../generated/auth-server/routes.ts';
import { requests, responseBody } from '../../generated/auth-server/validators.js';
import interactionDocument from '../../generated/identity-provider/document.json' with { type: 'json' };
import { routes as interactionRoutes } from '../../generated/identity-provider/routes.ts';
import {
  requests as interactionRequests,
  responseBody as interactionResponseBody,
} from '../../generated/identity-provider/validators.js';
import { createRequestValidator, type RequestValidator } from '../http/request-validator.ts';
import type { Identity, RequestProof, Server } from '../http/server.ts';
import { createAccessTokenHandlers, identifyManagement } from './access-token.ts';
import type { AuthCall, AuthCaller } from './caller.ts';
import { expectClientKey, parseClientInstance } from './client-instance.ts';
import { createContinuationHandlers, identifyContinuation } from './continuation.ts';
import type { AuthDeps } from './deps.ts';
import { createDiscoveryHandlers } from './discovery.ts';
import { createGrantRequestHandlers, type WireRequest } from './grant-request.ts';
import { createInteractionRedirectHandlers, type InteractionRedirectDeps } from './interaction-redirect.ts';
import { authProblem, renderAuthProblem, renderInteractionProblem } from './problem.ts';

const validateAgainstDocument = createRequestValidator({ document, requests, unknownParameters: 'list' });

/** A request without a body needs no content type, because polling is a POST without a body (AS-112, AS-134). */
const validate: RequestValidator = async ({ headers, ...request }) => {
  checkClientUrl(request.body);
  return validateAgainstDocument({
    ...request,
    headers: request.body === undefined ? { ...headers, 'content-type': 'application/json' } : headers,
  });
};

/** A `client` that is not a URL is `invalid_client`, not `invalid_request` (AS-21). */
function checkClientUrl(body: unknown): void {
  const client = (body as { client?: unknown } | null | undefined)?.client;
  const url = typeof client === 'string' ? client : (client as { walletAddress?: unknown } | null)?.walletAddress;
  if (typeof url === 'string' && !URL.canParse(url)) throw authProblem('unusable_client');
}

export function createAuthServer(deps: AuthDeps): Server<AuthCaller> {
  const handlers = {
    ...createDiscoveryHandlers(deps),
    ...createGrantRequestHandlers(deps),
    ...createContinuationHandlers(deps),
    ...createAccessTokenHandlers(deps),
  } satisfies Handlers<AuthCall>;
  return {
    name: 'auth-server',
    routes,
    validateRequest: deps.switches.quoteIdentifier === 'accept' ? validateWithQuoteIdentifiers : validate,
    responseBody,
    handlers,
    validates: 'before-authentication',
    identify: (credentials) => identify(deps, credentials),
    render: renderAuthProblem,
  };
}

/** Identifies the caller. Its key is fetched later, after the signature parameters are checked (AS-N01). */
async function identify(deps: AuthDeps, credentials: RequestProof): Promise<Identity<AuthCaller>> {
  const caller = await identifyCaller(deps, credentials);
  const withoutToken = caller.kind === 'management' && !caller.showsToken;
  return {
    caller,
    findKey: () => expectClientKey(deps.clientKeys, caller.client, credentials.keyid),
    ...(withoutToken && { lenient: ['managed_token_not_shown'] }),
  };
}

/** The `client` member, the continuation token or the management URL identifies the caller. */
async function identifyCaller(deps: AuthDeps, credentials: RequestProof): Promise<AuthCaller> {
  const { policy, body } = credentials;
  switch (policy.caller) {
    case 'client':
      return { kind: 'client', client: parseClientInstance((body as WireRequest).client) };
    case 'continuation':
      return identifyContinuation(deps, credentials);
    case 'management':
      return identifyManagement(deps, credentials);
    default:
      throw new Error(`the authorization server has no ${policy.caller} callers`);
  }
}

/** Accepts `identifier` in quote items, which the schema rejects (switch `quoteIdentifier`, AMB-05). */
const validateWithQuoteIdentifiers: RequestValidator = async (request) => {
  const { body } = request;
  return { ...(await validate({ ...request, body: withoutQuoteIdentifiers(body) })), body };
};

function withoutQuoteIdentifiers(body: unknown): unknown {
  const request = body as { access_token?: { access?: unknown } } | undefined;
  const access = request?.access_token?.access;
  if (!Array.isArray(access)) return body;
  const items = access.map((item: unknown) => {
    const { type, identifier, ...rest } = (item ?? {}) as Record<string, unknown>;
    return type === 'quote' && typeof identifier === 'string' ? { type, ...rest } : item;
  });
  return { ...request, access_token: { ...request?.access_token, access: items } };
}

/** Keeps the URLs, which hold the nonce of the interaction, out of frames, referrers and caches (AS-N07). */
export const interactionHeaders = {
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
};

/** Ignores unknown query parameters; mail clients and trackers add them (AS-75). */
const validateInteraction = createRequestValidator({
  document: interactionDocument,
  requests: interactionRequests,
  unknownParameters: 'ignore',
});

/** Serves the browser endpoints below the authorization server, which start and finish an interaction. */
export function createInteractionServer(deps: InteractionRedirectDeps): Server<undefined> {
  const { 'start-interaction': startInteraction, 'finish-interaction': finishInteraction } = interactionRoutes;
  return {
    name: 'interaction',
    routes: { 'start-interaction': startInteraction, 'finish-interaction': finishInteraction },
    validateRequest: validateInteraction,
    responseBody: interactionResponseBody,
    handlers: createInteractionRedirectHandlers(deps),
    validates: 'after-authentication',
    identify: async () => ({ caller: undefined }),
    answersBrowsers: true,
    render: renderInteractionProblem,
  };
}
