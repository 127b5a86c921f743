/** Interaction by redirect (RFC 9635 §4.1.1, §4.2.1): from the client to the consent page and back (AS-76…91). */
import type { InteractionApiHandlers } from '../../generated/identity-provider/routes.ts';
import { digestSecret, matchesDigest } from '../crypto/secret-digest.ts';
import type { Call } from '../http/server.ts';
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
import { createSession, hasSession, hasStarted, interactionUrl, openSession } from './interaction-session.ts';
import { interactionProblem } from './problem.ts';

/** The identity provider's answer when an interaction starts: a decision, or the page where the holder decides. */
export type ConsentAnswer = Decision | { readonly redirect: string };

export interface InteractionRedirectDeps extends InteractionDeps {
  readonly promptConsent: (view: InteractionView) => Promise<ConsentAnswer>;
  /** Lifetime of an interaction, and of its session cookie, in seconds. */
  readonly interactionSeconds?: number | undefined;
}

export function createInteractionRedirectHandlers(deps: InteractionRedirectDeps) {
  const { ase, db, clock, ids, authServer, sessionSecret, promptConsent, interactionSeconds = 600 } = deps;

  return {
    'start-interaction': async (call, { params: { id, nonce } }) => {
      const preview = expectNonce(await findGrantOfInteraction(db.query, ase, id), nonce);
      const mayStart = (grant: typeof preview, now: number) => grant.state === 'pending' && !hasExpired(grant, now);
      const isStarter = hasStarted(call.exchange, id, sessionSecret);
      if (!mayStart(preview, clock.businessNow())) return redirectUnstartable(preview, isStarter);
      const answer = await promptConsent(viewInteraction(preview));

      return call.transaction(async (tx) => {
        const grant = expectNonce(await findGrantOfInteraction(tx, ase, id, 'for update'), nonce);
        // Read once, so that a decision in time cannot have expired when it is finished.
        const now = clock.businessNow();
        if (!mayStart(grant, now)) return redirectUnstartable(grant, isStarter);
        if ('redirect' in answer) {
          const { sessionKept, sessionDigest } = grant.interaction;
          if (sessionKept && hasSession(call.exchange, sessionDigest)) return redirectTo(answer.redirect, {});
          // A new session invalidates one that another browser started, unless the holder is known (AS-N06).
          const session = createSession(id, ids, sessionSecret);
          if (!sessionKept) await updateGrant(tx, ase, grant, { session_digest: digestSecret(session) });
          const cookie = openSession(interactionUrl(authServer, id), session, interactionSeconds);
          return redirectTo(answer.redirect, {}, { 'Set-Cookie': cookie });
        }
        const isAllowed = await mayDecide(tx, ase, grant, answer);
        return finishInteraction(tx, deps, isAllowed ? await applyDecision(tx, ase, grant, answer) : grant, now);
      });
    },

    'finish-interaction': async (call, { params: { id, nonce }, query: { ticket } }) =>
      call.transaction(async (tx) => {
        const grant = expectNonce(await findGrantOfInteraction(tx, ase, id, 'for update'), nonce);
        const { sessionDigest, ticketDigest } = grant.interaction;
        // The browser that started and decided; any browser may start, but only the one that decided has the ticket.
        const isSameBrowser =
          ticketDigest === null
            ? hasSession(call.exchange, sessionDigest)
            : matchesDigest(ticket, ticketDigest) && hasStarted(call.exchange, id, sessionSecret);
        if (!isSameBrowser) throw interactionProblem('invalid_session');
        return finishInteraction(tx, deps, grant, clock.businessNow());
      }),
  } satisfies InteractionApiHandlers<Call<undefined>>;
}
