/** A process of the race in grant-spending.test.ts: reserves when told to, commits when told to. */
import { once } from 'node:events';
import type { KyselyPlugin } from 'kysely';
import { openDatabase } from '../../src/database/database.ts';
import { Problem } from '../../src/http/problem.ts';
import { createIds } from '../../src/ids.ts';
import { reserveSpending } from '../../src/resource/grant-spending.ts';

const [url, grantId, mutant] = process.argv.slice(2) as [string, string, 'none' | 'without-lock'];
const tell = (message: string): void => {
  process.send!(message);
};

/** The mutant: the statement that locks the grant's row finds it and leaves it alone. */
const withoutLock: KyselyPlugin = {
  transformQuery: ({ node }) =>
    node.kind === 'InsertQueryNode' && node.onConflict
      ? { ...node, onConflict: { kind: 'OnConflictNode', columns: node.onConflict.columns, doNothing: true } }
      : node,
  transformResult: async ({ result }) => result,
};

const db = await openDatabase({ kind: 'postgresql', url, poolSize: 1 });
tell('ready');
await once(process, 'message');
try {
  await db.transaction(async (tx) => {
    await reserveSpending(mutant === 'none' ? tx : tx.withPlugin(withoutLock), {
      ase: 'granite',
      ids: createIds(undefined, ''),
      grantId,
      identifier: 'https://granite.example/alice',
      limits: { debitAmount: { value: '100', assetCode: 'USD', assetScale: 2 } },
      debit: { value: 100n, asset: { code: 'USD', scale: 2 } },
      receive: { value: 90n, asset: { code: 'EUR', scale: 2 } },
      receiver: 'https://marble.example/incoming-payments/1',
      now: Date.parse('2024-01-15T12:00:00Z'),
    });
    tell('reserved');
    await once(process, 'message');
  });
} catch (error) {
  tell(error instanceof Problem ? error.code : String(error));
}
await db.close();
process.disconnect();
