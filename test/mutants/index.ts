/** All mutants. */
import { authMutants } from './auth.ts';
import type { Mutant } from './mutant.ts';
import { pipelineMutants } from './pipeline.ts';
import { resourceMutants } from './resource.ts';
import { walletAddressMutants } from './wallet-address.ts';

export const mutants: readonly Mutant[] = [
  ...authMutants,
  ...pipelineMutants,
  ...resourceMutants,
  ...walletAddressMutants,
];
