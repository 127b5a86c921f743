/** Mutants of the answers to grant requests: consent, tokens and their access (RFC 9635 §3). */
import type { Mutant } from './mutant.ts';

const access = 'src/auth/access.ts';
const grantRequest = 'src/auth/grant-request.ts';
const server = 'src/auth/server.ts';
const token = 'src/auth/access-token.ts';

const needsNoConsent = {
  file: access,
  function: 'needsConsent',
  returns: 'false',
} as const;

export const grantAnswerMutants: readonly Mutant[] = [
  {
    id: 'grant.wallet-address-objects-unknown',
    file: 'src/auth/client-instance.ts',
    at: "if ('walletAddress' in client) return { walletAddress: «parseClientUrl(client.walletAddress)» };",
    by: "parseClientUrl('')",
    fails: ['grant.client-forms'],
  },
  {
    id: 'grant.name-cut-within-a-character',
    file: 'src/auth/client-instance.ts',
    at: "return «shown.replace(/\\p{Cs}$/u, '')»;",
    by: 'shown',
    test: 'test/auth/grant-request.test.ts',
    title: 'a long name is cut',
  },
  {
    id: 'grant.client-of-this-ase-has-no-name',
    file: grantRequest,
    at: 'const publicName = own ? «own.publicName» :',
    by: 'undefined',
    fails: ['grant.one-endpoint', 'grant.pending-answer'],
  },
  {
    id: 'grant.client-of-this-ase-is-asked-over-http',
    file: grantRequest,
    at: 'const own = «hosted.get(client.walletAddress)»;',
    by: 'undefined',
    test: 'test/auth/grant-request.test.ts',
    title: 'hosted here',
  },
  {
    id: 'grant.jwk-of-any-name',
    file: 'src/auth/client-instance.ts',
    at: 'if («client.jwk.kid !== keyid») throw',
    by: 'false',
    fails: ['grant.jwk-other-kid'],
  },
  {
    id: 'grant.jwk-of-another-name-is-no-client',
    file: 'src/auth/client-instance.ts',
    at: "const isWrongKid = «'jwk' in client && error instanceof ClientKeyError && error.code === 'key_not_found'»;",
    by: 'false',
    fails: ['grant.jwk-other-kid'],
  },
  {
    id: 'grant.consent-never-due',
    ...needsNoConsent,
    fails: ['grant.one-endpoint', 'grant.outgoing-read-needs-consent', 'grant.list-all-needs-consent', 'grant.mixed'],
  },
  {
    id: 'grant.consent-always-due',
    ...needsNoConsent,
    returns: 'true',
    fails: ['grant.incoming-needs-none', 'grant.quote-needs-none', 'continuation.nothing-left'],
  },
  {
    id: 'grant.list-all-always-needs-consent',
    file: access,
    at: "(«consentForListAll» && item.type === 'incoming-payment' && item.actions.includes('list-all')) ||",
    by: 'true',
    fails: ['grant.list-all-without-consent'],
  },
  {
    id: 'grant.consent-for-nothing-more',
    ...needsNoConsent,
    returns:
      "item.type === 'outgoing-payment' || (item.type === 'incoming-payment' && item.actions.includes('list-all'))",
    fails: ['grant.consent-for-all'],
  },
  {
    id: 'grant.subject-without-consent',
    file: grantRequest,
    at: 'const interactive = «subject !== undefined || requested.access.some((item) => needsConsent(item, deps.grants))»;',
    by: 'requested.access.some((item) => needsConsent(item, deps.grants))',
    fails: ['grant.subject-needs-consent', 'continuation.subject'],
  },
  {
    id: 'grant.manage-url-holds-token',
    file: token,
    at: 'manage: `${authServer}token/${«manageId»}`',
    by: 'value',
    fails: ['grant.token-answer'],
  },
  {
    id: 'grant.token-lives-an-hour',
    file: token,
    at: 'const { tokenSeconds = «600» } =',
    by: '3600',
    fails: ['grant.token-answer'],
  },
  {
    id: 'grant.limits-not-shown',
    file: access,
    at: "if (item.type !== 'quote') return «item»;",
    by: '{ type: item.type, actions: item.actions, identifier: item.identifier }',
    fails: ['grant.limits-echoed'],
  },
  {
    id: 'grant.nonce-only-with-finish',
    file: grantRequest,
    at: 'finish: «interaction.nonce»,',
    by: "finish ? interaction.nonce : 'none'",
    fails: ['grant.pending-answer'],
  },
  {
    id: 'grant.wait-by-default',
    file: grantRequest,
    at: 'const { waitSeconds = «0», interactionSeconds',
    by: '5',
    from: 'founding',
    fails: ['grant.wait-by-default'],
  },
  {
    id: 'grant.wait-of-the-operator-ignored',
    file: grantRequest,
    at: 'wait: «waitSeconds»,',
    by: '0',
    fails: ['grant.wait-by-default', 'continuation.wait'],
  },
  {
    id: 'grant.unknown-limits-shown',
    file: access,
    at: "...(debitAmount !== undefined && «{ debitAmount: parseLimitAmount('debitAmount', debitAmount) }»),",
    by: "{ ...unknown, debitAmount: parseLimitAmount('debitAmount', debitAmount) }",
    fails: ['grant.unknown-limits'],
  },
  {
    id: 'grant.unknown-limits-taken',
    file: access,
    at: "if («switches.unknownLimitMembers === 'refuse' && Object.keys(unknown).length > 0») {",
    by: 'false',
    fails: ['grant.unknown-limits'],
  },
  {
    id: 'grant.quote-identifier-shown',
    file: access,
    at: 'return «{ type: item.type, actions: item.actions }»;',
    by: 'item',
    fails: ['grant.quote-identifier'],
  },
  {
    id: 'grant.quote-identifier-dropped',
    file: access,
    at: "case 'quote':\n      return «{ type: item.type, actions: item.actions, ...scope }»;",
    by: '{ type: item.type, actions: item.actions }',
    fails: ['grant.quote-identifier'],
  },
  {
    id: 'grant.quote-identifier-taken-by-strict',
    file: server,
    at: "validateRequest: «deps.switches.quoteIdentifier === 'accept'» ?",
    by: 'true',
    from: 'founding',
    fails: ['grant.quote-identifier'],
  },
  {
    id: 'grant.request-not-tolerant',
    file: server,
    at: "headers: «request.body === undefined ? { ...headers, 'content-type': 'application/json' } : headers»,",
    by: "Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, name === 'content-type' && /charset/.test(String(value)) ? 'text/plain' : value]))",
    fails: ['grant.tolerance'],
  },
  {
    id: 'grant.identifier-needed',
    file: 'src/resource/caller.ts',
    at: '(«item.identifier === undefined» ||',
    by: 'false',
    fails: ['grant.identifier-scopes'],
  },
  {
    id: 'grant.tokens-of-all-ases',
    file: 'src/auth/caller.ts',
    at: ".where('t.ase', '=', «token.ase»)\n    .where('t.value_digest'",
    by: "(eb) => eb.ref('t.ase')",
    fails: ['grant.foreign-token'],
  },
];
