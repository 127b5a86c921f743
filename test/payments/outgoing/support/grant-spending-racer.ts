/**
 * A process of the races in `grant-spending.race.test.ts`. Its actions are `reserve` with the debit, and `fail` with the
 * id of a payment.
 */
import { WorldClock } from '../../../../src/clock.ts';
import { createIds } from '../../../../src/ids.ts';
import { failPayment } from '../../../../src/payments/outgoing/fail.ts';
import { reserveSpendings } from '../../../../src/payments/outgoing/grant-spending.ts';
import { claimJob } from '../../../../src/payments/outgoing/job.ts';
import { serveRaces } from '../../../support/held-transaction.ts';

const clock = new WorldClock();

await serveRaces(async (db, args) => {
  const [ase, grantId, action, subject] = args as [string, string, string, string];
  if (action === 'fail') {
    const job = await claimJob(db.query, { ase, paymentId: subject, wallNow: 0, leaseMs: 60_000 });
    return (held) => {
      const context = { db: { ...db, transaction: held }, clock, failpoint: () => {}, announce: async () => {} };
      return failPayment(context, job!, { reason: 'a race' });
    };
  }
  return (held) =>
    held((tx) =>
      reserveSpendings(
        tx,
        [
          {
            ase,
            ids: createIds(undefined, ''),
            grantId,
            identifier: 'https://granite.example/alice',
            limits: { debitAmount: { value: '100', assetCode: 'USD', assetScale: 2 } },
            debit: { value: BigInt(subject), asset: { code: 'USD', scale: 2 } },
            receive: { value: 1n, asset: { code: 'EUR', scale: 2 } },
            receiver: 'https://marble.example/incoming-payments/1',
            now: Date.parse('2024-01-15T12:00:00Z'),
          },
        ],
        async () => {},
      ),
    );
});
