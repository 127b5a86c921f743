/** Dredd in a run: its verdict on each declared answer is a result like that of a check. A checkout has it. */
import { existsSync } from 'node:fs';
import type { CheckResult } from './check.ts';

/** One declared answer that Dredd tries. */
export interface Transaction extends Pick<CheckResult, 'id' | 'rows' | 'title'> {
  readonly operation: string;
  readonly status: number;
}

export interface Dredd {
  readonly transactions: readonly Transaction[];
  /** Installs its packages if they are missing. Throws an error of one sentence. */
  install(): void;
  /** Tries these answers in the world that the variables name. */
  tryAll(variables: Readonly<Record<string, string>>, transactions: readonly Transaction[]): Promise<CheckResult[]>;
}

/** Undefined in the package, which does not contain Dredd. */
export async function findDredd(): Promise<Dredd | undefined> {
  const file = new URL('../dredd/transactions.ts', import.meta.url);
  return existsSync(file) ? ((await import(file.href)) as { dredd: Dredd }).dredd : undefined;
}

/** Dredd with its packages. Throws an error of one sentence. */
export async function loadDredd(): Promise<Dredd> {
  const dredd = await findDredd();
  if (!dredd) throw new Error('--dredd works in a checkout of Touchstone only: the package does not contain Dredd');
  dredd.install();
  return dredd;
}
