/** Mutants of interactions from start to finish (RFC 9635 §4.1.1, §4.2). */
import type { Mutant } from './mutant.ts';

const session = 'src/auth/interaction-session.ts';
const interaction = 'src/auth/interaction.ts';

export const interactionMutants: readonly Mutant[] = [
  {
    id: 'interaction.session-for-scripts',
    file: session,
    at: 'return «`${name}=${session}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`»;',
    by: '`${NAME}=${session}; Path=${pathname}; Max-Age=${seconds}; SameSite=Lax${secure}`',
    fails: ['interaction.start'],
  },
  {
    id: 'interaction.session-for-all-sites',
    file: session,
    at: 'return «`${name}=${session}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`»;',
    by: '`${NAME}=${session}; Path=${pathname}; Max-Age=${seconds}; HttpOnly${secure}`',
    fails: ['interaction.start'],
  },
  {
    id: 'interaction.one-session-for-all',
    file: session,
    at: 'return «`${name}=${session}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`»;',
    by: '`${NAME}=${session}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`',
    fails: ['interaction.parallel'],
  },
  {
    id: 'interaction.any-nonce',
    file: interaction,
    at: 'if (!grant || «!equalSecrets(nonce, grant.interaction.nonce)») throw',
    by: 'false',
    fails: ['interaction.unknown', 'interaction.without-session'],
  },
  {
    id: 'interaction.hash-without-the-server',
    file: interaction,
    at: 'serverNonce: «interaction.nonce»,',
    by: 'finish.nonce',
    fails: ['interaction.hash'],
  },
  {
    id: 'interaction.query-of-the-client-lost',
    file: interaction,
    at: 'headers: { Location: «uri + separator + added»,',
    by: "uri.replace(/[?].*/, '') + '?' + added",
    fails: ['interaction.hash'],
  },
  {
    id: 'interaction.any-browser-finishes',
    file: 'src/auth/interaction-redirect.ts',
    at: 'if («!isSameBrowser») throw',
    by: 'false',
    fails: ['interaction.without-session', 'interaction.finish-once'],
  },
  {
    id: 'interaction.session-outlives-the-finish',
    file: interaction,
    at: 'finished: changeInteraction(«ended», { interactRefDigest',
    by: 'grant',
    fails: ['interaction.finish-once'],
  },
  {
    id: 'interaction.browser-keeps-the-session',
    file: session,
    at: "closeSession = (url: string): string => openSession(url, '', «0»);",
    by: '600',
    fails: ['interaction.finish-once'],
  },
  {
    id: 'interaction.refusal-has-another-name',
    file: interaction,
    at: "{ result: «'grant_rejected'» }",
    by: "'user_denied'",
    fails: ['interaction.rejected'],
  },
  {
    id: 'interaction.script-never-refuses',
    file: 'src/identity-provider/consent.ts',
    at: "case 'deny':\n      return «'reject'»;",
    by: "'accept'",
    fails: ['interaction.rejected', 'interaction.rejected-poll'],
  },
];
