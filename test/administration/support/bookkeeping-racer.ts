/**
 * A process of the races in `bookkeeping.race.test.ts`, which acts and commits on messages from its parent. Its action is
 * `reverse` with a transfer, or `settle` or `resolve` with a payment, the condition of its packet and the fulfillment.
 */
import { once } from 'node:events';
import { reverseTransfer } from '../../../src/administration/transfers.ts';
import { WorldClock } from '../../../src/clock.ts';
import { openDatabase, type Transaction } from '../../../src/database/database.ts';
import { Problem } from '../../../src/errors.ts';
import type { Connector } from '../../../src/payments/ilp/connector.ts';
import { ilpFulfill } from '../../../src/payments/ilp/ilp-reply.ts';
import { claimJob, LeaseLost } from '../../../src/payments/outgoing/job.ts';
import { resolvePacketInDoubt } from '../../../src/payments/outgoing/resolve-packet.ts';
import { sendPayment } from '../../../src/payments/outgoing/send.ts';

const [url, ase, peer, action, subject, condition, proof] = process.argv.slice(2) as [
  string,
  string,
  string,
  ...string[],
];
const send = (message: string): void => {
  process.send!(message);
};

const db = await openDatabase({ kind: 'postgresql', url, poolSize: 1 });
const clock = new WorldClock();
let isHeld = false;
/** Transactions of which the first waits before it commits. */
const held: typeof db.transaction = (work) =>
  db.transaction(async (tx) => {
    const result = await work(tx);
    if (isHeld) return result;
    isHeld = true;
    send('done');
    await once(process, 'message');
    return result;
  });

const fulfillment = Buffer.from(proof ?? '', 'base64url');
const connector = {
  peerNamed: (name: string) => ({
    ...{ name, prefix: `test.${peer}` },
    link: { send: async () => ilpFulfill(fulfillment, Buffer.alloc(0)) },
  }),
} as unknown as Connector;

const resolve = (tx: Transaction) =>
  resolvePacketInDoubt(
    tx,
    ase,
    { paymentId: subject!, condition: condition!, fate: { kind: 'fulfilled', fulfillment } },
    { wallNow: clock.wallNow(), businessNow: clock.businessNow() },
  );

try {
  const job =
    action === 'settle'
      ? await claimJob(db.query, { ase, paymentId: subject!, wallNow: clock.wallNow(), leaseMs: 60_000 })
      : undefined;
  send('ready');
  await once(process, 'message');
  if (job) {
    await sendPayment(
      {
        ...{ db: { ...db, transaction: held }, clock, connector, packetLifetimeMs: 30_000 },
        ...{ maxPacketsPerTurn: 50, maxTurnMs: 2_000 },
        maxPacketsPerTurn: 50,
        maxTurnMs: 2_000,
        readReceiver: () => Promise.reject(new Error('the receiver is not needed')),
        failpoint: () => {},
        announce: async () => {},
        isStopping: () => false,
      },
      job,
    );
  } else if (action === 'resolve') await held(resolve);
  else await held((tx) => reverseTransfer(tx, ase, { transfer: subject!, reason: 'a race' }, clock.businessNow()));
} catch (error) {
  send(error instanceof Problem ? error.code : error instanceof LeaseLost ? 'lease lost' : String(error));
}
await db.close();
process.disconnect();
