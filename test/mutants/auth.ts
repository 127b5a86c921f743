/** Mutants of the authorization server: grant requests, continuation, tokens (RFC 9635 §2–6). */
import type { Mutant } from './mutant.ts';

export const authMutants: readonly Mutant[] = [
  {
    id: 'continuation.reference-unchecked',
    file: 'src/auth/continuation.ts',
    at: 'if («!matchesDigest(interactRef, grant.interaction?.interactRefDigest)») throw',
    by: 'false',
    fails: ['interaction.references-differ'],
  },
];
