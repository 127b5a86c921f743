/** Interactions (RFC 9635 §4): the request, the decision, and how the client learns the outcome (AS-76…92, AS-N02). */
import type { Clock } from '../clock.ts';
import { digestSecret, equalSecrets } from '../crypto/secret-digest.ts';
import type { Database, Queryable } from '../database/database.ts';
import { html } from '../html/html.ts';
import { pageHeaders, renderPage } from '../html/layout.ts';
import type { Ids } from '../ids.ts';
import type { Decision, Interactions, InteractionView } from '../open-payments/interaction.ts';
import { createInteractionHash } from '../open-payments/interaction-hash.ts';
import type { Switches } from '../profile.ts';
import { allowLess } from './allowed-limits.ts';
import { changeInteraction, type InteractiveGrant, transitionGrant } from './grant.ts';
import { findGrantOfInteraction } from './grant-rows.ts';
import { type GrantStore, onCurrentGrant } from './grant-store.ts';
import { closeSession, interactionUrl } from './interaction-session.ts';
import { interactionProblem } from './problem.ts';
import { holdsAll } from './resource-owner.ts';

export interface InteractionDeps {
  readonly ase: string;
  readonly db: Database;
  readonly grantStore: GrantStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly switches: Pick<Switches, 'hashEncoding'>;
  /** Grant endpoint exactly as wallet addresses publish it, with trailing slash (AS-104). */
  readonly authServer: string;
  /** Key that signs the sessions of browsers. */
  readonly sessionSecret: string;
  readonly closingWords?: ClosingPageLabels;
}

/** Labels that test scripts look for on the closing page. Without `close` there is only text. */
export interface ClosingPageLabels {
  readonly accepted?: string;
  /** The button's `aria-label`. */
  readonly close?: string;
}

type InteractionsDeps = Pick<InteractionDeps, 'ase' | 'db' | 'clock' | 'grantStore'>;

export function createInteractions({ ase, db, clock, grantStore }: InteractionsDeps): Interactions {
  return {
    read: (id, nonce, holder) =>
      onCurrentGrant(readInteraction({ ase, db }, id, nonce), async (grant) => {
        if (!(await mayDecide(db.query, ase, grant, { choice: 'accept', holder })))
          throw interactionProblem('foreign_holder');
        if (holder !== undefined && !grant.interaction.sessionKept)
          await grantStore.update(grant, changeInteraction(grant, { sessionKept: true }));
        return viewInteraction(grant);
      }),
    decide: (id, nonce, decision) =>
      onCurrentGrant(readInteraction({ ase, db }, id, nonce), async (grant) => {
        if (isRepeated(grant, decision)) return;
        const isExpired = hasExpired(grant, clock.businessNow());
        // No decision in time, by a clock that was read before, may follow the answer.
        if (grant.state === 'pending' && isExpired) await grantStore.update(grant, grant);
        if (grant.state === 'revoked' && !isExpired) throw interactionProblem('user_denied');
        if (grant.state !== 'pending' || isExpired) throw interactionProblem('interaction_closed');
        if (!(await mayDecide(db.query, ase, grant, decision))) throw interactionProblem('foreign_holder');
        const decided = applyDecision(grant, decision);
        const { ticketDigest = null } = decision;
        await grantStore.update(grant, changeInteraction(decided, { ticketDigest }));
      }),
  };
}

/** For `onCurrentGrant`: reads the grant of an interaction. Throws `unknown_interaction` if the URL lacks its nonce. */
export const readInteraction =
  ({ ase, db }: Pick<InteractionDeps, 'ase' | 'db'>, id: string, nonce: string) =>
  async (): Promise<InteractiveGrant> => {
    const grant = await findGrantOfInteraction(db.query, ase, id);
    if (!grant || !equalSecrets(nonce, grant.interaction.nonce)) throw interactionProblem('unknown_interaction');
    return grant;
  };

export const hasExpired = (grant: InteractiveGrant, now: number): boolean => now >= grant.interaction.expiresAt;

/** True if the same browser has decided the same, for instance with the first of two clicks, and did not finish yet. */
function isRepeated({ state, interaction }: InteractiveGrant, { choice, ticketDigest }: Decision): boolean {
  if (ticketDigest === undefined || ticketDigest !== interaction.ticketDigest) return false;
  return choice === 'accept' ? state === 'approved' || state === 'issued' : state === 'rejected';
}

/** Only the holder of all wallet addresses can accept; anyone with the link can reject. */
export async function mayDecide(
  db: Queryable,
  ase: string,
  grant: InteractiveGrant,
  { choice, holder }: Decision,
): Promise<boolean> {
  return choice === 'reject' || holder === undefined || holdsAll(db, ase, grant, holder);
}

