/** Interaction by redirect (RFC 9635 §4.1.1, §4.2.1): from the client to the consent page and back (AS-76…91). */
import type { InteractionApiHandlers } from '../../generated/identity-provider/routes.ts';
import { digestSecret } from '../crypto/secret-digest.ts';
import type { Call } from '../http/pipeline.ts';
import type { Decision, InteractionView } from '../open-payments/interaction.ts';
import { findGrantOfInteraction, updateGrant } from './grant.ts';
import {
  applyDecision,
  expectNonce,
  finishInteraction,
  hasExpired,
  type InteractionDeps,
  mayDecide,
  redirectTo,
  redirectUnstartable,
  viewInteraction,
} from './interaction.ts';
import { hasSession, interactionUrl, openSession } from './interaction-session.ts';
import { interactionProblem } from './problem.ts';

/** The identity provider's answer when an interaction starts: a decision, or the page where the holder decides. */
export type ConsentAnswer = Decision | { readonly redirect: string };

export interface InteractionRedirectDeps extends InteractionDeps {
  readonly promptConsent: (view: InteractionView) => Promise<ConsentAnswer>;
  /** Lifetime of an interaction, and of its session cookie, in seconds. */
  readonly interactionSeconds?: number | undefined;
}

export function createInteractionRedirectHandlers(deps: InteractionRedirectDeps) {
  const { ase, db, clock, ids, authServer, promptConsent, interactionSeconds = 600 } = deps;

  return {
    'start-interaction': async (call, { params: { id, nonce } }) => {
      const preview = expectNonce(await findGrantOfInteraction(db.query, ase, id), nonce);
      const mayStart = (grant: typeof preview, now: number) => grant.state === 'pending' && !hasExpired(grant, now);
      if (!mayStart(preview, clock.businessNow())) return redirectUnstartable(preview);
      const answer = await promptConsent(viewInteraction(preview));

      return call.transaction(async (tx) => {
        const grant = expectNonce(await findGrantOfInteraction(tx, ase, id, 'for update'), nonce);
        // Read once, so that a decision in time cannot have expired when it is finished.
        const now = clock.businessNow();
        if (!mayStart(grant, now)) return redirectUnstartable(grant);
        if ('redirect' in answer) {
          // Always a new session, which invalidates one that another browser started (AS-N06).
          const session = ids.token();
          await updateGrant(tx, ase, grant, { session_digest: digestSecret(session) });
          const cookie = openSession(interactionUrl(authServer, id), session, interactionSeconds);
          return redirectTo(answer.redirect, {}, { 'Set-Cookie': cookie });
        }
        const isAllowed = await mayDecide(tx, ase, grant, answer);
        return finishInteraction(tx, deps, isAllowed ? await applyDecision(tx, ase, grant, answer) : grant, now);
      });
    },

    'finish-interaction': async (call, { params: { id, nonce } }) =>
      call.transaction(async (tx) => {
        const grant = expectNonce(await findGrantOfInteraction(tx, ase, id, 'for update'), nonce);
        if (!hasSession(call.exchange, grant.interaction.sessionDigest)) throw interactionProblem('invalid_session');
        return finishInteraction(tx, deps, grant, clock.businessNow());
      }),
  } satisfies InteractionApiHandlers<Call<undefined>>;
}
