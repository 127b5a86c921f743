/** Mutants of the locks that decide races for a grant, and of the conditions checked under them (LIM-01). */
import type { Mutant } from './mutant.ts';

/** Activated by test/auth/grant.race.test.ts, because a single client cannot detect them. */
export const grantRaceMutants: readonly Mutant[] = [
  {
    id: 'grant-races.continuation-without-lock',
    file: 'src/auth/grant.ts',
    at: "«selectGrant(db, grant.ase).where('id', '=', grant.id).forUpdate()»",
    by: "selectGrant(db, grant.ase).where('id', '=', grant.id)",
  },
  {
    id: 'grant-races.gone-grant-locked',
    file: 'src/auth/continuation.ts',
    at: 'const grant = await «lockGrant(tx, ase, grantId)»;',
    by: "lockGrant(tx, ase, grantId).then((grant) => { if (!grant) throw new Error('no row'); return grant; })",
  },
  {
    id: 'grant-races.interaction-without-lock',
    file: 'src/auth/grant.ts',
    at: '«selectOfInteraction(db, grant).forUpdate()»',
    by: 'selectOfInteraction(db, grant)',
  },
  {
    id: 'grant-races.renewed-token-is-good',
    file: 'src/auth/continuation.ts',
    at: 'const isStale = «!matchesDigest(token, grant?.continueDigest)»;',
    by: 'false',
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
    at: '{ ...«ended», interact_ref_digest: digestSecret(interactRef) }',
    by: 'undefined',
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
    at: 'if («!mayStart(grant, now)») return redirectUnstartable(grant, isStarter);',
    by: 'false',
  },
  {
    id: 'grant-races.decision-by-an-older-clock',
    file: 'src/auth/interaction.ts',
    at: "expectNonce(await «findGrantOfInteraction(tx, ase, id, 'for update')», nonce);\n        if (isRepeated",
    by: "(Object.assign(decision, { begunAt: clock.businessNow() }), findGrantOfInteraction(tx, ase, id, 'for update'))",
    also: [
      {
        file: 'src/auth/interaction.ts',
        at: 'const isExpired = hasExpired(grant, «clock.businessNow()»);\n        if (grant',
        by: '(decision as any).begunAt',
      },
    ],
  },
];
