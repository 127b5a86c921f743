/**
 * The pages where a person decides (AS-85, AS-92, AS-93). With sign-in only the holder of all wallet addresses can
 * (AS-N05); without it, whoever has the link decides for the holder.
 */
import type { ConsentApiHandlers } from '../../generated/identity-provider/routes.ts';
import type { Clock } from '../clock.ts';
import { Problem } from '../errors.ts';
import { pageHeaders } from '../html/layout.ts';
import type { Call } from '../http/pipeline.ts';
import type { ReceivedRequest } from '../http/received-request.ts';
import type { Ids } from '../ids.ts';
import type { Interactions, InteractionView } from '../open-payments/interaction.ts';
import { type ReadAmounts, readAllowedAmounts } from './allowed-amounts.ts';
import { createFormToken, showsFormToken } from './form-token.ts';
import { type ButtonLabels, closedPage, consentPage, foreignHolderPage, signInPage } from './pages.ts';
import { LOCK_SECONDS, type SignIn } from './sign-in.ts';

export interface ConsentFormDeps {
  readonly ids: Pick<Ids, 'token'>;
  readonly clock: Pick<Clock, 'businessNow'>;
  /** Grant endpoint, with trailing slash; interactions are finished below it. */
  readonly authServer: string;
  readonly interactions: Interactions;
  /** Whose pages these are. */
  readonly provider: string;
  readonly labels?: ButtonLabels | undefined;
  /** Absent: nobody needs to sign in. */
  readonly signIn?: SignIn | undefined;
}

type Fields = Readonly<Record<string, string | undefined>>;

export function createConsentFormHandlers(deps: ConsentFormDeps) {
  const { ids, clock, authServer, interactions, provider, labels, signIn } = deps;

  const finishUrl = (id: string, nonce: string): string =>
    `${authServer}interact/${encodeURIComponent(id)}/${encodeURIComponent(nonce)}/finish`;

  const isOpen = ({ state, expiresAt }: InteractionView): boolean =>
    state === 'pending' && clock.businessNow() < expiresAt;

  const closed = ({ interactionId, nonce, finishUri }: InteractionView) => ({
    status: 400 as const,
    headers: pageHeaders(),
    body: closedPage(provider, finishUri === undefined ? undefined : finishUrl(interactionId, nonce)),
  });

  /** A page with a form, the form's cookie, and leave for the form to lead where it leads. */
  function show<Status extends number>(
    exchange: ReceivedRequest,
    { interactionId, nonce, finishUri }: InteractionView,
    status: Status,
    render: (frame: { interactId: string; nonce: string; csrf: string; provider: string }) => string,
  ) {
    const { value: csrf, cookie } = createFormToken(exchange, ids, interactionId);
    // The form leads to the authorization server, and from there to the client.
    const targets = [authServer, ...(finishUri === undefined ? [] : [finishUri])];
    return {
      status,
      headers: { ...pageHeaders(targets), 'Set-Cookie': cookie } as Record<string, string>,
      body: render({ interactId: interactionId, nonce, csrf, provider }),
    };
  }

  const showSignIn = <Status extends 200 | 403 | 429>(
    exchange: ReceivedRequest,
    view: InteractionView,
    status: Status,
    filled: { readonly account?: string; readonly mistake?: string } = {},
  ) => show(exchange, view, status, (frame) => signInPage({ ...frame, clientName: view.clientName, ...filled }));

  const showConsent = <Status extends 200 | 400>(
    exchange: ReceivedRequest,
    view: InteractionView,
    status: Status,
    filled: { readonly fields?: Fields; readonly mistakes?: ReadAmounts['mistakes'] } = {},
  ) => {
    const account = signIn?.readSession(exchange);
    return show(exchange, view, status, (frame) => consentPage({ ...frame, view, labels, account, ...filled }));
  };

  /** Whether the account may decide; anybody may where nobody signs in. */
  const holds = (id: string, nonce: string, account: string | undefined): Promise<boolean> =>
    interactions.read(id, nonce, account).then(
      () => true,
      (error) => {
        if (error instanceof Problem && error.code === 'foreign_holder') return false;
        throw error;
      },
    );

  const backToPage = (interactId: string, nonce: string, headers: Record<string, string> = {}) => ({
    status: 303 as const,
    headers: { ...headers, Location: `consent?${new URLSearchParams({ interactId, nonce })}` },
  });

  const expectFormToken = (exchange: ReceivedRequest, interactId: string, csrf: string | undefined): void => {
    if (!showsFormToken(exchange, interactId, csrf)) throw new Problem('foreign_form');
  };

  return {
    'get-consent': async ({ exchange }, { query: { interactId, nonce } }) => {
      const view = await interactions.read(interactId, nonce);
      if (!isOpen(view)) return closed(view);
      const account = signIn?.readSession(exchange);
      if (signIn && account === undefined) return showSignIn(exchange, view, 200);
      if (account !== undefined && !(await holds(interactId, nonce, account)))
        return show(exchange, view, 403, (frame) => foreignHolderPage(frame, account));
      return showConsent(exchange, view, 200);
    },

    'post-consent': async ({ exchange }, { body: { interactId, nonce, decision, holder, csrf, ...fields } }) => {
      expectFormToken(exchange, interactId, csrf);
      const account = signIn?.readSession(exchange);
      if (signIn && account === undefined) return backToPage(interactId, nonce);
      const view = await interactions.read(interactId, nonce, account);
      if (!isOpen(view)) return closed(view);
      const { limits, mistakes } = readAllowedAmounts(view.access, decision === 'accept' ? fields : {});
      if (mistakes.size > 0) return showConsent(exchange, view, 400, { fields, mistakes });
      await interactions.decide(interactId, nonce, { choice: decision, holder: signIn ? account : holder, limits });
      return { status: 303, headers: { Location: finishUrl(interactId, nonce) } };
    },

    'post-sign-in': async ({ exchange }, { body: { interactId, nonce, csrf, account: given, passphrase } }) => {
      if (!signIn) throw new Problem('not_found');
      expectFormToken(exchange, interactId, csrf);
      const view = await interactions.read(interactId, nonce);
      if (!isOpen(view)) return closed(view);
      const account = await signIn.authenticate(given, passphrase);
      if (account === 'locked') {
        const mistake = 'Too many wrong passphrases. Try again in a quarter of an hour.';
        const refused = showSignIn(exchange, view, 429, { account: given, mistake });
        return { ...refused, headers: { ...refused.headers, 'Retry-After': String(LOCK_SECONDS) } };
      }
      if (account === 'wrong') {
        return showSignIn(exchange, view, 403, { account: given, mistake: 'Account and passphrase do not match.' });
      }
      return backToPage(interactId, nonce, { 'Set-Cookie': signIn.openSession(exchange, account) });
    },

    'post-sign-out': async ({ exchange }, { body: { interactId, nonce, csrf } }) => {
      if (!signIn) throw new Problem('not_found');
      expectFormToken(exchange, interactId, csrf);
      return backToPage(interactId, nonce, { 'Set-Cookie': signIn.closeSession(exchange) });
    },
  } satisfies ConsentApiHandlers<Call<undefined>>;
}
