/** The redirect mode of interaction (RFC 9635 §4.1.1, §4.2.1): the browser comes, is sent to consent, and leaves; AS-76…91. */
import type { Route } from '../http/operation.ts';
import type { Call, Reply } from '../http/pipeline.ts';
import { digestSecret } from '../http/secret-digest.ts';
import { findGrantOfInteraction, updateGrant } from './grant.ts';
import {
  applyChoice,
  type Choice,
  expectNonce,
  finishInteraction,
  hasExpired,
  type InteractionDeps,
  type InteractionView,
  mayDecide,
  refuseStart,
  viewInteraction,
} from './interaction.ts';
import { interactionUrl, openSession, showsSession } from './interaction-session.ts';
import { refuseInteraction } from './problem.ts';

/** The identity provider's word on an interaction that begins: decided at once, or ask the holder there. */
export type ConsentAnswer = { readonly choice: Choice; readonly holder?: string } | { readonly redirect: string };

export interface InteractionRedirectDeps extends InteractionDeps {
  readonly promptConsent: (view: InteractionView) => Promise<ConsentAnswer>;
  /** Lifetime of the session cookie in seconds; that of an interaction. */
  readonly interactionSeconds?: number;
}

interface At {
  readonly params: { readonly id: string; readonly nonce: string };
}

export const interactionRoutes = {
  'start-interaction': {
    operationId: 'start-interaction',
    tags: ['interaction'],
    method: 'GET',
    path: '/interact/{id}/{nonce}',
    security: [],
    responses: [302, 400, 403, 404, 405, 500],
  },
  'finish-interaction': {
    operationId: 'finish-interaction',
    tags: ['interaction'],
    method: 'GET',
    path: '/interact/{id}/{nonce}/finish',
    security: [],
    responses: [202, 302, 400, 401, 404, 405, 500],
  },
} as const satisfies Record<string, Route>;

export function createInteractionRedirectHandlers(deps: InteractionRedirectDeps) {
  const { ase, db, clock, ids, authServer, promptConsent, interactionSeconds = 600 } = deps;

  return {
    'start-interaction': async (call: Call<undefined>, { params: { id, nonce } }: At) => {
      const found = expectNonce(await findGrantOfInteraction(db.query, ase, id), nonce);
      const mayStart = (grant: typeof found) => grant.state === 'pending' && !hasExpired(grant, clock.businessNow());
      if (!mayStart(found)) return refuseStart(found);
      const answer = await promptConsent(viewInteraction(found));

      return call.transaction(async (tx): Promise<Reply> => {
        const grant = expectNonce(await findGrantOfInteraction(tx, ase, id, 'for update'), nonce);
        if (!mayStart(grant)) return refuseStart(grant);
        if ('redirect' in answer) {
          // Always a new session: one that somebody else began is worth nothing from now on (AS-N06).
          const session = ids.token();
          await updateGrant(tx, ase, grant, { session_digest: digestSecret(session) });
          const cookie = openSession(interactionUrl(authServer, id), session, interactionSeconds);
          return { status: 302, headers: { Location: answer.redirect, 'Set-Cookie': cookie } };
        }
        const { choice, holder } = answer;
        const isAllowed = await mayDecide(tx, ase, grant, choice, holder);
        return finishInteraction(tx, deps, isAllowed ? await applyChoice(tx, ase, grant, choice) : grant);
      });
    },

    'finish-interaction': async (call: Call<undefined>, { params: { id, nonce } }: At) =>
      call.transaction(async (tx): Promise<Reply> => {
        const grant = expectNonce(await findGrantOfInteraction(tx, ase, id, 'for update'), nonce);
        if (!showsSession(call.exchange, grant.interaction.sessionDigest)) throw refuseInteraction('invalid_session');
        return finishInteraction(tx, deps, grant);
      }),
  } satisfies Record<keyof typeof interactionRoutes, (call: Call<undefined>, request: At) => Promise<Reply>>;
}
