/**
 * A model of grants (RFC 9635 §1.5, §4–6; LIM-01, AS-79…91, AS-110…152, AS-N02, N03): what each request may be answered
 * with, and what holds after it. It knows nothing of the server but its settings, and imports nothing.
 *
 * A state is a value. `explain` gives the state after a request if the answer is the one that the state demands, and
 * undefined if it is not. Requests that were under way at once are explained by any order of them.
 */

export type Consent = 'manual' | 'auto' | 'deny';

export interface Token {
  readonly value: string;
  readonly manage: string;
}

/** A request. `grant` numbers the requests for grants. */
export type Action =
  | { readonly kind: 'request'; readonly grant: number; readonly asks: Asked }
  | { readonly kind: 'start'; readonly grant: number }
  | { readonly kind: 'accept' | 'reject'; readonly grant: number }
  | { readonly kind: 'finish'; readonly grant: number; readonly cookie: string }
  | { readonly kind: 'continue'; readonly grant: number; readonly isOwnToken: boolean; readonly reference?: string }
  | { readonly kind: 'cancel'; readonly grant: number; readonly isOwnToken: boolean }
  | { readonly kind: 'rotate' | 'revoke'; readonly grant: number; readonly token: Token }
  | { readonly kind: 'introspect' | 'use'; readonly grant: number; readonly value: string }
  | { readonly kind: 'advance'; readonly seconds: number };

export interface Asked {
  /** A right that needs consent, one that needs none, or none. */
  readonly right: 'outgoing' | 'incoming' | 'none';
  readonly subject: boolean;
  /** How the client would have the interaction: by redirect and reference, by polling, or not at all. */
  readonly interaction: 'finish' | 'poll' | 'none';
}

/** The parts of the answer that matter to the model. */
export interface Answer {
  /** The status, and of an error its code: `200`, `401 invalid_client`. */
  readonly status: string;
  readonly token?: Token;
  readonly subject?: true;
  /** Present if the grant can be continued. */
  readonly continues?: true;
  readonly cookie?: string;
  /** Where a redirect leads: to the consent page, or to the client with a reference or a result. */
  readonly page?: true;
  readonly reference?: string;
  readonly result?: string;
  readonly active?: boolean;
}

export interface Step {
  readonly action: Action;
  readonly answer: Answer;
}

export interface Grant {
  readonly asks: Asked;
  readonly state: 'pending' | 'approved' | 'issued' | 'rejected' | 'revoked';
  /** Seconds; of the last answer that counts for `wait`. */
  readonly answeredAt: number;
  readonly interactionEnds: number;
  readonly session?: string | undefined;
  readonly reference?: string;
  /** The one that is good now, if its time is not over. */
  readonly token?: (Token & { readonly ends: number }) | undefined;
}

export interface State {
  /** Seconds since the sequence began. */
  readonly now: number;
  readonly consent: Consent;
  readonly grants: Readonly<Record<number, Grant>>;
}

/** How the authorization server is set up, in seconds. */
export const settings = { wait: 5, tokenLife: 60, interactionLife: 120 };

export const begin = (consent: Consent): State => ({ now: 0, consent, grants: {} });

/** The states that some order of the steps leads to from one of `states`; none if no order explains the answers. */
export function explainAtOnce(states: readonly State[], steps: readonly Step[]): State[] {
  const found = new Map<string, State>();
  const isAlone = steps.length === 1;
  const follow = (state: State, left: readonly Step[]): void => {
    if (left.length === 0) found.set(JSON.stringify(state), state);
    for (const step of left) {
      const next = explain(state, step, isAlone);
      if (next) {
        follow(
          next,
          left.filter((other) => other !== step),
        );
      }
    }
  };
  for (const state of states) follow(state, steps);
  return [...found.values()];
}

