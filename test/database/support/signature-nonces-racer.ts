/** A process of the race in `signature-nonces.race.test.ts`: answers each nonce with true if it was known. */
import { WorldClock } from '../../../src/clock.ts';
import { openDatabase } from '../../../src/database/database.ts';
import { createNonceMemory } from '../../../src/database/signature-nonces.ts';

const [url] = process.argv.slice(2) as [string];
const db = await openDatabase({ kind: 'postgresql', url, poolSize: 1 });
const remember = createNonceMemory(db, 'granite', new WorldClock(), 360_000);

process.on('message', async ({ nonce, mutant }: { nonce: string; mutant?: string }) => {
  globalThis.touchstoneMutant = mutant;
  process.send!(await remember('thumbprint', nonce));
});
process.on('disconnect', () => void db.close());
process.send!('ready');
