/**
 * The pages where a person decides (AS-85, AS-92, AS-93). With sign-in only the holder of all wallet addresses can
 * (AS-N05). Without it, anyone with the link can consent on behalf of the holder.
 */

import type { ConsentApiHandlers } from '../../generated/identity-provider/routes.ts';
import type { Clock } from '../clock.ts';
import { digestSecret } from '../crypto/secret-digest.ts';
import { Problem } from '../errors.ts';
import { type FormTarget, pageHeaders } from '../html/layout.ts';
import type { ReceivedRequest } from '../http/received-request.ts';
import type { Call } from '../http/server.ts';
import type { Ids } from '../ids.ts';
import { formatQuery } from '../net/query.ts';
import type { Decision, Interactions, InteractionView } from '../open-payments/interaction.ts';
import { type ParsedAmounts, parseAllowedAmounts } from './allowed-amounts.ts';
import { createFormToken, createTicket, hasFormToken, isFromOwnPage } from './form-token.ts';
import { type ButtonLabels, closedPage, consentPage, foreignHolderPage, type PageFrame, signInPage } from './pages.ts';
import { LOCK_SECONDS, type Session, type SignIn } from './sign-in.ts';

export interface ConsentFormDeps {
  readonly ids: Pick<Ids, 'token'>;
  readonly clock: Pick<Clock, 'businessNow'>;
  /** Grant endpoint, with trailing slash; interactions are finished below it. */
  readonly authServer: string;
  readonly interactions: Interactions;
  /** Name of the identity provider, shown on each page. */
  readonly provider: string;
  readonly labels?: ButtonLabels | undefined;
  /** Key that signs form tokens. */
  readonly secret: string;
  /** If absent, no sign-in is required. */
  readonly signIn?: SignIn | undefined;
}

const finishUrl = (authServer: string, id: string, nonce: string, ticket: string | undefined): string => {
  const query = ticket === undefined ? '' : `?${formatQuery({ ticket })}`;
  return `${authServer}interact/${encodeURIComponent(id)}/${encodeURIComponent(nonce)}/finish${query}`;
};

const isOpen = ({ clock }: ConsentFormDeps, { state, expiresAt }: InteractionView): boolean =>
  state === 'pending' && clock.businessNow() < expiresAt;

const formPage = (interactId: string, session: Session | undefined) => ({ interactId, session: session?.id ?? '' });

/** For a decided request the link back holds the ticket, which is worth something in the browser that decided. */
function showClosed(
  deps: ConsentFormDeps,
  exchange: ReceivedRequest,
  view: InteractionView,
  session: Session | undefined,
) {
  const { interactionId, nonce, finishUri } = view;
  const hasExpired = view.state === 'pending' && !isOpen(deps, view);
  const ticket = hasExpired ? undefined : createTicket(exchange, deps, formPage(interactionId, session));
  const returnUrl = finishUri === undefined ? undefined : finishUrl(deps.authServer, interactionId, nonce, ticket);
  return { status: 400 as const, headers: pageHeaders(), body: closedPage(deps.provider, returnUrl) };
}

/** A page with a form, and the form's cookie. */
function showForm<Status extends number>(
  deps: ConsentFormDeps,
  exchange: ReceivedRequest,
  { interactionId, nonce }: InteractionView,
  status: Status,
  session: Session | undefined,
  render: (frame: PageFrame) => string,
  target: FormTarget = 'self',
) {
  const { value: csrf, cookie } = createFormToken(exchange, deps, formPage(interactionId, session));
  return {
    status,
    headers: { ...pageHeaders(target), 'Set-Cookie': cookie } as Record<string, string>,
    body: render({ interactId: interactionId, nonce, csrf, provider: deps.provider }),
  };
}

const showSignIn = <Status extends 200 | 403 | 429>(
  deps: ConsentFormDeps,
  exchange: ReceivedRequest,
  view: InteractionView,
  status: Status,
  submitted: { readonly account?: string; readonly mistake?: string } = {},
) =>
  showForm(deps, exchange, view, status, undefined, (frame) =>
    signInPage({ ...frame, clientName: view.clientName, ...submitted }),
  );

function showConsent<Status extends 200 | 400>(
  deps: ConsentFormDeps,
  exchange: ReceivedRequest,
  view: InteractionView,
  status: Status,
  session: Session | undefined,
  submitted: {
    readonly fields?: Readonly<Record<string, string | undefined>>;
    readonly mistakes?: ParsedAmounts['mistakes'];
  } = {},
) {
  const render = (frame: PageFrame) =>
    consentPage({ ...frame, view, labels: deps.labels, account: session?.account, ...submitted });
  return showForm(deps, exchange, view, status, session, render, 'elsewhere');
}

/** True if the account holds every wallet address of the request. */
const isHolder = ({ interactions }: ConsentFormDeps, id: string, nonce: string, account: string): Promise<boolean> =>
  interactions.read(id, nonce, account).then(
    () => true,
    (error) => {
      if (error instanceof Problem && error.code === 'foreign_holder') return false;
      throw error;
    },
  );

