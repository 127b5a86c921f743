/**
 * Deviations from weaker rules than the one that a check is about, such as the wording of a description. They are
 * collected while the check goes on, and judged by the level of the rows that they name.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface Deviation {
  readonly row: string;
  readonly message: string;
}

const current = new AsyncLocalStorage<Deviation[]>();

/** Runs a check. @returns the deviations that it collected */
export async function collectDeviations(work: () => Promise<void>): Promise<readonly Deviation[]> {
  const deviations: Deviation[] = [];
  await current.run(deviations, work);
  return deviations;
}

/** Makes an assertion about another row. Its failure does not end the check. */
export function assertFor(row: string, assertion: () => void): void {
  try {
    assertion();
  } catch (error) {
    const deviations = current.getStore();
    if (!deviations) throw error;
    deviations.push({ row, message: error instanceof Error ? error.message : String(error) });
  }
}
