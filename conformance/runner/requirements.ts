/** The requirements: one YAML file per section, one entry per row. */
import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';

/** Strongest first. */
export const levels = ['must', 'should', 'compat', 'policy', 'optional', 'note'] as const;
/**
 * - `must`, `should`, `optional`: the words of RFC 2119 in a specification;
 * - `compat`: clients in use rely on it;
 * - `policy`: the specifications leave it open, and this project decides it;
 * - `note`: explains something and demands nothing.
 */
export type Level = (typeof levels)[number];

export interface Requirement {
  readonly id: string;
  readonly level: Level;
  readonly statement: string;
  /** Citations or URLs; `linkTo` makes each a link. */
  readonly references: readonly string[];
  /** A test file of the project that covers the row, where no request can. */
  readonly test?: string;
}

const directory = new URL('../requirements/', import.meta.url);

/** All rows, in the order of the files. */
export function readRequirements(from: URL = directory): Requirement[] {
  const files = readdirSync(from)
    .filter((name) => name.endsWith('.yaml'))
    .sort();
  return files.flatMap((name) => load(readFileSync(new URL(name, from), 'utf8')) as Requirement[]);
}
