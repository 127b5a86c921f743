/** Chance that can be had again: the same seed makes the same choices, as far as these are made in the same order. */
import { createHash } from 'node:crypto';

export interface Chance {
  /** From `least` to `most`, both included. */
  integer(least: number, most: number): number;
  pick<T>(among: readonly T[]): T;
}

/** Draws of `seed` for one purpose, independent of those for others. */
export function createChance(seed: string, purpose: string): Chance {
  let drawn = 0;
  const integer = (least: number, most: number): number => {
    drawn += 1;
    const digest = createHash('sha256')
      .update(JSON.stringify([seed, purpose, drawn]))
      .digest();
    return least + (digest.readUInt32BE() % (most - least + 1));
  };
  return { integer, pick: (among) => among[integer(0, among.length - 1)]! };
}
