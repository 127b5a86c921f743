/** The committed ratios in `bench/figures.md`, and the comparison of a run with them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const file = join(import.meta.dirname, '..', 'figures.md');

/** A ratio may be this much above the committed one: the noise of runs on a busy machine. */
export const MARGIN = 0.2;

/** Rows of the table under `## Ratio to the floor`: operation and ratio. */
export function readFigures(text = readFileSync(file, 'utf8')): Map<string, number> {
  const section = text.split('\n## Ratio to the floor\n')[1]?.split('\n## ')[0] ?? '';
  const rows = section.matchAll(/^\| ([^|]+?) \| ([\d.]+) \|/gm);
  return new Map([...rows].map(([, operation, ratio]) => [operation!, Number(ratio)]));
}

/** One sentence for each ratio that is more than the margin above its committed one, or has none. */
export function compareRatios(ratios: ReadonlyMap<string, number>, figures = readFigures()): string[] {
  return [...ratios].flatMap(([operation, ratio]) => {
    const committed = figures.get(operation);
    if (committed === undefined) return [`${operation}: bench/figures.md has no ratio`];
    const limit = committed * (1 + MARGIN);
    if (ratio <= limit) return [];
    return [
      `${operation}: ${ratio.toFixed(2)} times the floor, above ${committed} and the margin of ${MARGIN * 100} %`,
    ];
  });
}
