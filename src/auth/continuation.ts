/** Continuing and cancelling a grant (RFC 9635 §5; AS-110…134). */
import type { GrantApiHandlers } from '../../generated/auth-server/routes.ts';
import type { components } from '../../generated/auth-server/types.ts';
import { digestSecret, matchesDigest } from '../crypto/secret-digest.ts';
import { toLookupText } from '../database/columns.ts';
import type { RequestProof } from '../http/server.ts';
import { createToken } from './access-token.ts';
import { type AuthCall, type Continuation, expectCaller } from './caller.ts';
import type { AuthDeps } from './deps.ts';
import { type Grant, transitionGrant } from './grant.ts';
import { findGrantOfContinuation } from './grant-rows.ts';
import { onCurrentGrant } from './grant-store.ts';
import { authProblem } from './problem.ts';

type ContinuationDeps = Parameters<typeof createToken>[0] & Pick<AuthDeps, 'grantStore'>;

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

/** The grant with this id and continuation token. Throws `unknown_continuation`, also for a revoked grant. */
async function findContinued(
  { ase, db }: Pick<AuthDeps, 'ase' | 'db'>,
  id: string,
  token: string | undefined,
): Promise<Grant> {
  const grant = await findGrantOfContinuation(db.query, ase, id);
  if (!grant || !matchesDigest(token, grant.continueDigest) || grant.state === 'revoked') {
    throw authProblem('unknown_continuation');
  }
  return grant;
}

/** Identifies the caller by the id of the grant and its continuation token. Throws `unknown_continuation`. */
export async function identifyContinuation(
  deps: Pick<AuthDeps, 'ase' | 'db'>,
  { params, token }: RequestProof,
): Promise<Continuation> {
  const grant = await findContinued(deps, toLookupText(params['id']), token);
  return { kind: 'continuation', client: grant.client, grant, token: token! };
}

/** The grant with the continuation token of the next answer. Rotation makes the presented one void (AS-124). */
function rotateContinueToken({ ids, switches }: ContinuationDeps, grant: Grant, token: string) {
  if (!switches.rotateContinuation) return { rotated: grant, continueToken: token };
  const continueToken = ids.token();
  return { rotated: { ...grant, continueDigest: digestSecret(continueToken) }, continueToken };
}

/** Issues what was approved: a token, subject information, or both (AS-63, AS-114). */
function issueApproved({ change }: AuthCall, deps: ContinuationDeps, grant: Grant, token: string) {
  const { rotated, continueToken } = rotateContinueToken(deps, grant, token);
  const issued = grant.access.length > 0 ? createToken(deps, grant.access) : undefined;
  const reply = {
    status: 200 as const,
    body: {
      ...(issued && { access_token: issued.wire }),
      ...(grant.subject && { subject: grant.subject }),
      continue: continueMember(deps.authServer, grant, continueToken),
    },
  };
  return change(reply, () => deps.grantStore.update(grant, transitionGrant(rotated, 'issue'), issued?.stored));
}

const isOpen = ({ state }: Grant): boolean => state === 'pending' || state === 'approved';

/** RFC 9635 §5.1: continuing after an interaction, with the reference that its end handed out. */
async function continueAfterInteraction(
  call: AuthCall,
  deps: ContinuationDeps,
  grant: Grant,
  { token, interactRef }: { readonly token: string; readonly interactRef: string },
) {
  // No `interact_ref` exists before the decision (AS-116).
  if (grant.state === 'pending') throw authProblem('grant_denied');
  if (!matchesDigest(interactRef, grant.interaction?.interactRefDigest)) throw authProblem('unknown_interact_ref');
  if (grant.state !== 'approved') throw authProblem('grant_denied');
  return issueApproved(call, deps, grant, token);
}

/** RFC 9635 §5.2: polling, which is only for clients without an interaction finish method (AS-121). */
async function continueByPolling(
  call: AuthCall,
  deps: ContinuationDeps,
  grant: Grant,
  { token, now }: { readonly token: string; readonly now: number },
) {
  const { grantStore, authServer } = deps;
  if (!isOpen(grant)) throw authProblem('grant_denied');
  if (grant.interaction?.finish) throw authProblem('grant_denied', { description: 'interact_ref is required' });
  if (grant.state === 'approved') return issueApproved(call, deps, grant, token);
  if (grant.interaction && now >= grant.interaction.expiresAt) {
    // No decision in time, by a clock that was read before, may follow this answer.
    await grantStore.update(grant, grant);
    throw authProblem('grant_denied');
  }
  const { rotated, continueToken } = rotateContinueToken(deps, grant, token);
  const reply = { status: 200 as const, body: { continue: continueMember(authServer, grant, continueToken) } };
  return call.change(reply, () => grantStore.update(grant, { ...rotated, continuedAt: now }));
}

export function createContinuationHandlers(deps: ContinuationDeps) {
  const { clock, grantStore } = deps;

  /** Since the caller was identified, the grant may have been revoked or removed, or its token rotated (AS-124). */
  const onContinued = <T>({ grant, token }: Continuation, work: (grant: Grant) => Promise<T>) =>
    onCurrentGrant(() => findContinued(deps, grant.continueId, token), work, grant);

  return {
    'post-continue': async (call, { body }) => {
      const caller = expectCaller(call, 'continuation');
      const { token } = caller;
      const interactRef = body?.interact_ref;
      return onContinued(caller, async (grant) => {
        const now = clock.businessNow();
        // §5: the client waits `wait` seconds after each answer.
        if (isOpen(grant) && now < grant.continuedAt + grant.wait * 1000) throw authProblem('too_fast');
        if (interactRef !== undefined) return continueAfterInteraction(call, deps, grant, { token, interactRef });
        return continueByPolling(call, deps, grant, { token, now });
      });
    },

    // §5.4: issued tokens end as well, since every token look-up checks its grant (AS-131).
    'delete-continue': async (call) =>
      onContinued(expectCaller(call, 'continuation'), (grant) =>
        call.change({ status: 204 }, () => grantStore.update(grant, transitionGrant(grant, 'revoke'))),
      ),
  } satisfies Pick<GrantApiHandlers<AuthCall>, 'post-continue' | 'delete-continue'>;
}
