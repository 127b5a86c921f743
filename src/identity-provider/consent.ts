/** Consent: who decides is data, and every way leads through the same decision (RFC 9635 §1.6; AS-92). */
import type { Choice, InteractionView } from '../open-payments/interaction.ts';

/** `auto` and `deny` are scripts for tests; `manual` asks whoever sits at the browser. */
export type ConsentPolicy = 'auto' | 'deny' | 'manual';

export interface ConsentDeps {
  readonly policy: () => ConsentPolicy;
  /** URL of the consent page. */
  readonly page: string;
}

export type ConsentAnswer = { readonly choice: Choice } | { readonly redirect: string };

/** What the script says; `ask` if there is none. */
function decideByScript(policy: ConsentPolicy): Choice | 'ask' {
  switch (policy) {
    case 'auto':
      return 'accept';
    case 'deny':
      return 'reject';
    case 'manual':
      return 'ask';
  }
}

/** For the authorization server, when a browser begins an interaction: the script's choice or the page to ask at. */
export function createConsentPrompt({ policy, page }: ConsentDeps) {
  return async (view: InteractionView): Promise<ConsentAnswer> => {
    const choice = decideByScript(policy());
    return choice === 'ask' ? { redirect: createConsentUrl(page, view) } : { choice };
  };
}

/** With the four parameters that identity providers for Rafiki read (AS-77). */
function createConsentUrl(page: string, view: InteractionView): string {
  const { interactionId: interactId, nonce, clientName, clientUri } = view;
  return `${page}?${new URLSearchParams({ interactId, nonce, clientName, clientUri })}`;
}
