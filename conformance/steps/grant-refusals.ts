/** Grant requests that are wrong in one respect. RFC 9635 §2, Open Payments auth-server POST /. */
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../runner/check.ts';
import { expectGnapError } from './expect.ts';
import { finishUri } from './interaction.ts';
import { outgoingAccess, quoteAccess } from './scenarios.ts';
import type { Json } from './signed-client.ts';

/** Rows that every refusal observes: the error object, the codes, the pairs of status and code, no storing. */
export const errorRows = ['AS-160', 'AS-161', 'AS-162', 'AS-14'];

export interface Refusal {
  readonly id: string;
  readonly rows: readonly string[];
  readonly title: string;
  readonly request: (context: CheckContext) => Json;
  readonly code?: 'invalid_request' | 'invalid_client';
}

export const quote = { access: [quoteAccess()] };
export const interact = (finish?: Json): Json => ({ start: ['redirect'], ...(finish ? { finish } : {}) });
export const finish = (change: Json = {}): Json => ({
  method: 'redirect',
  uri: finishUri,
  nonce: randomUUID(),
  ...change,
});
export const withClient = (context: CheckContext, rest: Json): Json => ({
  client: context.target.client,
  ...rest,
});
/** A request for one access item. */
export const asking =
  (item: (context: CheckContext) => Json, more: Json = {}) =>
  (context: CheckContext): Json =>
    withClient(context, { access_token: { access: [item(context)] }, ...more });
/** A request for an outgoing payment with these limits, complete in every other respect. */
export const limited = (limits: (context: CheckContext) => Json) =>
  asking((context) => outgoingAccess(context.sender, limits(context)), { interact: interact(finish()) });
/** A request for an outgoing payment with this `interact`. */
export const interacting =
  (value: () => Json) =>
  (context: CheckContext): Json =>
    withClient(context, { access_token: { access: [outgoingAccess(context.sender)] }, interact: value() });
/** A request by a client that names its key, with these members of the JWK changed or removed. */
export const jwkWith =
  (change: Json) =>
  (context: CheckContext): Json => {
    const { jwk } = context.newIdentity(context.target.identity.keyId);
    const changed = Object.fromEntries(
      Object.entries({ ...jwk, ...change }).filter(([, value]) => value !== undefined),
    );
    return { client: { jwk: changed }, access_token: quote };
  };

/** A check that the grant request is refused with 400 and this code. */
export const refusal = ({ id, rows, title, request, code = 'invalid_request' }: Refusal): Check => ({
  id,
  rows: [...rows, ...errorRows],
  title: `refused with 400 ${code}: ${title}`,
  run: async (context) => {
    const url = context.sender.authServer;
    expectGnapError(await context.call({ operation: 'post-request', url, json: request(context) }), 400, code);
  },
});
