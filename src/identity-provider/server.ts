/** The identity provider: pages where a holder consents, and the back channel for others' pages (RFC 9635 §1.6; AS-76…93). */
import document from '../../generated/identity-provider/document.json' with { type: 'json' };
import { routes } from '../../generated/identity-provider/routes.ts';
import { responseBody } from '../../generated/identity-provider/validators.js';
import { headerLines } from '../http/exchange.ts';
import type { Server } from '../http/pipeline.ts';
import { Problem } from '../http/problem.ts';
import { createRequestValidator } from '../http/request-validator.ts';
import { equalSecrets } from '../http/secret-digest.ts';
import { createBackChannelHandlers } from './back-channel.ts';
import { type ConsentFormDeps, createConsentFormHandlers } from './consent-form.ts';
import type { Interactions } from './interactions.ts';
import { renderBackChannelProblem, renderPageProblem } from './problem.ts';

const validateRequest = createRequestValidator(document, { allowUnknownQueryParameters: true });

/** Pages, for the ASE's own origin below `identityProvider`. */
export function createIdentityProviderServer(deps: ConsentFormDeps): Server<undefined> {
  const { 'get-consent': getConsent, 'post-consent': postConsent } = routes;
  return {
    name: 'identity-provider',
    routes: { 'get-consent': getConsent, 'post-consent': postConsent },
    validateRequest,
    responseBody,
    handlers: createConsentFormHandlers(deps),
    judges: 'caller-first',
    identify: async () => ({ caller: undefined }),
    render: renderPageProblem,
  };
}

export interface BackChannelDeps {
  readonly interactions: Interactions;
  /** What callers show in `x-idp-secret` (AS-81). */
  readonly secret: string;
}

/** For a port that the public cannot reach. */
export function createBackChannelServer(deps: BackChannelDeps): Server<undefined> {
  const { 'get-interaction': get, 'accept-interaction': accept, 'reject-interaction': reject } = routes;
  return {
    name: 'identity-provider-back-channel',
    routes: { 'get-interaction': get, 'accept-interaction': accept, 'reject-interaction': reject },
    validateRequest,
    responseBody,
    handlers: createBackChannelHandlers(deps),
    judges: 'caller-first',
    async identify({ exchange }) {
      const [secret] = headerLines(exchange, 'x-idp-secret');
      if (!equalSecrets(secret, deps.secret)) throw new Problem('wrong_secret');
      return { caller: undefined };
    },
    render: renderBackChannelProblem,
  };
}
