/** Reads the ledgers of a world, and waits for what its settlement does in the background. */
import type { Controls } from '../../../src/control/controls.ts';

type Ledger = Awaited<ReturnType<Controls['ledgers']>>[number];

/** Balance of an account by its name in the trial balance, `peer:marble:EUR:2`. */
export function bookOf({ books }: Ledger, account: string): bigint {
  const line = books.lines.find((candidate) => candidate.account === account);
  if (!line) throw new Error(`no account ${account}`);
  return line.balance;
}

/** Longer than anything takes on a busy machine: it only bounds the wait of a test that fails. */
const MAX_WAIT_MS = 60_000;

const FIRST_PAUSE_MS = 20;
/** Some waits last ten seconds, in which asking more often would keep a processor busy. */
const MAX_PAUSE_MS = 200;

/** Asks until the condition holds, less and less often; one that throws does not hold yet. */
export async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + MAX_WAIT_MS;
  let pause = FIRST_PAUSE_MS;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > until) throw new Error(`it did not come true within ${MAX_WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(MAX_PAUSE_MS, pause * 1.5);
  }
}
