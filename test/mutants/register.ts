/**
 * For `node --import`: loads the sources with all mutants in them, and `globalThis.touchstoneMutant` names the active
 * one; or with only the mutant that the environment variable TOUCHSTONE_MUTANT names, active from the start.
 */
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mutants } from './index.ts';
import { instrument, type Mutant, placesOf } from './mutant.ts';

const active = process.env['TOUCHSTONE_MUTANT'];
if (active && !mutants.some(({ id }) => id === active)) throw new Error(`unknown mutant ${active}`);
globalThis.touchstoneMutant = active;

const root = join(import.meta.dirname, '..', '..');
const byUrl = new Map<string, Mutant[]>();
for (const mutant of placesOf(mutants.filter(({ id }) => !active || id === active))) {
  const url = pathToFileURL(join(root, mutant.file)).href;
  byUrl.set(url, [...(byUrl.get(url) ?? []), mutant]);
}

/** A place that the source no longer has must not keep the others from being tried; `main.ts` reports it. */
const staleMutants = new Map<string, string>();
globalThis.staleMutants = staleMutants;

function load(url: string, here: readonly Mutant[]): [url: string, source: string] {
  const source = readFileSync(new URL(url), 'utf8');
  const present = here.filter((mutant) => {
    try {
      instrument(source, [mutant]);
      return true;
    } catch (error) {
      staleMutants.set(mutant.id, (error as Error).message);
      return false;
    }
  });
  return [url, instrument(source, present)];
}

register(
  `data:text/javascript,${encodeURIComponent(`
    const sources = new Map();
    export const initialize = (entries) => { for (const [url, source] of entries) sources.set(url, source); };
    export const load = (url, context, nextLoad) => sources.has(url)
      ? { format: 'module-typescript', shortCircuit: true, source: sources.get(url) }
      : nextLoad(url, context);
  `)}`,
  { data: [...byUrl].map(([url, here]) => load(url, here)) },
);
