/**
 * A process of the races in grant-spending.race.test.ts: acts when told to, and commits when told to. Its action is
 * `reserve` with the debit, or `fail` with the id of a payment.
 */
import { once } from 'node:events';
import { WorldClock } from '../../../../src/clock.ts';
import { openDatabase, type Transaction } from '../../../../src/database/database.ts';
import { Problem } from '../../../../src/errors.ts';
import { createIds } from '../../../../src/ids.ts';
import { reserveSpending } from '../../../../src/payments/outgoing/grant-spending.ts';
import { claimJob } from '../../../../src/payments/outgoing/job.ts';
import { failPayment } from '../../../../src/payments/outgoing/send.ts';

const [url, ase, grantId, action, subject] = process.argv.slice(2) as [string, string, string, string, string];
const tell = (message: string): void => {
  process.send!(message);
};

const db = await openDatabase({ kind: 'postgresql', url, poolSize: 1 });
const clock = new WorldClock();
const held: typeof db.transaction = (work) =>
  db.transaction(async (tx) => {
    const result = await work(tx);
    tell('done');
    await once(process, 'message');
    return result;
  });

const reserve = (tx: Transaction) =>
  reserveSpending(tx, {
    ase,
    ids: createIds(undefined, ''),
    grantId,
    identifier: 'https://granite.example/alice',
    limits: { debitAmount: { value: '100', assetCode: 'USD', assetScale: 2 } },
    debit: { value: BigInt(subject), asset: { code: 'USD', scale: 2 } },
    receive: { value: 1n, asset: { code: 'EUR', scale: 2 } },
    receiver: 'https://marble.example/incoming-payments/1',
    now: Date.parse('2024-01-15T12:00:00Z'),
  });

try {
  const job =
    action === 'fail' ? await claimJob(db.query, { ase, paymentId: subject, wallNow: 0, leaseMs: 60_000 }) : undefined;
  tell('ready');
  await once(process, 'message');
  if (job) {
    const context = { db: { ...db, transaction: held }, clock, failpoint: () => {}, announce: async () => {} };
    await failPayment(context, job, 'a race');
  } else {
    await held(reserve);
  }
} catch (error) {
  tell(error instanceof Problem ? error.code : String(error));
}
await db.close();
process.disconnect();
