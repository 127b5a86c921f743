/** Continuing and cancelling a grant (RFC 9635 §5; AS-110…134). */
import type { GrantApiHandlers } from '../../generated/auth-server/routes.ts';
import type { components } from '../../generated/auth-server/types.ts';
import { digestSecret, matchesDigest } from '../crypto/secret-digest.ts';
import { toInstant, toLookupText } from '../database/columns.ts';
import type { Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { RequestProof } from '../http/server.ts';
import { createToken } from './access-token.ts';
import { type AuthCall, type Continuation, expectCaller } from './caller.ts';
import type { AuthDeps } from './deps.ts';
import { clientOfRow, type Grant, issueGrant, lockGrant, transitionGrant, updateGrant } from './grant.ts';
import { authProblem } from './problem.ts';

type ContinuationDeps = Parameters<typeof createToken>[0];

/** The `continue` member. Some clients fail without `wait`, so it is always present (AS-09, AS-10). */
export const continueMember = (
  authServer: string,
  grant: { readonly continueId: string; readonly wait: number },
  token: string,
): components['schemas']['continue'] => ({
  access_token: { value: token },
  uri: `${authServer}continue/${grant.continueId}`,
  wait: grant.wait,
});

const selectContinuation = statement((db, continuation: { ase: string; id: string }) =>
  db
    .selectFrom('gnap_grant')
    .select(['id', 'continue_digest', 'finalization', 'client_wallet_address', 'client_jwk'])
    .where('ase', '=', continuation.ase)
    .where('continue_id', '=', continuation.id),
);

/** Finds the grant by its id and continuation token. Throws `unknown_continuation`, also for a revoked grant. */
export async function identifyContinuation(
  { ase, db }: Pick<AuthDeps, 'ase' | 'db'>,
  { params, token }: RequestProof,
): Promise<Continuation> {
  const row = await selectContinuation.first(db.query, { ase, id: toLookupText(params['id']) });
  if (!row || !matchesDigest(token, row.continue_digest) || row.finalization === 'revoked') {
    throw authProblem('unknown_continuation');
  }
  return { kind: 'continuation', client: clientOfRow(row), grantId: row.id, token: token! };
}

/**
 * Locks the caller's grant. Since the caller was identified, the grant may have been revoked or removed, or its token
 * rotated (AS-124). Throws `unknown_continuation`.
 */
async function lockContinuation(tx: Transaction, ase: string, { grantId, token }: Continuation): Promise<Grant> {
  const grant = await lockGrant(tx, ase, grantId);
  const isStale = !matchesDigest(token, grant?.continueDigest);
  if (!grant || isStale || grant.state === 'revoked') throw authProblem('unknown_continuation');
  return grant;
}

/** The continuation token of the next answer. Rotation makes the presented one void (AS-124). */
async function rotateContinueToken(
  tx: Transaction,
  { ase, ids, switches }: ContinuationDeps,
  grant: Grant,
  token: string,
): Promise<string> {
  if (!switches.rotateContinuation) return token;
  const fresh = ids.token();
  await updateGrant(tx, ase, grant, { continue_digest: digestSecret(fresh) });
  return fresh;
}

/** Issues what was approved: a token, subject information, or both (AS-63, AS-114). */
async function issueApproved(tx: Transaction, deps: ContinuationDeps, grant: Grant, token: string) {
  const continueToken = await rotateContinueToken(tx, deps, grant, token);
  const issued = grant.access.length > 0 ? createToken(deps, grant.access) : undefined;
  await issueGrant(tx, deps.ase, grant, issued?.stored);
  return {
    status: 200 as const,
    body: {
      ...(issued && { access_token: issued.wire }),
      ...(grant.subject && { subject: grant.subject }),
      continue: continueMember(deps.authServer, grant, continueToken),
    },
  };
}

const isOpen = ({ state }: Grant): boolean => state === 'pending' || state === 'approved';

/** RFC 9635 §5.1: continuing after an interaction, with the reference that its end handed out. */
async function continueAfterInteraction(
  tx: Transaction,
  deps: ContinuationDeps,
  grant: Grant,
  { token, interactRef }: { readonly token: string; readonly interactRef: string },
) {
  // No `interact_ref` exists before the decision (AS-116).
  if (grant.state === 'pending') throw authProblem('grant_denied');
  if (!matchesDigest(interactRef, grant.interaction?.interactRefDigest)) throw authProblem('unknown_interact_ref');
  if (grant.state !== 'approved') throw authProblem('grant_denied');
  return issueApproved(tx, deps, grant, token);
}

/** RFC 9635 §5.2: polling, which is only for clients without an interaction finish method (AS-121). */
async function continueByPolling(
  tx: Transaction,
  deps: ContinuationDeps,
  grant: Grant,
  { token, now }: { readonly token: string; readonly now: number },
) {
  if (!isOpen(grant)) throw authProblem('grant_denied');
  if (grant.interaction?.finish) throw authProblem('grant_denied', { description: 'interact_ref is required' });
  if (grant.state === 'approved') return issueApproved(tx, deps, grant, token);
  if (grant.interaction && now >= grant.interaction.expiresAt) throw authProblem('grant_denied');
  const continueToken = await rotateContinueToken(tx, deps, grant, token);
  await updateGrant(tx, deps.ase, grant, { continued_at: toInstant(now) });
  return { status: 200 as const, body: { continue: continueMember(deps.authServer, grant, continueToken) } };
}

export function createContinuationHandlers(deps: ContinuationDeps) {
  const { ase, clock } = deps;
  return {
    'post-continue': async (call, { body }) => {
      const caller = expectCaller(call, 'continuation');
      const { token } = caller;
      const interactRef = body?.interact_ref;
      return call.transaction(async (tx) => {
        const grant = await lockContinuation(tx, ase, caller);
        const now = clock.businessNow();
        // §5: the client waits `wait` seconds after each answer.
        if (isOpen(grant) && now < grant.continuedAt + grant.wait * 1000) throw authProblem('too_fast');
        if (interactRef !== undefined) return continueAfterInteraction(tx, deps, grant, { token, interactRef });
        return continueByPolling(tx, deps, grant, { token, now });
      });
    },

    // §5.4: issued tokens end as well, since every token look-up checks its grant (AS-131).
    'delete-continue': async (call) => {
      const caller = expectCaller(call, 'continuation');
      return call.transaction(async (tx) => {
        await transitionGrant(tx, ase, await lockContinuation(tx, ase, caller), 'revoke');
        return { status: 204 };
      });
    },
  } satisfies Pick<GrantApiHandlers<AuthCall>, 'post-continue' | 'delete-continue'>;
}
