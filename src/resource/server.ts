/** The Open Payments resource server: incoming payments, quotes, outgoing payments (RS-01…30). */
import document from '../../generated/resource-server/document.json' with { type: 'json' };
import type { Handlers } from '../../generated/resource-server/routes.ts';
import { routes } from '../../generated/resource-server/routes.ts';
import { requests, responseBody } from '../../generated/resource-server/validators.js';
import { createRequestValidator } from '../http/request-validator.ts';
import type { Server } from '../http/server.ts';
import { type ClientKey, ClientKeyError } from '../http/signatures/client-keys.ts';
import { authorizeCaller, type ResourceCall, type ResourceCaller, readerOf } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { createIncomingPaymentHandlers } from './incoming-payment.ts';
import { createOutgoingPaymentHandlers } from './outgoing-payment.ts';
import { createOutgoingPaymentGrantHandlers } from './outgoing-payment-grant.ts';
import { createResourceProblemRenderer, resourceProblem } from './problem.ts';
import { createQuoteHandlers } from './quote.ts';

const validateRequest = createRequestValidator({ document, requests, unknownParameters: 'list' });

/** A key that is not available makes the signature invalid, whatever the cause. */
async function findClientKey(deps: ResourceDeps, caller: ResourceCaller, keyid: string): Promise<ClientKey> {
  try {
    return await deps.clientKey(caller.client, keyid);
  } catch (error) {
    if (!(error instanceof ClientKeyError)) throw error;
    throw resourceProblem('invalid_signature', { description: error.message, detail: error.code, cause: error });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: each handler's exact type is checked where it is made
type Handler = (call: ResourceCall, request: any) => Promise<any>;

/** Wraps handlers so that the lists of a client have what it has changed, wherever they are read. */
function notingChanges<H extends Readonly<Record<string, Handler>>>({ ase, db }: ResourceDeps, handlers: H): H {
  const noting = Object.entries(handlers).map(([operation, handle]): [string, Handler] => {
    if (routes[operation as keyof typeof routes].method === 'GET') return [operation, handle];
    return [
      operation,
      (call, request) => handle(call, request).finally(() => db.replica.noteChange(readerOf(ase, call))),
    ];
  });
  return Object.fromEntries(noting) as H;
}

export function createResourceServer(deps: ResourceDeps): Server<ResourceCaller | undefined> {
  const handlers = notingChanges(deps, {
    ...createIncomingPaymentHandlers(deps),
    ...createQuoteHandlers(deps),
    ...createOutgoingPaymentHandlers(deps),
    ...createOutgoingPaymentGrantHandlers(deps),
  } satisfies Handlers<ResourceCall>);
  return {
    name: 'resource-server',
    routes,
    validateRequest,
    responseBody,
    handlers,
    validates: 'after-authentication',
    async identify({ token, keyid, policy }) {
      const caller = token === undefined ? undefined : await deps.introspect(token, policy.access);
      if (!caller) throw resourceProblem('invalid_token');
      return { caller, findKey: () => findClientKey(deps, caller, keyid) };
    },
    authorize: authorizeCaller,
    render: createResourceProblemRenderer(deps),
  };
}
