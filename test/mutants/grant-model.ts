/** Mutants of the state machine of grants that the model over HTTP must detect (LIM-01); test/model activates them. */
import type { Mutant } from './mutant.ts';

export const grantModelMutants: readonly Mutant[] = [
  {
    id: 'grant-model.reference-used-again',
    file: 'src/auth/continuation.ts',
    at: "if («grant.state !== 'approved'») throw authProblem('grant_denied');\n  return issueApproved",
    by: 'false',
    also: [
      {
        file: 'src/auth/continuation.ts',
        at: "grantStore.update(grant, «transitionGrant(rotated, 'issue')», issued?.stored)",
        by: "{ ...rotated, state: 'issued' as const }",
      },
    ],
  },
  {
    id: 'grant-model.reference-given-again',
    file: 'src/auth/interaction.ts',
    at: 'finished: changeInteraction(«ended», { interactRefDigest',
    by: 'grant',
  },
  {
    id: 'grant-model.cancelled-continues',
    file: 'src/auth/continuation.ts',
    at: "grantStore.update(grant, «transitionGrant(grant, 'revoke')»)",
    by: 'grant',
  },
  {
    id: 'grant-model.wait-not-enforced',
    file: 'src/auth/continuation.ts',
    at: 'if (isOpen(grant) && «now < grant.continuedAt + grant.wait * 1000») throw',
    by: 'false',
  },
  {
    id: 'grant-model.rotated-token-works',
    file: 'src/auth/access-token.ts',
    at: 'changeManaged(db, managed, «columns»)',
    by: '{ ...columns, value_digest: undefined }',
  },
  {
    id: 'grant-model.expired-token-works',
    file: 'src/auth/caller.ts',
    at: ".where('t.expires_at', «'>'», token.now)",
    by: "'<>'",
  },
  {
    id: 'grant-model.decided-twice',
    file: 'src/auth/interaction.ts',
    at: "if («grant.state !== 'pending'» || isExpired) throw interactionProblem('interaction_closed');",
    by: "grant.state !== 'pending' && grant.state !== 'rejected'",
    also: [
      {
        file: 'src/auth/interaction.ts',
        at: "return «transitionGrant({ ...grant, access }, 'approve')»;",
        by: "{ ...grant, access, state: 'approved' as const }",
      },
    ],
  },
  {
    id: 'grant-model.decided-too-late',
    file: 'src/auth/interaction.ts',
    at: "if (grant.state !== 'pending' || «isExpired») throw interactionProblem('interaction_closed');",
    by: 'false',
  },
  {
    id: 'grant-model.start-after-decision',
    file: 'src/auth/interaction-redirect.ts',
    at: "const isOpen = «grant.state === 'pending'» && !hasExpired",
    by: "(grant.state === 'pending' || grant.state === 'approved')",
  },
];
