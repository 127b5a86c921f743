/** Mutants of the conditions that decide races for a grant (LIM-01). */
import type { Mutant } from './mutant.ts';

/** Activated by test/auth/grant.race.test.ts, because a single client cannot detect them. */
export const grantRaceMutants: readonly Mutant[] = [
  {
    id: 'grant-races.any-version',
    file: 'src/auth/grant-rows.ts',
    at: ".where(version, «'='», read)",
    by: "'is not'",
    also: [{ file: 'src/auth/grant-rows.ts', at: ".where(version, '=', «read»)", by: 'null' }],
  },
  {
    id: 'grant-races.not-repeated',
    file: 'src/auth/grant-store.ts',
    at: 'if («!(error instanceof GrantChanged)» ||',
    by: 'true',
  },
  {
    id: 'grant-races.gone-grant-expected',
    file: 'src/auth/continuation.ts',
    at: 'const grant = await «findGrantOfContinuation(db.query, ase, id)»;',
    by: "findGrantOfContinuation(db.query, ase, id).then((grant) => { if (!grant) throw new Error('no row'); return grant; })",
  },
  {
    id: 'grant-races.renewed-token-is-good',
    file: 'src/auth/continuation.ts',
    at: "if («!grant || !matchesDigest(token, grant.continueDigest) || grant.state === 'revoked'») {",
    by: "!grant || grant.state === 'revoked'",
  },
  {
    id: 'grant-races.rotation-of-any-value',
    file: 'src/auth/access-token.ts',
    at: ".where('manage_id', «'='», managedBy)",
    by: "'like'",
    also: [
      {
        file: 'src/auth/access-token.ts',
        at: ".where('manage_id', '=', «managedBy»)",
        by: "'%'",
      },
    ],
  },
  {
    id: 'grant-races.rotation-of-revoked',
    file: 'src/auth/access-token.ts',
    at: "managedBy)\n      .where(«'revoked_at'», 'is', null)",
    by: "'created_at'",
    also: [
      { file: 'src/auth/access-token.ts', at: "managedBy)\n      .where('revoked_at', «'is'», null)", by: "'is not'" },
    ],
  },
  {
    id: 'grant-races.rotation-keeps-value',
    file: 'src/auth/access-token.ts',
    at: 'changeManaged(db, managed, «columns»)',
    by: '{ ...columns, value_digest: undefined }',
  },
  {
    id: 'grant-races.token-without-grant',
    file: 'src/auth/caller.ts',
    at: ".where('g.finalization', «'='», 'issued')",
    by: "'like'",
    also: [{ file: 'src/auth/caller.ts', at: ".where('g.finalization', '=', «'issued'»)", by: "'%'" }],
  },
  {
    id: 'grant-races.session-stays',
    file: 'src/auth/interaction.ts',
    at: 'finished: changeInteraction(«ended», { interactRefDigest',
    by: 'grant',
  },
  {
    id: 'grant-races.session-for-all',
    file: 'src/auth/interaction-redirect.ts',
    at: 'if («!isSameBrowser») throw',
    by: 'false',
  },
  {
    id: 'grant-races.start-not-looked-at-again',
    file: 'src/auth/interaction-redirect.ts',
    at: 'if («!isOpen») return redirectUnstartable',
    by: 'false',
  },
  {
    id: 'grant-races.expired-poll-stores-nothing',
    file: 'src/auth/continuation.ts',
    at: 'await «grantStore.update(grant, grant)»;',
    by: 'undefined',
  },
  {
    id: 'grant-races.late-decision-stores-nothing',
    file: 'src/auth/interaction.ts',
    at: "if («grant.state === 'pending' && isExpired») await",
    by: 'false',
  },
];
