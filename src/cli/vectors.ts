/** `touchstone vectors`: the files of test vectors, and what each of them contains. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';

const directory = join(import.meta.dirname, '..', '..', 'conformance', 'vectors');

export function printVectors(): void {
  if (!existsSync(directory)) throw new ConfigError('the vectors are in the npm package and in a checkout');
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.json'))) {
    const path = join(directory, file);
    const { about } = JSON.parse(readFileSync(path, 'utf8')) as { about: string };
    process.stdout.write(`${path}\n  ${about}\n`);
  }
}
