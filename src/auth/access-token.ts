/** Access tokens and their management (RFC 9635 §3.2, §6; AS-11…13, AS-140…152): issue, rotate, revoke. */
import type { Updateable } from 'kysely';
import type { TokenApiHandlers } from '../../generated/auth-server/routes.ts';
import type { components } from '../../generated/auth-server/types.ts';
import { digestSecret, matchesDigest } from '../crypto/secret-digest.ts';
import { toInstant, toLookupText } from '../database/columns.ts';
import type { Queryable, Tables } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { RequestProof } from '../http/server.ts';
import type { Access } from '../open-payments/access.ts';
import { toWireAccess } from './access.ts';
import { type AuthCall, expectCaller, type Management } from './caller.ts';
import type { AuthDeps } from './deps.ts';
import { clientOfRow, type NewToken } from './grant-rows.ts';
import { authProblem } from './problem.ts';

type WireAccessToken = components['schemas']['access_token'];
type TokenDeps = Pick<AuthDeps, 'ase' | 'db' | 'clock' | 'ids' | 'switches' | 'authServer' | 'grants'>;

/** A new value with a new management URL. The value has 256 random bits; only its digest is stored (AS-13). */
function mintToken({ clock, ids, authServer, grants }: TokenDeps, access: readonly Access[]) {
  const { tokenSeconds = 600 } = grants ?? {};
  const now = clock.businessNow();
  const value = ids.token();
  const manageId = ids.rowId();
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

/** The first token of a grant, as it is stored and as the client gets it. */
export function createToken(deps: TokenDeps, access: readonly Access[]): { stored: NewToken; wire: WireAccessToken } {
  const { columns, wire } = mintToken(deps, access);
  return { stored: { id: deps.ids.rowId(), ...columns }, wire };
}

const selectManaged = statement((db, { ase, manageId }: { readonly ase: string; readonly manageId: string }) =>
  db
    .selectFrom('access_token as t')
    .innerJoin('gnap_grant as g', (join) => join.onRef('g.ase', '=', 't.ase').onRef('g.id', '=', 't.grant_id'))
    .select(['t.id', 't.manage_id', 't.value_digest', 'g.client_wallet_address', 'g.client_jwk', 'g.access'])
    .where('t.ase', '=', ase)
    .where('t.manage_id', '=', manageId)
    .where('t.revoked_at', 'is', null)
    .where('g.finalization', '=', 'issued'),
);

/**
 * The token that a management URL manages, expired or not (AS-143). Throws `unknown_token` if the URL is unknown, the
 * token or its grant is revoked, or the request presents another token, unless the switch accepts that (AS-145).
 */
export async function identifyManagement(deps: TokenDeps, { params, token }: RequestProof): Promise<Management> {
  const row = await selectManaged.first(deps.db.query, { ase: deps.ase, manageId: toLookupText(params['id']) });
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

type TokenChange = Pick<
  Updateable<Tables['access_token']>,
  keyof ReturnType<typeof mintToken>['columns'] | 'revoked_at'
>;

/** Updates the token unless it has changed since the caller was identified: the first change wins (AS-147). */
const updateManaged = statement(
  (db, { ase, tokenId, managedBy, ...columns }: TokenChange & { ase: string; tokenId: string; managedBy: string }) =>
    db
      .updateTable('access_token')
      .set(columns)
      .where('ase', '=', ase)
      .where('id', '=', tokenId)
      .where('manage_id', '=', managedBy)
      .where('revoked_at', 'is', null),
);

export function createAccessTokenHandlers(deps: TokenDeps) {
  const { ase, clock } = deps;

  /** False if another change was first. */
  const changeManaged = async (db: Queryable, { tokenId, manageId }: Management, change: TokenChange) =>
    (await updateManaged.change(db, { ...change, ase, tokenId, managedBy: manageId })) > 0;

  return {
    // §6.1, rotate: the new value replaces the old one in its row, so the old one is unknown at once (AS-141).
    'post-token': async (call) => {
      const managed = expectCaller(call, 'management');
      const { columns, wire } = mintToken(deps, managed.access);
      return call.change({ status: 200, body: { access_token: wire } }, async (db) => {
        if (!(await changeManaged(db, managed, columns))) throw authProblem('token_replaced');
      });
    },

    // §6.2, revoke: the grant keeps its state (AS-151).
    'delete-token': async (call) => {
      const managed = expectCaller(call, 'management');
      return call.change({ status: 204 }, async (db) => {
        const revokedAt = toInstant(clock.businessNow());
        if (!(await changeManaged(db, managed, { revoked_at: revokedAt }))) throw authProblem('unknown_token');
      });
    },
  } satisfies TokenApiHandlers<AuthCall>;
}
