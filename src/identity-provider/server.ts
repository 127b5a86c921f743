/** The identity provider: consent pages, and the back channel for external ones (RFC 9635 §1.6; AS-76…93). */
import document from '../../generated/identity-provider/document.json' with { type: 'json' };
import { routes } from '../../generated/identity-provider/routes.ts';
import { requests, responseBody } from '../../generated/identity-provider/validators.js';
import { equalSecrets } from '../crypto/secret-digest.ts';
import { Problem } from '../errors.ts';
import { headerLines } from '../http/received-request.ts';
import { createRequestValidator, type RequestValidator } from '../http/request-validator.ts';
import type { Server } from '../http/server.ts';
import type { Interactions } from '../open-payments/interaction.ts';
import { createBackChannelHandlers } from './back-channel.ts';
import { type ConsentFormDeps, createConsentFormHandlers } from './consent-form.ts';
import { renderBackChannelProblem, renderPageProblem } from './problem.ts';

const validateRequest = createRequestValidator({ document, requests, unknownParameters: 'ignore' });

/** The consent and sign-in pages, below `identityProvider`. */
export function createIdentityProviderServer(deps: ConsentFormDeps): Server<undefined> {
  const { 'get-consent': page, 'post-consent': decide, 'post-sign-in': signIn, 'post-sign-out': signOut } = routes;
  return {
    name: 'identity-provider',
    routes: { 'get-consent': page, 'post-consent': decide, 'post-sign-in': signIn, 'post-sign-out': signOut },
    validateRequest,
    responseBody,
    handlers: createConsentFormHandlers(deps),
    validates: 'after-authentication',
    identify: async () => ({ caller: undefined }),
    render: renderPageProblem,
  };
}

/** Most identity providers send no body, whatever Content-Type says. Only a JSON body is read (AS-82). */
const validateDecision: RequestValidator = ({ body, headers, ...request }) => {
  const isJson = /^application\/json\b/i.test(String(headers['content-type']));
  return validateRequest({
    ...request,
    headers: { ...headers, 'content-type': 'application/json' },
    body: isJson ? body : undefined,
  });
};

export interface BackChannelDeps {
  readonly interactions: Interactions;
  /** Expected value of `x-idp-secret` (AS-81). */
  readonly secret: string;
}

/** The back channel, for a port that the public cannot reach. */
export function createBackChannelServer(deps: BackChannelDeps): Server<undefined> {
  return {
    name: 'identity-provider-back-channel',
    routes: {
      'get-interaction': routes['get-interaction'],
      'accept-interaction': routes['accept-interaction'],
      'reject-interaction': routes['reject-interaction'],
      // Its path also matches those of the routes above, so it comes last.
      'reject-unknown-decision': routes['reject-unknown-decision'],
    },
    validateRequest: validateDecision,
    responseBody,
    handlers: createBackChannelHandlers(deps),
    validates: 'after-authentication',
    async identify({ exchange }) {
      const [secret] = headerLines(exchange, 'x-idp-secret');
      if (!equalSecrets(secret, deps.secret)) throw new Problem('wrong_secret');
      return { caller: undefined };
    },
    render: renderBackChannelProblem,
  };
}