const redirectToConsent = (interactId: string, nonce: string, headers: Record<string, string> = {}) => ({
  status: 303 as const,
  headers: { ...headers, Location: `consent?${formatQuery({ interactId, nonce })}` },
});

/** Throws `foreign_form` if a page of another origin submits the form, or this session was not shown it. */
function checkForm(
  deps: ConsentFormDeps,
  exchange: ReceivedRequest,
  { interactId, csrf }: { readonly interactId: string; readonly csrf?: string | undefined },
  session?: Session,
): void {
  checkOrigin(exchange);
  if (!hasFormToken(exchange, deps, formPage(interactId, session), csrf)) throw new Problem('foreign_form');
}

function checkOrigin(exchange: ReceivedRequest): void {
  if (!isFromOwnPage(exchange)) throw new Problem('foreign_form');
}

/** False if another decision came first. */
const decide = (interactions: Interactions, id: string, nonce: string, decision: Decision): Promise<boolean> =>
  interactions.decide(id, nonce, decision).then(
    () => true,
    (error) => {
      if (error instanceof Problem && ['interaction_closed', 'user_denied'].includes(error.code)) return false;
      throw error;
    },
  );

const refusals = {
  locked: ['Too many wrong passphrases. Try again in 15 minutes.', LOCK_SECONDS],
  busy: ['Too many people are signing in. Try again in a moment.', 5],
} as const;

export function createConsentFormHandlers(deps: ConsentFormDeps) {
  const { authServer, interactions, signIn } = deps;
  return {
    'get-consent': async ({ exchange }, { query: { interactId, nonce } }) => {
      const view = await interactions.read(interactId, nonce);
      const session = await signIn?.findSession(exchange);
      if (!isOpen(deps, view)) return showClosed(deps, exchange, view, session);
      if (signIn && session === undefined) return showSignIn(deps, exchange, view, 200);
      if (session !== undefined && !(await isHolder(deps, interactId, nonce, session.account)))
        return showForm(deps, exchange, view, 403, session, (frame) => foreignHolderPage(frame, session.account));
      return showConsent(deps, exchange, view, 200, session);
    },

    'post-consent': async ({ exchange }, { body: { interactId, nonce, decision, holder, csrf, ...fields } }) => {
      const session = await signIn?.findSession(exchange);
      checkOrigin(exchange);
      // Signed out since the page was shown, perhaps in another tab.
      if (signIn && session === undefined) return redirectToConsent(interactId, nonce);
      checkForm(deps, exchange, { interactId, csrf }, session);
      const view = await interactions.read(interactId, nonce, session?.account);
      const { limits, mistakes } = parseAllowedAmounts(view.access, decision === 'accept' ? fields : {});
      if (mistakes.size > 0 && isOpen(deps, view))
        return showConsent(deps, exchange, view, 400, session, { fields, mistakes });
      const ticket = createTicket(exchange, deps, formPage(interactId, session))!;
      const decided = {
        choice: decision,
        holder: signIn ? session?.account : holder,
        ticketDigest: digestSecret(ticket),
        limits,
      };
      if (!(await decide(interactions, interactId, nonce, decided))) return showClosed(deps, exchange, view, session);
      return { status: 303, headers: { Location: finishUrl(authServer, interactId, nonce, ticket) } };
    },

    'post-sign-in': async ({ exchange }, { body: { interactId, nonce, csrf, account: name, passphrase } }) => {
      if (!signIn) throw new Problem('not_found');
      checkForm(deps, exchange, { interactId, csrf });
      const view = await interactions.read(interactId, nonce);
      if (!isOpen(deps, view)) return showClosed(deps, exchange, view, undefined);
      const outcome = await signIn.authenticate(name, passphrase, exchange.remoteAddress);
      if (outcome === 'locked' || outcome === 'busy') {
        const [mistake, seconds] = refusals[outcome];
        const page = showSignIn(deps, exchange, view, 429, { account: name, mistake });
        return { ...page, headers: { ...page.headers, 'Retry-After': String(seconds) } };
      }
      if (outcome === 'wrong') {
        const mistake = 'Account and passphrase do not match.';
        return showSignIn(deps, exchange, view, 403, { account: name, mistake });
      }
      return redirectToConsent(interactId, nonce, {
        'Set-Cookie': await signIn.openSession(exchange, outcome.account),
      });
    },

    'post-sign-out': async ({ exchange }, { body: { interactId, nonce, csrf } }) => {
      if (!signIn) throw new Problem('not_found');
      const session = await signIn.findSession(exchange);
      checkOrigin(exchange);
      if (session === undefined) return redirectToConsent(interactId, nonce);
      checkForm(deps, exchange, { interactId, csrf }, session);
      return redirectToConsent(interactId, nonce, { 'Set-Cookie': await signIn.closeSession(exchange) });
    },
  } satisfies ConsentApiHandlers<Call<undefined>>;
}
