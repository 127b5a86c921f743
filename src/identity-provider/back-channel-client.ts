/** Client of the back channel, for an identity provider in another process than the authorization server (AS-78…84). */
import type { operations } from '../../generated/identity-provider/types.ts';
import { responseBody } from '../../generated/identity-provider/validators.js';
import { Problem } from '../errors.ts';
import type { Outbound } from '../net/outbound.ts';
import { formatQuery } from '../net/query.ts';
import { parseJson } from '../net/read-json.ts';
import type { AccessItem } from '../open-payments/access.ts';
import type { Interactions, InteractionView } from '../open-payments/interaction.ts';

export interface BackChannelClientOptions {
  /** URL below which `/grant/{id}/{nonce}` is. */
  readonly endpoint: string;
  /** Value of `x-idp-secret` (AS-81). */
  readonly secret: string;
  readonly outbound: Pick<Outbound, 'request'>;
}

type Interaction = operations['get-interaction']['responses'][200]['content']['application/json'];

const isInteraction = responseBody['get-interaction'][200] as (body: unknown) => body is Interaction;

const STATES = { PENDING: 'pending', APPROVED: 'approved', DENIED: 'denied' } as const satisfies Record<
  Interaction['state'],
  InteractionView['state']
>;

/** Status and code of a rejection → the problem of the identity provider. Other answers are internal errors. */
const problemCodes: Readonly<Record<string, string>> = {
  '400 invalid_interaction': 'interaction_closed',
  '400 invalid_request': 'unacceptable_limits',
  '401 user_denied': 'user_denied',
  '403 user_denied': 'foreign_holder',
  '404 unknown_interaction': 'unknown_interaction',
};

function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  const query: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query[name] = value;
  return Object.keys(query).length === 0 ? '' : `?${formatQuery(query)}`;
}

/** Throws the problems of `Interactions`, or an Error if the answer is unusable. */
export function createBackChannelClient({ endpoint, secret, outbound }: BackChannelClientOptions): Interactions {
  const base = endpoint.replace(/\/$/, '');
  const urlOf = (id: string, nonce: string): string =>
    `${base}/grant/${encodeURIComponent(id)}/${encodeURIComponent(nonce)}`;

  async function call(method: 'GET' | 'POST', url: string, expected: number, content?: unknown): Promise<unknown> {
    const response = await outbound.request({
      method,
      url,
      headers: { 'x-idp-secret': secret, ...(content !== undefined && { 'content-type': 'application/json' }) },
      ...(content !== undefined && { body: Buffer.from(JSON.stringify(content)) }),
    });
    const body = parseJson(response.body);
    if (response.status === expected) return body;
    const { error } = (body ?? {}) as { error?: { code?: string } };
    const problemCode = problemCodes[`${response.status} ${error?.code}`];
    throw problemCode ? new Problem(problemCode) : new Error(`the back channel answered ${response.status}`);
  }

  return {
    async read(id, nonce, holder) {
      const body = await call('GET', urlOf(id, nonce) + queryOf({ holder }), 200);
      if (!isInteraction(body)) throw new Error('the back channel answered against its document');
      return {
        interactionId: id,
        nonce,
        grantId: body.grantId,
        clientName: body.client.name,
        clientUri: body.client.uri,
        access: body.access as readonly AccessItem[],
        subject: body.subject as InteractionView['subject'],
        state: STATES[body.state],
        finishUri: body.finishUri,
        expiresAt: Date.parse(body.expiresAt),
      };
    },
    async decide(id, nonce, { choice, holder, ticketDigest, limits = [] }) {
      const url = `${urlOf(id, nonce)}/${choice}`;
      if (choice === 'reject') await call('POST', url + queryOf({ ticketDigest }), 202);
      else {
        const content = limits.length > 0 ? { limits } : undefined;
        await call('POST', url + queryOf({ holder, ticketDigest }), 202, content);
      }
    },
  };
}
