/** The Open Payments resource server: incoming payments, quotes, outgoing payments (RS-01…30). */
import document from '../../generated/resource-server/document.json' with { type: 'json' };
import type { Handlers } from '../../generated/resource-server/routes.ts';
import { routes } from '../../generated/resource-server/routes.ts';
import { responseBody } from '../../generated/resource-server/validators.js';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/database.ts';
import { type ClientKey, ClientKeyError } from '../http/client-keys.ts';
import type { Server } from '../http/pipeline.ts';
import { Problem } from '../http/problem.ts';
import type { Switches } from '../http/profile.ts';
import { createRequestValidator } from '../http/request-validator.ts';
import type { Ids } from '../ids.ts';
import type { Asset } from '../payments/amount.ts';
import type { Fee } from '../payments/fees.ts';
import type { AnnouncePayment } from '../payments/payment-event.ts';
import type { Rate } from '../payments/rates.ts';
import type { ReadReceiver } from '../payments/receiver.ts';
import { authorizeCaller, type ClientInstance, type ResourceCall, type ResourceCaller } from './caller.ts';
import { createIncomingPaymentHandlers } from './incoming-payment.ts';
import type { Introspect } from './introspection-client.ts';
import { createOutgoingPaymentHandlers } from './outgoing-payment.ts';
import { createOutgoingPaymentGrantHandlers } from './outgoing-payment-grant.ts';
import { createResourceProblemRenderer } from './problem.ts';
import { createQuoteHandlers } from './quote.ts';

export interface ResourceDeps {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly switches: Switches;
  /** Grant endpoint, as the wallet addresses publish it (RS-04). */
  readonly authServer: string;
  /** Base of all resource URLs, without trailing slash (RS-15). */
  readonly resourceServer: string;
  /** By a query of the authorization server's own, or over HTTP. */
  readonly introspect: Introspect;
  /** The client's key of that id. Throws ClientKeyError. */
  readonly clientKey: (client: ClientInstance, keyid: string) => Promise<ClientKey>;
  /** Credentials of the payment method `ilp`. */
  readonly credentialsFor: (incomingPaymentId: string) => {
    readonly ilpAddress: string;
    readonly sharedSecret: Buffer;
  };
  /** Whether packets in this asset find a way to the address. */
  readonly canReach: (ilpAddress: string, asset: Asset) => boolean;
  /** Made by `createReceiverReader`, and settlement's too. */
  readonly readReceiver: ReadReceiver;
  /** Between minor units of two assets, at the moment. Throws `no_rate`. */
  readonly rate: (from: Asset, to: Asset) => Promise<Rate>;
  readonly fee: (asset: Asset) => Fee;
  /** Called after a transaction that created an outgoing payment has committed. */
  readonly wakeSettlement: () => void;
  readonly announce: AnnouncePayment;
  /** How long a quote binds, in milliseconds (RS-Q-16). */
  readonly quoteLifespanMs?: number;
}

const validateRequest = createRequestValidator(document);

export function createResourceServer(deps: ResourceDeps): Server<ResourceCaller | undefined> {
  const handlers = {
    ...createIncomingPaymentHandlers(deps),
    ...createQuoteHandlers(deps),
    ...createOutgoingPaymentHandlers(deps),
    ...createOutgoingPaymentGrantHandlers(deps),
  } satisfies Handlers<ResourceCall>;
  return {
    name: 'resource-server',
    routes,
    validateRequest,
    responseBody,
    handlers,
    judges: 'caller-first',
    async identify({ token, keyid, policy }) {
      const caller = token === undefined ? undefined : await deps.introspect(token, policy.access);
      if (!caller) throw new Problem('invalid_token');
      return { caller, findKey: () => findClientKey(deps, caller, keyid) };
    },
    authorize: authorizeCaller,
    render: createResourceProblemRenderer(deps),
  };
}

/** A key that cannot be had is an invalid signature to the caller, whatever the cause. */
async function findClientKey(deps: ResourceDeps, caller: ResourceCaller, keyid: string): Promise<ClientKey> {
  try {
    return await deps.clientKey(caller.client, keyid);
  } catch (error) {
    if (!(error instanceof ClientKeyError)) throw error;
    throw new Problem('invalid_signature', { description: error.message, detail: error.code, cause: error });
  }
}
