/** All mutants. */
import { authMutants } from './auth.ts';
import type { Mutant } from './mutant.ts';

export const mutants: readonly Mutant[] = [...authMutants];
