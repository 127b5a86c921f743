/**
 * Facts about a run that rows over several exchanges need: grants, tokens, resources. Each part observes every exchange
 * after the judges have seen it.
 */
import type { GradedExchange } from './graded-exchange.ts';
import { createGrants } from './state/grants.ts';
import { createNonces } from './state/nonces.ts';
import { createPointers } from './state/pointers.ts';
import { createReads } from './state/reads.ts';
import { createRepetitions } from './state/repetitions.ts';
import { createResources } from './state/resources.ts';
import { createSecrets } from './state/secrets.ts';
import { createSignatures } from './state/signatures.ts';
import { createTokens } from './state/tokens.ts';

/** Each part is in a file below `src/grade/state/`. */
const createParts = () => ({
  signatures: createSignatures(),
  grants: createGrants(),
  tokens: createTokens(),
  secrets: createSecrets(),
  resources: createResources(),
  repetitions: createRepetitions(),
  reads: createReads(),
  pointers: createPointers(),
  nonces: createNonces(),
});

export interface RunState extends Readonly<ReturnType<typeof createParts>> {
  observe(exchange: GradedExchange): void;
}

export function createRunState(): RunState {
  const parts = createParts();
  const all = Object.values(parts);
  return {
    ...parts,
    observe(exchange) {
      for (const part of all) part.observe(exchange);
    },
  };
}
