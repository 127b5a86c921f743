/** A grant request and a resource request that are valid unless a check changes them. */
import type { CheckContext } from '../runner/check.ts';
import { incomingToken, quoteAccess } from './scenarios.ts';
import type { Answer, Call } from './signed-client.ts';

export const now = (): number => Math.floor(Date.now() / 1000);

export const withBody = ['@method', '@target-uri', 'authorization', 'content-digest', 'content-length', 'content-type'];

/** A grant request (no token) that is right but for what `change` says. */
export function postGrant(context: CheckContext, change: Partial<Call>): Promise<Answer> {
  const json = { client: context.target.client, access_token: { access: [quoteAccess()] } };
  return context.call({ operation: 'post-request', url: context.sender.authServer, json, ...change });
}

/** A creation at the resource server that is right but for what `change` says. */
export async function postPayment(context: CheckContext, change: Partial<Call>): Promise<Answer> {
  const token = await incomingToken(context);
  const url = `${context.receiver.resourceServer}/incoming-payments`;
  const json = { walletAddress: context.receiver.url };
  return context.call({ operation: 'create-incoming-payment', url, json, token, ...change });
}
