/** The grants of a run, as their answers describe them, and the finish redirects that belong to them. */
import type { InterceptedCall } from '../../http/interceptor.ts';
import type { Answer } from '../../http/reply.ts';
import { createInteractionHash } from '../../open-payments/interaction-hash.ts';
import type { Switches } from '../../profile.ts';
import { isFinish, isReply, member, successOf, text } from './wire.ts';

export interface OpenGrant {
  readonly ase: string;
  readonly continueId: string;
  /** Present for an interaction with a finish URI. */
  readonly finish: { readonly uri: string; readonly clientNonce: string; readonly serverNonce: string } | undefined;
  readonly isInteractive: boolean;
}

/** The end of an interaction with a reference. */
export interface Finish {
  readonly grant: OpenGrant;
  readonly hash: string;
  readonly interactRef: string;
  /** The redirect with other parameters in place of these. */
  redirect(params: Readonly<Record<string, string>>): Answer;
}

/** Splits a redirect to a finish URI before the parameters that the server has added. */
function splitFinish(location: string): { start: string; hash: string; interactRef: string } | undefined {
  const at = location.lastIndexOf('hash=');
  const [hash, interactRef, ...others] = at < 0 ? [] : location.slice(at).split('&');
  if (others.length > 0 || !interactRef?.startsWith('interact_ref=') || !/[?&]/.test(location[at - 1] ?? '')) {
    return undefined;
  }
  const decode = (parameter: string) => decodeURIComponent(parameter.slice(parameter.indexOf('=') + 1));
  return { start: location.slice(0, at), hash: decode(hash!), interactRef: decode(interactRef) };
}

export function createOpenGrants() {
  const byContinuation = new Map<string, OpenGrant>();
  const byNonce = new Map<string, OpenGrant>();
  return {
    /** Notes the grant that this answer opens, and returns it. */
    note({ ase, operation, body }: InterceptedCall, answer: Answer): OpenGrant | undefined {
      const opened = operation === 'post-request' ? successOf(answer) : undefined;
      const continueUri = text(opened, 'continue', 'uri');
      if (continueUri === undefined) return undefined;
      const uri = text(body, 'interact', 'finish', 'uri');
      const clientNonce = text(body, 'interact', 'finish', 'nonce');
      const serverNonce = text(opened, 'interact', 'finish');
      const hasFinish = uri !== undefined && clientNonce !== undefined && serverNonce !== undefined;
      const grant: OpenGrant = {
        ase,
        continueId: continueUri.split('/').at(-1)!,
        finish: hasFinish ? { uri, clientNonce, serverNonce } : undefined,
        isInteractive: member(opened, 'interact') !== undefined,
      };
      byContinuation.set(`${ase} ${grant.continueId}`, grant);
      if (serverNonce !== undefined) byNonce.set(serverNonce, grant);
      return grant;
    },
    /** The grant that a continuation or cancellation is about. */
    ofContinuation: ({ ase, params }: InterceptedCall): OpenGrant | undefined =>
      byContinuation.get(`${ase} ${params['id']}`),
    /** The grant whose interaction the browser starts or finishes. */
    ofInteraction: ({ params }: InterceptedCall): OpenGrant | undefined => byNonce.get(params['nonce'] ?? ''),
    /** The finish that this answer is, if its grant is known. */
    finishOf(call: InterceptedCall, answer: Answer): Finish | undefined {
      const grant = isFinish(call) ? byNonce.get(call.params['nonce'] ?? '') : undefined;
      const location = isReply(answer) ? (answer.headers?.['Location'] ?? '') : '';
      const finish = splitFinish(location);
      if (!grant?.finish || !finish || !isReply(answer)) return undefined;
      const { start, ...parameters } = finish;
      return {
        grant,
        ...parameters,
        redirect(params) {
          const added = new URLSearchParams(params).toString();
          return { ...answer, headers: { ...answer.headers, Location: start + added } };
        },
      };
    },
  };
}

/** The finish hash of a grant for this reference, made with this grant endpoint. */
export const hashOf = (
  { grant, interactRef }: Pick<Finish, 'grant' | 'interactRef'>,
  grantEndpoint: string,
  encoding: Switches['hashEncoding'],
): string => createInteractionHash({ ...grant.finish!, interactRef, grantEndpoint }, encoding);
