/** The interaction finish hash (RFC 9635 §4.2.3; AS-100…105). */
import { createHash } from 'node:crypto';
import type { Switches } from '../profile.ts';

export interface HashedInteraction {
  /** From the client's `interact.finish`. */
  readonly clientNonce: string;
  /** From the server's `interact.finish`. */
  readonly serverNonce: string;
  readonly interactRef: string;
  /** Grant endpoint, character for character as the client uses it (AS-104). */
  readonly grantEndpoint: string;
}

/** SHA-256 over the four values, joined by line feeds: padded base64, or base64url as in the RFC (AMB-01). */
export function createInteractionHash(
  { clientNonce, serverNonce, interactRef, grantEndpoint }: HashedInteraction,
  encoding: Switches['hashEncoding'],
): string {
  return createHash('sha256')
    .update([clientNonce, serverNonce, interactRef, grantEndpoint].join('\n'))
    .digest(encoding);
}
