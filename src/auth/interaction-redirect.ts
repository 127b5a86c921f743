/** Interaction by redirect (RFC 9635 §4.1.1, §4.2.1): from the client to the consent page and back (AS-76…91). */
import type { InteractionApiHandlers } from '../../generated/identity-provider/routes.ts';
import { digestSecret, matchesDigest } from '../crypto/secret-digest.ts';
import type { Call } from '../http/server.ts';
import type { Decision, InteractionView } from '../open-payments/interaction.ts';
import { changeInteraction } from './grant.ts';
import { onCurrentGrant } from './grant-store.ts';
import {
  applyDecision,
  finishInteraction,
  hasExpired,
  type InteractionDeps,
  mayDecide,
  readInteraction,
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
  const { grantStore } = deps;

  return {
    'start-interaction': async (call, { params: { id, nonce } }) =>
      onCurrentGrant(readInteraction(deps, id, nonce), async (grant) => {
        // Read once, so that a decision in time cannot have expired when it is finished.
        const now = clock.businessNow();
        const isOpen = grant.state === 'pending' && !hasExpired(grant, now);
        if (!isOpen) return redirectUnstartable(grant, hasStarted(call.exchange, id, sessionSecret));
        const answer = await promptConsent(viewInteraction(grant));
        if ('redirect' in answer) {
          const { sessionKept, sessionDigest } = grant.interaction;
          if (sessionKept && hasSession(call.exchange, sessionDigest)) return redirectTo(answer.redirect, {});
          const session = createSession(id, ids, sessionSecret);
          const cookie = openSession(interactionUrl(authServer, id), session, interactionSeconds);
          const reply = redirectTo(answer.redirect, {}, { 'Set-Cookie': cookie });
          // A new session invalidates one that another browser started, unless the holder is known (AS-N06).
          if (sessionKept) return reply;
          const started = changeInteraction(grant, { sessionDigest: digestSecret(session) });
          return call.change(reply, () => grantStore.update(grant, started));
        }
        const isAllowed = await mayDecide(db.query, ase, grant, answer);
        const { finished, reply } = finishInteraction(deps, isAllowed ? applyDecision(grant, answer) : grant, now);
        return call.change(reply, () => grantStore.update(grant, finished));
      }),

    'finish-interaction': async (call, { params: { id, nonce }, query: { ticket } }) =>
      onCurrentGrant(readInteraction(deps, id, nonce), async (grant) => {
        const { sessionDigest, ticketDigest } = grant.interaction;
        // The browser that started and decided; any browser may start, but only the one that decided has the ticket.
        const isSameBrowser =
          ticketDigest === null
            ? hasSession(call.exchange, sessionDigest)
            : matchesDigest(ticket, ticketDigest) && hasStarted(call.exchange, id, sessionSecret);
        if (!isSameBrowser) throw interactionProblem('invalid_session');
        const { finished, reply } = finishInteraction(deps, grant, clock.businessNow());
        return call.change(reply, () => grantStore.update(grant, finished));
      }),
  } satisfies InteractionApiHandlers<Call<undefined>>;
}