/** `isAlone` if nothing else was under way. */
function explain(state: State, { action, answer }: Step, isAlone: boolean): State | undefined {
  if (action.kind === 'advance') return { ...state, now: state.now + action.seconds };
  if (action.kind === 'request') return explainRequest(state, action, answer);
  const grant = state.grants[action.grant];
  if (!grant) throw new Error('a request for a grant that was never made');
  const after = explainForGrant(state, grant, action, answer, isAlone);
  return after && { ...state, grants: { ...state.grants, [action.grant]: after } };
}

function explainRequest(
  state: State,
  { grant, asks }: Extract<Action, { kind: 'request' }>,
  answer: Answer,
): State | undefined {
  const needsConsent = asks.right === 'outgoing' || asks.subject;
  const isForNothing = asks.right === 'none' && !asks.subject;
  if (isForNothing || (needsConsent && asks.interaction === 'none')) {
    return isRefusal(answer, '400 invalid_request') ? state : undefined;
  }
  const isIssued = !needsConsent;
  if (answer.status !== '200' || !answer.continues || (answer.token !== undefined) !== isIssued) return undefined;
  const made: Grant = {
    asks,
    state: isIssued ? 'issued' : 'pending',
    answeredAt: state.now,
    interactionEnds: state.now + settings.interactionLife,
    token: answer.token && { ...answer.token, ends: state.now + settings.tokenLife },
  };
  return { ...state, grants: { ...state.grants, [grant]: made } };
}

function explainForGrant(
  state: State,
  grant: Grant,
  action: Exclude<Action, { kind: 'request' | 'advance' }>,
  answer: Answer,
  isAlone: boolean,
): Grant | undefined {
  switch (action.kind) {
    case 'start':
      return explainStart(state, grant, answer);
    case 'accept':
    case 'reject': {
      const isOver = state.now >= grant.interactionEnds;
      if (grant.state === 'revoked' && !isOver) return refused(grant, answer, '401 user_denied');
      if (grant.state !== 'pending' || isOver) return refused(grant, answer, '400 invalid_interaction');
      return answer.status === '202' ? decided(grant, action.kind) : undefined;
    }
    case 'finish':
      if (grant.session === undefined || action.cookie !== grant.session) {
        return refused(grant, answer, '401 invalid_request');
      }
      return explainFinish(state, grant, answer);
    case 'continue':
      return explainContinue(state, grant, action, answer);
    case 'cancel':
      if (!action.isOwnToken || grant.state === 'revoked') return refused(grant, answer, '401 invalid_continuation');
      return answer.status === '204' ? { ...grant, state: 'revoked' } : undefined;
    case 'rotate':
    case 'revoke':
      return explainManagement(state, grant, action, answer, isAlone);
    case 'introspect':
      return answer.status === '200' && answer.active === isActive(state, grant, action.value) ? grant : undefined;
    case 'use':
      if (isActive(state, grant, action.value)) return answer.status === '200' ? grant : undefined;
      return refused(grant, answer, '401 invalid_token');
  }
}

const isRefusal = (answer: Answer, status: string): boolean =>
  answer.status === status && !answer.token && answer.reference === undefined;
const refused = (grant: Grant, answer: Answer, status: string): Grant | undefined =>
  isRefusal(answer, status) ? grant : undefined;

const decided = (grant: Grant, choice: 'accept' | 'reject'): Grant => ({
  ...grant,
  state: choice === 'accept' ? 'approved' : 'rejected',
});

const isActive = ({ now }: State, { state, token }: Grant, value: string): boolean =>
  state === 'issued' && token !== undefined && token.value === value && now < token.ends;

function explainStart(state: State, grant: Grant, answer: Answer): Grant | undefined {
  if (grant.state !== 'pending' || state.now >= grant.interactionEnds) {
    // The browser of the model shows no cookie here, and no other browser is sent back to the client.
    return refused(grant, answer, '403 invalid_interaction');
  }
  if (state.consent !== 'manual') {
    return explainFinish(state, decided(grant, state.consent === 'auto' ? 'accept' : 'reject'), answer);
  }
  if (answer.status !== '302' || !answer.page || !answer.cookie) return undefined;
  return { ...grant, session: answer.cookie };
}

