/** The ledgers of a world as a test looks at them, and waiting for what settlement does in its own time. */
import type { Controls } from '../../../src/index.ts';

type Ledger = Awaited<ReturnType<Controls['ledgers']>>[number];

/** Balance of an account by the name that the trial balance gives it, `peer:marble:EUR:2`. */
export function bookOf({ books }: Ledger, account: string): bigint {
  const line = books.lines.find((candidate) => candidate.account === account);
  if (!line) throw new Error(`no account ${account}`);
  return line.balance;
}

/** Asks until it is true; a condition that throws is not true yet. */
export async function eventually(condition: () => Promise<boolean>, withinMs = 8000): Promise<void> {
  const until = Date.now() + withinMs;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > until) throw new Error(`did not come true within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
