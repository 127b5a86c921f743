/** The redirect mode of interaction (RFC 9635 §4.1.1, §4.2.1): the browser comes, is sent to consent, and leaves; AS-76…91. */
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
  refuseStart,
  viewInteraction,
} from './interaction.ts';
import { interactionUrl, openSession, showsSession } from './interaction-session.ts';
import { interactionProblem } from './problem.ts';

/** The identity provider's word on an interaction that begins: decided at once, or ask the holder there. */
export type ConsentAnswer = Decision | { readonly redirect: string };

export interface InteractionRedirectDeps extends InteractionDeps {
  readonly promptConsent: (view: InteractionView) => Promise<ConsentAnswer>;
  /** Lifetime of the session cookie in seconds; that of an interaction. */
  readonly interactionSeconds?: number | undefined;
}

export function createInteractionRedirectHandlers(deps: InteractionRedirectDeps) {
  const { ase, db, clock, ids, authServer, promptConsent, interactionSeconds = 600 } = deps;

  return {
    'start-interaction': async (call, { params: { id, nonce } }) => {
      const found = expectNonce(await findGrantOfInteraction(db.query, ase, id), nonce);
      const mayStart = (grant: typeof found, now: number) => grant.state === 'pending' && !hasExpired(grant, now);
      if (!mayStart(found, clock.businessNow())) return refuseStart(found);
      const answer = await promptConsent(viewInteraction(found));

      return call.transaction(async (tx) => {
        const grant = expectNonce(await findGrantOfInteraction(tx, ase, id, 'for update'), nonce);
        // Read once: what is decided in time must not have expired when it is finished.
        const now = clock.businessNow();
        if (!mayStart(grant, now)) return refuseStart(grant);
        if ('redirect' in answer) {
          // Always a new session: one that somebody else began is worth nothing from now on (AS-N06).
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
        if (!showsSession(call.exchange, grant.interaction.sessionDigest)) throw interactionProblem('invalid_session');
        return finishInteraction(tx, deps, grant, clock.businessNow());
      }),
  } satisfies InteractionApiHandlers<Call<undefined>>;
}
