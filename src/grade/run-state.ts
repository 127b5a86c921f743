/**
 * Facts about a run that rows over several exchanges need: grants, tokens, resources. Each part observes every exchange
 * after the judges have seen it.
 */
import type { GradedExchange } from './graded-exchange.ts';

/** Parts are added to this interface, each in a file below `src/grade/state/`. */
export interface RunState {
  observe(exchange: GradedExchange): void;
}

export function createRunState(): RunState {
  return { observe() {} };
}
