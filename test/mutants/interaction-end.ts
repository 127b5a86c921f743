/** Mutants of the decision and the end of interactions (RFC 9635 §4). */
import type { Mutant } from './mutant.ts';

const interaction = 'src/auth/interaction.ts';

/** Answers HEAD like GET, with all of its effects. */
const headAsGet = {
  file: 'src/http/router.ts',
  at: "(route.method === 'GET' && method === 'HEAD' && «!policyOf(route).changes»);",
  by: 'true',
} as const;

export const interactionEndMutants: readonly Mutant[] = [
  {
    id: 'interaction.client-by-the-query',
    file: 'src/auth/interaction-redirect.ts',
    at: 'const answer = await promptConsent(«viewInteraction(grant)»);',
    by: "{ ...viewInteraction(grant), clientName: new URL(call.exchange.targetUri).searchParams.get('clientName') ?? '' }",
    fails: ['interaction.identity-provider'],
  },
  {
    id: 'interaction.identity-provider-not-told-who-asks',
    file: 'src/identity-provider/consent.ts',
    at: '} = «view»;\n  return `${page}?',
    by: "{ ...view, clientUri: '' }",
    fails: ['interaction.identity-provider'],
  },
  {
    id: 'interaction.anybody-decides',
    file: 'src/identity-provider/server.ts',
    at: 'if («!equalSecrets(secret, deps.secret)») throw',
    by: 'false',
    fails: ['interaction.forged-decision'],
  },
  { id: 'interaction.head-is-get', ...headAsGet, fails: ['interaction.head', 'interaction.head-consents-to-nothing'] },
  {
    id: 'interaction.any-holder',
    file: interaction,
    at: "return «choice === 'reject'» || holder",
    by: 'true',
    fails: ['interaction.foreign-holder'],
  },
  {
    id: 'interaction.undecided-is-rejected',
    file: interaction,
    at: "isExpired ? expired : { result: «'grant_invalid'» }",
    by: "'grant_rejected'",
    fails: ['interaction.ends-undecided'],
  },
  {
    id: 'interaction.undecided-without-a-finish-is-unknown',
    file: interaction,
    at: "case 'pending':\n      if (!finish) throw interactionProblem(«'interaction_closed'»);",
    by: "'unknown_interaction'",
    fails: ['interaction.ends-undecided', 'interaction.ends-expired'],
  },
  {
    id: 'interaction.revoked-is-rejected',
    file: interaction,
    at: "{ result: «'unknown_interaction'» }",
    by: "'grant_rejected'",
    fails: ['interaction.ends-revoked'],
  },
  {
    id: 'interaction.never-expires',
    file: interaction,
    function: 'hasExpired',
    returns: 'false',
    fails: ['interaction.ends-expired', 'interaction.expired'],
  },
  {
    id: 'interaction.expires-a-second-early',
    file: interaction,
    function: 'hasExpired',
    returns: 'now + 1000 >= grant.interaction.expiresAt',
    fails: ['interaction.ends-expired'],
  },
  {
    id: 'interaction.expired-says-nothing',
    file: interaction,
    at: "const expired = { result: 'invalid_interaction', message: «'interaction expired'» };",
    by: "''",
    from: 'loading',
    fails: ['interaction.ends-expired'],
  },
  {
    id: 'interaction.hash-of-other-lines',
    file: 'src/open-payments/interaction-hash.ts',
    at: ".join(«'\\n'»)",
    by: "'\\r\\n'",
    fails: ['interaction.published-vector'],
  },
  {
    id: 'interaction.hash-in-one-encoding',
    file: 'src/open-payments/interaction-hash.ts',
    at: '.digest(«encoding»);',
    by: "'base64'",
    fails: ['interaction.published-vector'],
  },
];
