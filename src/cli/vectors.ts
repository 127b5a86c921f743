/** `touchstone vectors`: the files of test vectors, and what each of them contains. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';

/** The bundle of the package is in `dist/src`. */
const root = join(import.meta.dirname, import.meta.filename.endsWith('.js') ? '..' : '../..');
const directory = join(root, 'conformance', 'vectors');

export function printVectors(): void {
  if (!existsSync(directory)) throw new ConfigError('the vectors are in the npm package and in a checkout');
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.json'))) {
    const path = join(directory, file);
    const { about } = JSON.parse(readFileSync(path, 'utf8')) as { about: string };
    process.stdout.write(`${path}\n  ${about}\n`);
  }
}
