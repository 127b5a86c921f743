/** The consent page and its form: the decision by hand (AS-85, AS-92, AS-93). It knows no passwords: whoever has the link decides. */
import type { ConsentApiHandlers } from '../../generated/identity-provider/routes.ts';
import { type Exchange, headerLines } from '../http/exchange.ts';
import type { Call } from '../http/pipeline.ts';
import { Problem } from '../http/problem.ts';
import { equalSecrets } from '../http/secret-digest.ts';
import type { Ids } from '../ids.ts';
import type { Interactions } from './interactions.ts';
import { type ButtonLabels, consentPage, pageHeaders } from './page.ts';

export interface ConsentFormDeps {
  readonly ids: Pick<Ids, 'token'>;
  /** Grant endpoint, with trailing slash; interactions are finished below it. */
  readonly authServer: string;
  readonly interactions: Interactions;
  readonly labels?: ButtonLabels;
}

export function createConsentFormHandlers({ ids, authServer, interactions, labels }: ConsentFormDeps) {
  return {
    'get-consent': async ({ exchange }, { query: { interactId, nonce } }) => {
      const view = await interactions.read(interactId, nonce);
      if (view.state !== 'pending') throw new Problem('interaction_closed');
      const csrf = ids.token();
      // The form leads to the authorization server, and from there to the client.
      const targets = [authServer, ...(view.finishUri === undefined ? [] : [view.finishUri])];
      return {
        status: 200,
        headers: { ...pageHeaders(targets), 'Set-Cookie': createFormCookie(exchange, interactId, csrf) },
        body: consentPage(view, csrf, labels),
      };
    },

    'post-consent': async ({ exchange }, { body: { interactId, nonce, decision, holder, csrf } }) => {
      if (!showsFormCookie(exchange, interactId, csrf)) throw new Problem('foreign_form');
      await interactions.decide(interactId, nonce, decision, holder);
      const interaction = `${authServer}interact/${encodeURIComponent(interactId)}/${encodeURIComponent(nonce)}`;
      return { status: 303, headers: { Location: `${interaction}/finish` } };
    },
  } satisfies ConsentApiHandlers<Call<undefined>>;
}

const cookieName = (interactId: string): string => `consent_${encodeURIComponent(interactId)}`;

/** The form's value once more in a cookie, which another site cannot know; one for each interaction. */
function createFormCookie(exchange: Exchange, interactId: string, csrf: string): string {
  const { protocol, pathname } = new URL(exchange.targetUri);
  const secure = protocol === 'https:' ? '; Secure' : '';
  return `${cookieName(interactId)}=${csrf}; Path=${pathname}; Max-Age=3600; HttpOnly; SameSite=Strict${secure}`;
}

function showsFormCookie(exchange: Exchange, interactId: string, csrf: string | undefined): boolean {
  if (csrf === undefined || csrf === '') return false;
  return headerLines(exchange, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim().split('='))
    .some(([name, value]) => name === cookieName(interactId) && equalSecrets(value, csrf));
}
