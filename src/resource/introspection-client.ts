/**
 * Token introspection as the resource server asks for it where the authorization server is another process (RFC 9767
 * §3.3 in Rafiki's JSON; INT-02…13). Nothing is kept: a token that is revoked is refused from then on (INT-13).
 */
import type { operations } from '../../generated/token-introspection/types.ts';
import { responseBody } from '../../generated/token-introspection/validators.js';
import { Problem } from '../errors.ts';
import type { Policy } from '../http/policy.ts';
import { importClientJwk } from '../http/signatures/client-keys.ts';
import type { Outbound, OutboundResponse } from '../net/outbound.ts';
import type { AccessItem } from '../open-payments/access.ts';
import type { ClientInstance, ClientJwk } from '../open-payments/client.ts';
import type { ResourceCaller } from './caller.ts';

/**
 * What an active access token says of the access that an operation needs; undefined for a token that is not active
 * (RS-06, RS-23). Throws `introspection_unavailable`.
 */
export type Introspect = (token: string, needed: Policy['access']) => Promise<ResourceCaller | undefined>;

export interface IntrospectionClientOptions {
  /** URL of the endpoint. */
  readonly endpoint: string;
  /** By which the resource server makes itself known (INT-03). */
  readonly secret: string;
  readonly outbound: Pick<Outbound, 'request'>;
}

type Answer = operations['introspect-token']['responses'][200]['content']['application/json'];

const isValid = responseBody['introspect-token'][200] as (body: unknown) => body is Answer;

export function createIntrospectionClient({ endpoint, secret, outbound }: IntrospectionClientOptions): Introspect {
  return async (token, needed) => {
    const access = needed ? [{ type: needed.type, actions: [needed.action] }] : [];
    const response = await outbound
      .request({
        url: endpoint,
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
        body: Buffer.from(JSON.stringify({ access_token: token, access })),
      })
      .catch((error: unknown) => {
        throw unavailable('no answer', error);
      });
    const answer = readAnswer(response);
    if (!answer.active) return undefined;
    const client = answer.client as ClientInstance;
    return {
      grantId: answer.grant,
      client,
      clientId: 'walletAddress' in client ? client.walletAddress : await thumbprintOf(client.jwk),
      access: answer.access as readonly AccessItem[],
    };
  };
}

function readAnswer({ status, body }: OutboundResponse): Answer {
  if (status !== 200) throw unavailable(`status ${status}`);
  let answer: unknown;
  try {
    answer = JSON.parse(body.toString('utf8'));
  } catch {
    throw unavailable('the answer is not JSON');
  }
  if (!isValid(answer)) throw unavailable('the answer does not match the document');
  return answer;
}

/** Who a client is that is only a key (AS-31). */
async function thumbprintOf(jwk: ClientJwk): Promise<string> {
  const { thumbprint } = await importClientJwk(jwk).catch((error: unknown) => {
    throw unavailable('the client has no usable key', error);
  });
  return thumbprint;
}

const unavailable = (what: string, cause?: unknown): Problem =>
  new Problem('introspection_unavailable', { detail: what, cause: cause ?? new Error(`token introspection: ${what}`) });