/** Decides a pending grant, with what is allowed. Throws `unacceptable_limits`. */
export function applyDecision(grant: InteractiveGrant, { choice, limits = [] }: Decision): InteractiveGrant {
  if (choice === 'reject') return transitionGrant(grant, 'reject');
  const access = limits.length === 0 ? grant.access : allowLess(grant.access, limits);
  return transitionGrant({ ...grant, access }, 'approve');
}

export function viewInteraction(grant: InteractiveGrant): InteractionView {
  const { interaction } = grant;
  return {
    interactionId: interaction.id,
    nonce: interaction.nonce,
    grantId: grant.id,
    clientName: grant.clientName ?? grant.clientId,
    clientUri: grant.clientId,
    access: grant.access,
    subject: grant.subject,
    state: grant.state === 'pending' ? 'pending' : ['approved', 'issued'].includes(grant.state) ? 'approved' : 'denied',
    finishUri: interaction.finish?.uri,
    expiresAt: interaction.expiresAt,
  };
}

export interface Finished {
  readonly finished: InteractiveGrant;
  readonly reply: Redirect | ClosingPage;
}

/**
 * Ends the session of a grant and redirects to the client with the outcome (RFC 9635 §4.2.1). This is the only place
 * that creates an interaction reference, and only for an `approved` grant (AS-N02).
 */
export function finishInteraction(deps: InteractionDeps, grant: InteractiveGrant, now: number): Finished {
  const { ids, switches, authServer } = deps;
  const { interaction } = grant;
  const { finish } = interaction;
  const cookie = { 'Set-Cookie': closeSession(interactionUrl(authServer, interaction.id)) };
  const isExpired = hasExpired(grant, now);
  const ended = changeInteraction(grant, { sessionDigest: null, ticketDigest: null });

  if (grant.state === 'approved' && finish && !isExpired) {
    const interactRef = ids.uuid();
    const hashed = {
      clientNonce: finish.nonce,
      serverNonce: interaction.nonce,
      interactRef,
      grantEndpoint: authServer,
    };
    const hash = createInteractionHash(hashed, switches.hashEncoding);
    return {
      finished: changeInteraction(ended, { interactRefDigest: digestSecret(interactRef) }),
      reply: redirectTo(finish.uri, { hash, interact_ref: interactRef }, cookie),
    };
  }
  return { finished: ended, reply: finishWithoutReference(deps, grant, isExpired, cookie) };
}

function finishWithoutReference(
  { closingWords = {} }: InteractionDeps,
  { state, interaction: { finish } }: InteractiveGrant,
  isExpired: boolean,
  cookie: Record<string, string>,
): Redirect | ClosingPage {
  switch (state) {
    case 'rejected':
      if (!finish) return closingPage('Rejected', closingWords, cookie);
      return redirectTo(finish.uri, { result: 'grant_rejected' }, cookie);
    case 'revoked':
      if (!finish) throw interactionProblem('unknown_interaction');
      return redirectTo(finish.uri, { result: 'unknown_interaction' }, cookie);
    case 'approved':
    case 'issued':
      if (!finish) return closingPage(closingWords.accepted ?? 'Accepted', closingWords, cookie);
      return redirectTo(finish.uri, expired, cookie);
    case 'pending':
      if (!finish) throw interactionProblem('interaction_closed');
      return redirectTo(finish.uri, isExpired ? expired : { result: 'grant_invalid' }, cookie);
  }
}

const expired = { result: 'invalid_interaction', message: 'interaction expired' };

/**
 * For an interaction that cannot start (AS-79). Only the browser that started it is redirected, so that this server is
 * not an open redirector (OPI-089). Throws `interaction_closed` for any other browser, and if the client polls.
 */
export function redirectUnstartable({ interaction: { finish } }: InteractiveGrant, isStarter: boolean): Redirect {
  if (!finish || !isStarter) throw interactionProblem('interaction_closed');
  return redirectTo(finish.uri, { result: 'invalid_interaction' });
}

export interface Redirect {
  readonly status: 302;
  readonly headers: Record<string, string>;
}

/** Redirects to the URI with additional query parameters; existing ones are unchanged (AS-86, AS-103). */
export function redirectTo(
  uri: string,
  params: Record<string, string>,
  headers: Record<string, string> = {},
): Redirect {
  const added = new URLSearchParams(params).toString();
  const separator = added === '' ? '' : uri.includes('?') ? '&' : '?';
  return { status: 302, headers: { Location: uri + separator + added, ...headers } };
}

export interface ClosingPage {
  readonly status: 202;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** For browsers without a finish redirect: the client polls (AS-89). */
function closingPage(title: string, { close }: ClosingPageLabels, headers: Record<string, string>): ClosingPage {
  const button = close && html`\n<p class="actions"><button type="button" aria-label="${close}">Close</button></p>`;
  const content = html`<p>The application will find out. You can close this page.</p>${button}`;
  return { status: 202, headers: { ...pageHeaders(), ...headers }, body: renderPage({ title, content }) };
}
