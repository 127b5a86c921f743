/**
 * All checks, in the order of their paths. Checks do not depend on each other; a fixed order makes runs reproducible.
 * Each file exports its checks as `checks`, so no list has to be maintained.
 */
import { readdirSync } from 'node:fs';
import type { Check } from '../runner/check.ts';

/** Paths of the files that hold checks, relative to this directory. */
export const checkFiles: readonly string[] = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\/.*(?<!\.d)\.[jt]s$/.test(path))
  .sort();

const modules: { readonly checks: readonly Check[] }[] = await Promise.all(
  checkFiles.map((path) => import(`./${path}`)),
);

export const checks: readonly Check[] = modules.flatMap((module, index) =>
  // The checks of Touchstone's own control API are reported apart from conformance.
  checkFiles[index]!.startsWith('touchstone/')
    ? module.checks.map((check) => ({ ...check, touchstone: true }))
    : module.checks,
);
