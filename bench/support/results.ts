/** Results of long runs in `bench/results.json`, which `make bench-plots` draws. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const file = join(import.meta.dirname, '..', 'results.json');

export interface Results {
  /** Pages of shared buffers for a request of each operation. */
  readonly size: readonly { readonly payments: number; readonly pages: Readonly<Record<string, number>> }[];
  /** Milliseconds from the time that a request was due. */
  readonly load: readonly { readonly rate: number; readonly p50: number; readonly p99: number }[];
}

export const readResults = (): Results =>
  existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { size: [], load: [] };

export function writeResults(part: Partial<Results>): void {
  writeFileSync(file, `${JSON.stringify({ ...readResults(), ...part }, null, 2)}\n`);
}
