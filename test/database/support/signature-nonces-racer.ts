/** A process of the race in signature-nonces.race.test.ts: says of each nonce that it is told whether it was there. */
import { WorldClock } from '../../../src/clock.ts';
import { openDatabase } from '../../../src/database/database.ts';
import { createNonceMemory } from '../../../src/database/signature-nonces.ts';

const [url] = process.argv.slice(2) as [string];
const db = await openDatabase({ kind: 'postgresql', url, poolSize: 1 });
const remember = createNonceMemory(db, 'granite', new WorldClock(), 360_000);

process.on('message', async (nonce: string) => {
  process.send!(await remember('thumbprint', nonce));
});
process.on('disconnect', () => void db.close());
process.send!('ready');
