/** Callers of the authorization server, and the grant behind an access token for the resource server (RFC 9635 §7.2). */
import { digestSecret } from '../crypto/secret-digest.ts';
import { toInstant } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { Call } from '../http/server.ts';
import type { Access } from '../open-payments/access.ts';
import type { ClientInstance } from '../open-payments/client.ts';
import type { Grant } from './grant.ts';
import { clientOfRow } from './grant-rows.ts';

/** The caller of a grant request (RFC 9635 §2). */
export interface RequestingClient {
  readonly kind: 'client';
  readonly client: ClientInstance;
}

/** The caller of a continuation: the holder of the grant's continuation token (RFC 9635 §5). */
export interface Continuation {
  readonly kind: 'continuation';
  readonly client: ClientInstance;
  readonly grant: Grant;
  /** The presented token. It lasts as long as the grant unless the switch `rotateContinuation` is on (AS-124). */
  readonly token: string;
}

/** The caller of token management, with the token that the URL manages (RFC 9635 §6). */
export interface Management {
  readonly kind: 'management';
  readonly client: ClientInstance;
  readonly tokenId: string;
  readonly manageId: string;
  readonly access: readonly Access[];
  /** False if the request presents another token, so that only the signature identifies the client (AS-145). */
  readonly showsToken: boolean;
}

export type AuthCaller = RequestingClient | Continuation | Management;
export type AuthCall = Call<AuthCaller>;

/** The caller of an operation whose policy requires this kind. */
export function expectCaller<Kind extends AuthCaller['kind']>(
  { caller }: AuthCall,
  kind: Kind,
): Extract<AuthCaller, { kind: Kind }> {
  if (caller.kind !== kind) throw new Error(`a ${caller.kind} caller where a ${kind} is expected`);
  return caller as Extract<AuthCaller, { kind: Kind }>;
}

export interface TokenCaller {
  readonly grantId: string;
  /** Wallet address or key thumbprint; scopes what the client may see (AS-31). */
  readonly clientId: string;
  readonly client: ClientInstance;
  readonly access: readonly Access[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const selectTokenGrant = statement((db, token: { ase: string; digest: string; now: string }) =>
  db
    .selectFrom('access_token as t')
    .innerJoin('gnap_grant as g', (join) => join.onRef('g.ase', '=', 't.ase').onRef('g.id', '=', 't.grant_id'))
    .select(['g.id', 'g.client_id', 'g.client_wallet_address', 'g.client_jwk', 'g.access', 't.expires_at'])
    .where('t.ase', '=', token.ase)
    .where('t.value_digest', '=', token.digest)
    .where('t.revoked_at', 'is', null)
    .where('t.expires_at', '>', token.now)
    .where('g.finalization', '=', 'issued'),
);

/**
 * The grant behind an access token, in one query. Undefined if the token is unknown, expired, rotated or revoked, or
 * its grant is cancelled (INT-04, INT-11). `now` is business time.
 */
export async function findCaller(
  db: Queryable,
  ase: string,
  token: string,
  now: number,
): Promise<TokenCaller | undefined> {
  const row = await selectTokenGrant.first(db, { ase, digest: digestSecret(token), now: toInstant(now) });
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
