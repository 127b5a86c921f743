/** Who calls: the authorization server's own callers, and a token's grant as the resource server needs it (RFC 9635 §7.2). */

import { digestSecret } from '../crypto/secret-digest.ts';
import { toInstant } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import type { Call } from '../http/pipeline.ts';
import type { Access } from '../open-payments/access.ts';
import type { ClientInstance } from '../open-payments/client.ts';
import { clientOfRow } from './grant.ts';

/** Of a grant request. */
export interface RequestingClient {
  readonly kind: 'client';
  readonly client: ClientInstance;
}

/** Of a continuation: the grant whose continuation token was shown (RFC 9635 §5). */
export interface Continuation {
  readonly kind: 'continuation';
  readonly client: ClientInstance;
  readonly grantId: string;
  /** As shown; it stays the same for the life of the grant (AS-124). */
  readonly token: string;
}

/** Of token management: the token that the URL manages (RFC 9635 §6). */
export interface Management {
  readonly kind: 'management';
  readonly client: ClientInstance;
  readonly tokenId: string;
  readonly manageId: string;
  readonly access: readonly Access[];
  /** Whether the request shows the token, or the client's signature has to do (AS-145). */
  readonly showsToken: boolean;
}

export type AuthCaller = RequestingClient | Continuation | Management;
export type AuthCall = Call<AuthCaller>;

/** The caller of an operation whose policy names that kind. */
export function expectCaller<Kind extends AuthCaller['kind']>(
  { caller }: AuthCall,
  kind: Kind,
): Extract<AuthCaller, { kind: Kind }> {
  if (caller.kind !== kind) throw new Error(`a ${caller.kind} caller where a ${kind} is expected`);
  return caller as Extract<AuthCaller, { kind: Kind }>;
}

export interface TokenCaller {
  readonly grantId: string;
  /** The client for scoping: wallet address or key thumbprint (AS-31). */
  readonly clientId: string;
  readonly client: ClientInstance;
  readonly access: readonly Access[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * What an access token allows, in one query; undefined for any that is unknown, expired, rotated away, revoked, or of a
 * cancelled grant (INT-04, INT-11). `now` is business time.
 */
export async function findCaller(
  db: Queryable,
  ase: string,
  token: string,
  now: number,
): Promise<TokenCaller | undefined> {
  const row = await db
    .selectFrom('access_token as t')
    .innerJoin('gnap_grant as g', (join) => join.onRef('g.ase', '=', 't.ase').onRef('g.id', '=', 't.grant_id'))
    .select(['g.id', 'g.client_id', 'g.client_wallet_address', 'g.client_jwk', 'g.access', 't.expires_at'])
    .where('t.ase', '=', ase)
    .where('t.value_digest', '=', digestSecret(token))
    .where('t.revoked_at', 'is', null)
    .where('t.expires_at', '>', toInstant(now))
    .where('g.finalization', '=', 'issued')
    .executeTakeFirst();
  return (
    row && {
      grantId: row.id,
      clientId: row.client_id,
      client: clientOfRow(row),
      access: row.access,
      expiresAt: Date.parse(row.expires_at),
    }
  );
}
