/** The back channel of an identity provider, and the endpoints that only other servers may call. */
import { NotApplicable } from '../runner/capability.ts';
import type { CheckContext } from '../runner/check.ts';
import type { PrivateEndpoint, Target } from '../runner/target.ts';
import { outgoingAccess, requestInteractiveGrant } from './scenarios.ts';
import type { Answer, Json } from './signed-client.ts';

export function expectEndpoint(target: Target, kind: 'introspection' | 'back-channel'): PrivateEndpoint {
  const endpoint = kind === 'introspection' ? target.introspection : target.backChannel;
  if (!endpoint) throw new NotApplicable(kind);
  return endpoint;
}

export interface Interaction {
  readonly path: string;
  readonly grant: Json;
}

/** Creates an interaction that is not opened. */
export async function openInteraction(context: CheckContext): Promise<Interaction> {
  const { body } = await requestInteractiveGrant(context, [outgoingAccess(context.sender)]);
  const [, id, nonce] = /\/interact\/([^/?]+)\/([^/?]+)/.exec(body.interact.redirect) ?? [];
  if (!id || !nonce) throw new NotApplicable('interaction-urls');
  return { path: `/grant/${id}/${nonce}`, grant: body };
}

export function callBackChannel(
  context: CheckContext,
  method: 'GET' | 'POST',
  path: string,
  secret?: string,
): Promise<Answer> {
  const endpoint = expectEndpoint(context.target, 'back-channel');
  const headers = [['x-idp-secret', secret ?? endpoint.secret] as const];
  return context.call({ method, url: endpoint.url + path, headers, sign: false });
}

export const codeOf = ({ status, body }: Answer): [number, string | undefined] => [status, body?.error?.code];