/** The end of an interaction, for a browser whose session it is: told once. */
function explainFinish(state: State, grant: Grant, answer: Answer): Grant | undefined {
  const after = { ...grant, session: undefined };
  const isOver = state.now >= grant.interactionEnds;
  if (grant.asks.interaction === 'poll') {
    // A page, or an error which leaves the session as it was
    if (grant.state === 'revoked') return refused(grant, answer, '404 unknown_interaction');
    if (grant.state === 'pending') return refused(grant, answer, '401 invalid_interaction');
    return answer.status === '202' && answer.reference === undefined ? after : undefined;
  }
  if (answer.status !== '302') return undefined;
  if (grant.state === 'approved' && !isOver) {
    return answer.reference === undefined ? undefined : { ...after, reference: answer.reference };
  }
  const results = {
    pending: isOver ? 'invalid_interaction' : 'grant_invalid',
    approved: 'invalid_interaction',
    issued: 'invalid_interaction',
    rejected: 'grant_rejected',
    revoked: 'unknown_interaction',
  };
  return answer.reference === undefined && answer.result === results[grant.state] ? after : undefined;
}

function explainContinue(
  { now }: State,
  grant: Grant,
  { isOwnToken, reference }: Extract<Action, { kind: 'continue' }>,
  answer: Answer,
): Grant | undefined {
  const { state, asks } = grant;
  if (!isOwnToken || state === 'revoked') return refused(grant, answer, '401 invalid_continuation');
  const isOpen = state === 'pending' || state === 'approved';
  if (isOpen && now < grant.answeredAt + settings.wait) return refused(grant, answer, '400 too_fast');

  if (reference !== undefined) {
    if (state === 'pending') return refused(grant, answer, '401 request_denied');
    if (reference !== grant.reference) return refused(grant, answer, '404 invalid_continuation');
    return state === 'approved' ? issued(now, grant, answer) : refused(grant, answer, '401 request_denied');
  }
  if (!isOpen || asks.interaction === 'finish') return refused(grant, answer, '401 request_denied');
  if (state === 'approved') return issued(now, grant, answer);
  if (now >= grant.interactionEnds) return refused(grant, answer, '401 request_denied');
  const isBare = !answer.token && !answer.subject && answer.continues;
  return answer.status === '200' && isBare ? { ...grant, answeredAt: now } : undefined;
}

function issued(now: number, grant: Grant, { status, token, subject, continues }: Answer): Grant | undefined {
  const { right, subject: asked } = grant.asks;
  const isWhole = (token !== undefined) === (right !== 'none') && (subject ?? false) === asked && continues;
  if (status !== '200' || !isWhole) return undefined;
  return { ...grant, state: 'issued', token: token && { ...token, ends: now + settings.tokenLife } };
}

function explainManagement(
  { now }: State,
  grant: Grant,
  { kind, token: shown }: Extract<Action, { kind: 'rotate' | 'revoke' }>,
  answer: Answer,
  isAlone: boolean,
): Grant | undefined {
  const { token, state } = grant;
  if (state !== 'issued' || !token || token.manage !== shown.manage || token.value !== shown.value) {
    // Made out while the token was good, and then it was not
    const cameTooLate = !isAlone && kind === 'rotate' && isRefusal(answer, '404 invalid_rotation');
    return cameTooLate ? grant : refused(grant, answer, '401 invalid_client');
  }
  if (kind === 'revoke') return answer.status === '204' ? { ...grant, token: undefined } : undefined;
  const fresh = answer.token;
  if (answer.status !== '200' || !fresh || fresh.value === token.value || fresh.manage === token.manage)
    return undefined;
  return { ...grant, token: { ...fresh, ends: now + settings.tokenLife } };
}
