/**
 * For `node --import`: loads the sources with all mutants in them, and `globalThis.touchstoneMutant` names the active
 * one; or with only the mutant that the environment variable TOUCHSTONE_MUTANT names, active from the start.
 */
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mutants } from './index.ts';
import { instrument, type Mutant, placesOf } from './mutant.ts';

const active = process.env['TOUCHSTONE_MUTANT'];
if (active && !mutants.some(({ id }) => id === active)) throw new Error(`unknown mutant ${active}`);
globalThis.touchstoneMutant = active;

/** A place that the source no longer has must not keep the others from being tried; `main.ts` reports it. */
const staleMutants = new Map<string, string>();
globalThis.staleMutants = staleMutants;

const root = join(import.meta.dirname, '..', '..');
const cache = join(root, 'node_modules', '.cache', 'touchstone', 'mutants');
mkdirSync(cache, { recursive: true });
const instruments = ['register.ts', 'mutant.ts'].map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));

/** JavaScript of the source file with these mutants in it, in a file of the cache, because making it takes a second. */
function fileWithMutants(file: string, here: readonly Mutant[]): string {
  const path = join(root, file);
  const source = readFileSync(path, 'utf8');
  const key = hash('sha256', JSON.stringify([...instruments, file, source, here])).slice(0, 32);
  const cached = join(cache, `${key}.mjs`);
  if (existsSync(cached)) return cached;
  const present = here.filter((mutant) => {
    try {
      instrument(source, [mutant]);
      return true;
    } catch (error) {
      staleMutants.set(mutant.id, (error as Error).message);
      return false;
    }
  });
  const code = stripTypes(instrument(source, present))
    .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
    .replaceAll('import.meta.filename', JSON.stringify(path));
  if (code.includes('import.meta')) throw new Error(`${file}: import.meta would be that of the cached file`);
  const written = join(cache, `${key}.${process.pid}.mjs`);
  writeFileSync(written, code);
  // The next process looks for stale mutants again.
  if (present.length < here.length) return written;
  renameSync(written, cached);
  return cached;
}

/** Without the warning that the function is experimental, because a test may compare what a process prints. */
function stripTypes(code: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(code);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** URLs of the sources by those of the files with mutants, and the reverse. */
const sources = new Map<string, string>();
const replacements = new Map<string, string>();
const loaded = placesOf(mutants.filter(({ id }) => !active || id === active));
for (const [file, here] of Map.groupBy(loaded, (mutant) => mutant.file)) {
  const [source, replacement] = [join(root, file), fileWithMutants(file, here)].map((path) => pathToFileURL(path).href);
  sources.set(replacement!, source!);
  replacements.set(source!, replacement!);
}

registerHooks({
  resolve(specifier, context, nextResolve) {
    const parentURL = sources.get(context.parentURL ?? '') ?? context.parentURL;
    const resolved = nextResolve(specifier, { ...context, parentURL });
    const url = replacements.get(resolved.url);
    return url === undefined ? resolved : { ...resolved, url, format: 'module' };
  },
});

// Statements that were compiled under one mutant do not serve the next.
const { recompileStatements } = await import('../../src/database/statement.ts');
let current = active;
Object.defineProperty(globalThis, 'touchstoneMutant', {
  get: () => current,
  set(id: string | undefined) {
    current = id;
    recompileStatements();
  },
});
