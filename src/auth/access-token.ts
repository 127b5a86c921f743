/** Access tokens and their management (RFC 9635 §3.2, §6; AS-11…13, AS-140…152): issue, rotate, revoke. */
import type { Insertable } from 'kysely';
import type { TokenApiHandlers } from '../../generated/auth-server/routes.ts';
import type { components } from '../../generated/auth-server/types.ts';
import { digestSecret, matchesDigest } from '../crypto/secret-digest.ts';
import { toInstant, toLookupText } from '../database/columns.ts';
import type { Tables, Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { RequestProof } from '../http/server.ts';
import type { Access } from '../open-payments/access.ts';
import { toWireAccess } from './access.ts';
import { type AuthCall, expectCaller, type Management } from './caller.ts';
import type { AuthDeps } from './deps.ts';
import { clientOfRow } from './grant.ts';
import { authProblem } from './problem.ts';

type WireAccessToken = components['schemas']['access_token'];
type TokenDeps = Pick<AuthDeps, 'ase' | 'db' | 'clock' | 'ids' | 'switches' | 'authServer' | 'grants'>;

/** A new value with a new management URL. The value has 256 random bits; only its digest is stored (AS-13). */
function mintToken({ clock, ids, authServer, grants }: TokenDeps, access: readonly Access[]) {
  const { tokenSeconds = 600 } = grants ?? {};
  const now = clock.businessNow();
  const value = ids.token();
  const manageId = ids.uuid();
  const columns = {
    manage_id: manageId,
    value_digest: digestSecret(value),
    created_at: toInstant(now),
    expires_at: toInstant(now + tokenSeconds * 1000),
  };
  const wire: WireAccessToken = {
    value,
    manage: `${authServer}token/${manageId}`,
    expires_in: tokenSeconds,
    access: toWireAccess(access),
  };
  return { columns, wire };
}

const insertToken = statement((db, token: Insertable<Tables['access_token']>) =>
  db.insertInto('access_token').values(token),
);

/** Issues the access token of a grant that has just become `issued`. */
export async function issueToken(
  tx: Transaction,
  deps: TokenDeps,
  grant: { readonly id: string; readonly access: readonly Access[] },
): Promise<WireAccessToken> {
  const { columns, wire } = mintToken(deps, grant.access);
  const row = { ase: deps.ase, id: deps.ids.uuid(), grant_id: grant.id, ...columns, revoked_at: null };
  await insertToken.change(tx, row);
  return wire;
}

/**
 * The token that a management URL manages, expired or not (AS-143). Throws `unknown_token` if the URL is unknown, the
 * token or its grant is revoked, or the request presents another token, unless the switch accepts that (AS-145).
 */
export async function identifyManagement(deps: TokenDeps, { params, token }: RequestProof): Promise<Management> {
  const row = await deps.db.query
    .selectFrom('access_token as t')
    .innerJoin('gnap_grant as g', (join) => join.onRef('g.ase', '=', 't.ase').onRef('g.id', '=', 't.grant_id'))
    .select(['t.id', 't.manage_id', 't.value_digest', 'g.client_wallet_address', 'g.client_jwk', 'g.access'])
    .where('t.ase', '=', deps.ase)
    .where('t.manage_id', '=', toLookupText(params['id']))
    .where('t.revoked_at', 'is', null)
    .where('g.finalization', '=', 'issued')
    .executeTakeFirst();
  if (!row) throw authProblem('unknown_token');
  const showsToken = matchesDigest(token, row.value_digest);
  if (!showsToken && !deps.switches.rotateWithForeignToken) {
    throw authProblem('unknown_token', { detail: 'the URL manages another token' });
  }
  return {
    kind: 'management',
    client: clientOfRow(row),
    tokenId: row.id,
    manageId: row.manage_id,
    access: row.access,
    showsToken,
  };
}

/** Updates the token unless it has changed since the caller was identified: the first change wins (AS-147). */
const updateManaged = (tx: Transaction, ase: string, { tokenId, manageId }: Management) =>
  tx
    .updateTable('access_token')
    .where('ase', '=', ase)
    .where('id', '=', tokenId)
    .where('manage_id', '=', manageId)
    .where('revoked_at', 'is', null);

export function createAccessTokenHandlers(deps: TokenDeps) {
  const { ase, clock } = deps;
  return {
    // §6.1, rotate: the new value replaces the old one in its row, so the old one is unknown at once (AS-141).
    'post-token': async (call) => {
      const managed = expectCaller(call, 'management');
      const { columns, wire } = mintToken(deps, managed.access);
      return call.transaction(async (tx) => {
        const { numUpdatedRows } = await updateManaged(tx, ase, managed).set(columns).executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) throw authProblem('token_replaced');
        return { status: 200, body: { access_token: wire } };
      });
    },

    // §6.2, revoke: the grant keeps its state (AS-151).
    'delete-token': async (call) => {
      const managed = expectCaller(call, 'management');
      const revokedAt = toInstant(clock.businessNow());
      return call.transaction(async (tx) => {
        const { numUpdatedRows } = await updateManaged(tx, ase, managed)
          .set({ revoked_at: revokedAt })
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) throw authProblem('unknown_token');
        return { status: 204 };
      });
    },
  } satisfies TokenApiHandlers<AuthCall>;
}
