/** Continuing and cancelling a grant (RFC 9635 §5; AS-110…134). */
import type { GrantApiHandlers } from '../../generated/auth-server/routes.ts';
import type { components } from '../../generated/auth-server/types.ts';
import { digestSecret, matchesDigest } from '../crypto/secret-digest.ts';
import { toInstant } from '../database/columns.ts';
import type { Transaction } from '../database/database.ts';
import type { RequestProof } from '../http/pipeline.ts';
import { issueToken } from './access-token.ts';
import { type AuthCall, type Continuation, expectCaller } from './caller.ts';
import type { AuthDeps } from './deps.ts';
import { asStoredId, clientOfRow, type Grant, lockGrant, transitionGrant, updateGrant } from './grant.ts';
import { authProblem } from './problem.ts';

type ContinuationDeps = Parameters<typeof issueToken>[1];

/** The `continue` member. Some clients cannot do without `wait`, so it is always there (AS-09, AS-10). */
export const continueMember = (
  authServer: string,
  grant: { readonly continueId: string; readonly wait: number },
  token: string,
): components['schemas']['continue'] => ({
  access_token: { value: token },
  uri: `${authServer}continue/${grant.continueId}`,
  wait: grant.wait,
});

/** The grant whose id and continuation token belong together. Throws `unknown_continuation`, also once cancelled. */
export async function identifyContinuation(
  { ase, db }: Pick<AuthDeps, 'ase' | 'db'>,
  { params, token }: RequestProof,
): Promise<Continuation> {
  const row = await db.query
    .selectFrom('gnap_grant')
    .select(['id', 'continue_digest', 'finalization', 'client_wallet_address', 'client_jwk'])
    .where('ase', '=', ase)
    .where('continue_id', '=', asStoredId(params['id']))
    .executeTakeFirst();
  if (!row || !matchesDigest(token, row.continue_digest) || row.finalization === 'revoked') {
    throw authProblem('unknown_continuation');
  }
  return { kind: 'continuation', client: clientOfRow(row), grantId: row.id, token: token! };
}

export function createContinuationHandlers(deps: ContinuationDeps) {
  const { ase, clock, ids, switches, authServer } = deps;

  /**
   * The grant, locked. Since the caller was made out, it may have been cancelled or forgotten, or its token renewed
   * (AS-124). Throws `unknown_continuation`.
   */
  async function lockContinuation(tx: Transaction, { grantId, token }: Continuation): Promise<Grant> {
    const grant = await lockGrant(tx, ase, grantId);
    const isStale = !matchesDigest(token, grant?.continueDigest);
    if (!grant || isStale || grant.state === 'revoked') throw authProblem('unknown_continuation');
    return grant;
  }

  /** The continue token of the next answer; where it is renewed, the one shown is void with it (AS-124). */
  async function renewContinueToken(tx: Transaction, grant: Grant, token: string): Promise<string> {
    if (!switches.rotateContinuation) return token;
    const fresh = ids.token();
    await updateGrant(tx, ase, grant, { continue_digest: digestSecret(fresh) });
    return fresh;
  }

  /** What the interaction brought: a token, subject information, or both (AS-63, AS-114). */
  async function fetchGranted(tx: Transaction, grant: Grant, token: string) {
    const newest = await renewContinueToken(tx, grant, token);
    const issued = await transitionGrant(tx, ase, grant, 'issue');
    const accessToken = issued.access.length > 0 ? await issueToken(tx, deps, issued) : undefined;
    return {
      status: 200 as const,
      body: {
        ...(accessToken && { access_token: accessToken }),
        ...(issued.subject && { subject: issued.subject }),
        continue: continueMember(authServer, issued, newest),
      },
    };
  }

  return {
    'post-continue': async (call, { body }) => {
      const caller = expectCaller(call, 'continuation');
      const { token } = caller;
      const interactRef = body?.interact_ref;
      return call.transaction(async (tx) => {
        const grant = await lockContinuation(tx, caller);
        const now = clock.businessNow();

        // RFC 9635 §5: not before `wait` seconds have passed since the last answer
        const open = grant.state === 'pending' || grant.state === 'approved';
        if (open && now < grant.continuedAt + grant.wait * 1000) throw authProblem('too_fast');

        // §5.1: after an interaction with a reference
        if (interactRef !== undefined) {
          // None is issued before the decision, so none is looked at (AS-116).
          if (grant.state === 'pending') throw authProblem('grant_denied');
          if (!matchesDigest(interactRef, grant.interaction?.interactRefDigest))
            throw authProblem('unknown_interact_ref');
          if (grant.state !== 'approved') throw authProblem('grant_denied');
          return fetchGranted(tx, grant, token);
        }

        // §5.2: polling, which is only for clients that gave no way to finish (AS-121)
        if (!open) throw authProblem('grant_denied');
        if (grant.interaction?.finish) throw authProblem('grant_denied', { description: 'interact_ref is required' });
        if (grant.state === 'approved') return fetchGranted(tx, grant, token);
        if (grant.interaction && now >= grant.interaction.expiresAt) throw authProblem('grant_denied');
        const newest = await renewContinueToken(tx, grant, token);
        await updateGrant(tx, ase, grant, { continued_at: toInstant(now) });
        return { status: 200, body: { continue: continueMember(authServer, grant, newest) } };
      });
    },

    // §5.4: what was issued ends as well, since no token is looked up without its grant (AS-131, AMB-19)
    'delete-continue': async (call) => {
      const caller = expectCaller(call, 'continuation');
      return call.transaction(async (tx) => {
        await transitionGrant(tx, ase, await lockContinuation(tx, caller), 'revoke');
        return { status: 204 };
      });
    },
  } satisfies Pick<GrantApiHandlers<AuthCall>, 'post-continue' | 'delete-continue'>;
}
