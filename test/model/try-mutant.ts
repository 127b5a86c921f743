/**
 * Breaks one rule after the other and runs a model until it cannot explain what it sees. A sequence that notices a
 * mutant is stored by its number, so that it is found again without a search.
 */
import type { Mutant } from '../mutants/mutant.ts';
import storedSequences from './noticed-in.json' with { type: 'json' };
import type { Range, Run } from './sequences.ts';

export interface Trial {
  readonly id: string;
  /** Number of the sequence that noticed the mutant; undefined if it survived. */
  readonly noticedIn: number | undefined;
  /** Why it survived, if its place in the source is missing. */
  readonly stale: string | undefined;
}

/** The seed that the stored numbers belong to. */
const SEED_OF_STORED = 9635;

const storedFor = (id: string, seed: number): number | undefined =>
  seed === SEED_OF_STORED ? (storedSequences as Readonly<Record<string, number>>)[id] : undefined;

interface TrialOptions {
  readonly sequences: number;
  /** Default: the seed that sequences are stored for. */
  readonly seed?: number;
  /** How often a sequence must notice the mutant, because of requests at once that come in any order. Default 1. */
  readonly times?: number;
}

/** Searches up to `sequences` sequences if the stored one no longer notices the mutant. */
export async function tryMutant(
  { id }: Mutant,
  run: (range: Range) => Promise<Run>,
  { sequences, seed = SEED_OF_STORED, times = 1 }: TrialOptions,
): Promise<Trial> {
  const search = async (from: number, last: number): Promise<number | undefined> => {
    const found = from > last ? undefined : await run({ from, sequences: last - from + 1, seed, asFound: true });
    if (found?.failure === undefined) return undefined;
    for (let time = 1; time < times; time += 1) {
      const again = await run({ from: found.last, sequences: 1, seed, asFound: true });
      if (again.failure === undefined) return search(found.last + 1, last);
    }
    return found.last;
  };
  const stale = globalThis.staleMutants.get(id);
  if (stale !== undefined) return { id, noticedIn: undefined, stale };
  const stored = storedFor(id, seed);
  globalThis.touchstoneMutant = id;
  try {
    return { id, noticedIn: (stored && (await search(stored, stored))) ?? (await search(1, sequences)), stale };
  } finally {
    globalThis.touchstoneMutant = undefined;
  }
}
