/** The consent policy of an ASE (RFC 9635 §1.6; AS-92). Every policy decides through `Interactions`. */
import { formatQuery } from '../net/query.ts';
import type { Choice, InteractionView } from '../open-payments/interaction.ts';

/** `auto` and `deny` decide without a person, for tests; `manual` shows the consent page. */
export type ConsentPolicy = 'auto' | 'deny' | 'manual';

export interface ConsentDeps {
  readonly policy: () => ConsentPolicy;
  /** URL of the consent page. */
  readonly page: string;
}

export type ConsentAnswer = { readonly choice: Choice } | { readonly redirect: string };

/** The scripted decision; `ask` if a person decides. */
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

/** Called when a browser starts an interaction: returns the scripted decision or the URL of the consent page. */
export function createConsentPrompt({ policy, page }: ConsentDeps) {
  return async (view: InteractionView): Promise<ConsentAnswer> => {
    const choice = decideByScript(policy());
    return choice === 'ask' ? { redirect: createConsentUrl(page, view) } : { choice };
  };
}

/** The URL has the four query parameters that Rafiki's identity providers expect (AS-77). */
function createConsentUrl(page: string, view: InteractionView): string {
  const { interactionId: interactId, nonce, clientName, clientUri } = view;
  return `${page}?${formatQuery({ interactId, nonce, clientName, clientUri })}`;
}
