/**
 * Client of the token introspection endpoint, for an authorization server in another process (RFC 9767 §3.3 in Rafiki's
 * JSON; INT-02…13). Responses are not cached, so a revoked token is rejected at once (INT-13).
 */
import type { operations } from '../../generated/token-introspection/types.ts';
import { responseBody } from '../../generated/token-introspection/validators.js';
import type { Problem } from '../errors.ts';
import type { Policy } from '../http/policy.ts';
import { importClientJwk } from '../http/signatures/client-keys.ts';
import type { Outbound } from '../net/outbound.ts';
import { readJson } from '../net/read-json.ts';
import type { AccessItem } from '../open-payments/access.ts';
import type { ClientInstance, ClientJwk } from '../open-payments/client.ts';
import type { ResourceCaller } from './caller.ts';
import { resourceProblem } from './problem.ts';

/**
 * The caller that an access token identifies, with its access of the needed kind; undefined if the token is not active
 * (RS-06, RS-23). Throws `introspection_unavailable`.
 */
export type Introspect = (token: string, needed: Policy['access']) => Promise<ResourceCaller | undefined>;

export interface IntrospectionClientOptions {
  /** URL of the endpoint. */
  readonly endpoint: string;
  /** Authenticates the resource server (INT-03). */
  readonly secret: string;
  readonly outbound: Pick<Outbound, 'request'>;
}

type Answer = operations['introspect-token']['responses'][200]['content']['application/json'];

const isValid = responseBody['introspect-token'][200] as (body: unknown) => body is Answer;

const unavailable = (detail: string, cause?: unknown): Problem =>
  resourceProblem('introspection_unavailable', { detail, cause: cause ?? new Error(`token introspection: ${detail}`) });

/** Identifies a client that presents only a key (AS-31). */
async function thumbprintOf(jwk: ClientJwk): Promise<string> {
  const { thumbprint } = await importClientJwk(jwk).catch((error: unknown) => {
    throw unavailable('the key of the client is not usable', error);
  });
  return thumbprint;
}

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
    const answer = readJson(response, isValid, unavailable);
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
