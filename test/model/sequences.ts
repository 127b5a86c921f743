/** Runs of a model: which sequences, and what they saw. */

export interface Range {
  readonly sequences: number;
  readonly seed: number;
  /** Number of the first sequence; default 1. */
  readonly from?: number;
  /** The first sequence that the model cannot explain is reported as it is, instead of made as short as possible. */
  readonly asFound?: boolean;
}

/** How often each kind of request was answered in which way; a group of n requests at once counts as `n at once`. */
export type Figures = Map<string, Map<string, number>>;

export interface Run {
  /** Number of the last sequence that ran. */
  readonly last: number;
  readonly seed: number;
  /** The sequence that the model cannot explain, and what came back. */
  readonly failure: string | undefined;
  readonly figures: Figures;
}

export function count(figures: Figures, kind: string, how: string): void {
  const ways = figures.get(kind) ?? new Map<string, number>();
  figures.set(kind, ways.set(how, (ways.get(how) ?? 0) + 1));
}

/** The parameters of `fc.check` for this range. */
export const parametersFor = ({ sequences, seed, from = 1, asFound = false }: Range) => ({
  numRuns: sequences,
  seed,
  endOnFailure: asFound,
  ...(from > 1 && { path: String(from - 1) }),
});
