/** The committed ratios in `bench/figures.md`, and the comparison of a run with them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rafiki } from './rafiki.ts';
import type { Summary } from './run.ts';

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

/** CPU time of the floor, latency that half of the requests have, and times that Rafiki's CPU time is more. */
const targets = { ratio: 1.25, tail: 5, rafiki: 10 };

/** Operations without a token, which need not be so much cheaper than those of Rafiki. */
const isPublic = (operation: string): boolean => /^(wallet address|jwks\.json|public)/.test(operation);

/** One sentence for each target that an operation misses. A single run may be some per cent off. */
export function missedTargets(operation: string, ratio: number, { cpu, p50, p99 }: Summary): string[] {
  const times = rafiki[operation] && !isPublic(operation) ? rafiki[operation][0] / cpu : undefined;
  return [
    ...(ratio > targets.ratio ? [`${operation}: ${ratio.toFixed(2)} times the floor, more than ${targets.ratio}`] : []),
    ...(p99 > targets.tail * p50
      ? [`${operation}: p99 is ${(p99 / p50).toFixed(1)} times p50, more than ${targets.tail}`]
      : []),
    ...(times !== undefined && times < targets.rafiki
      ? [`${operation}: Rafiki takes ${times.toFixed(1)} times as much CPU time, less than ${targets.rafiki}`]
      : []),
  ];
}
