/** All properties, in the order of their files. Each file exports its checks as `checks`. */
import { readdirSync } from 'node:fs';
import type { Check } from '../runner/check.ts';

const files = readdirSync(import.meta.dirname)
  .filter((name) => /(?<!\.d)\.[jt]s$/.test(name) && !name.startsWith('index.'))
  .sort();

const modules: { readonly checks: readonly Check[] }[] = await Promise.all(files.map((name) => import(`./${name}`)));

export const properties: readonly Check[] = modules.flatMap(({ checks }) => checks);
