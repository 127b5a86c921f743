/** The requirement catalogue: one YAML file per section, one entry per row. */

import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';

export const levels = ['M', 'S', 'C', 'P', 'O', '-'] as const;
/** must, should, compatibility, policy, optional, note. */
export type Level = (typeof levels)[number];

export interface Requirement {
  readonly id: string;
  readonly level: Level;
  readonly statement: string;
  readonly reference: string;
  /** A test file of the project that shows it, where no request can. */
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
