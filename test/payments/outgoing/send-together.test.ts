/** Payments to another ASE that are due at the same time share transactions, and end as if each was sent alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserializeIlpReply, isFulfill } from 'ilp-packet';
import type { Database } from '../../../src/database/database.ts';
import { readUnresolvedPackets } from '../../../src/payments/ilp/packet-journal.ts';
import { createStreamPrepare } from '../../../src/payments/ilp/stream-sender.ts';
import { createBookings } from '../../../src/payments/outgoing/bookings.ts';
import { claimJob, LeaseLost } from '../../../src/payments/outgoing/job.ts';
import { updateJob } from '../../../src/payments/outgoing/job-progress.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import {
  createIncomingPayment,
  createOutgoingPayment,
  EUR,
  incomingPaymentUrl,
  readBalances,
  readIncomingPayment,
  readOutgoingPayment,
  showReceiver,
} from '../support/payment-rows.ts';
import { createTwoAses } from '../support/two-ases.ts';

const db = useTestDatabase();

/** Two ASEs that have paid each other before, so that their accounts are open; counts transactions and those that fail. */
async function arrange() {
  let transactions = 0;
  let failures = 0;
  const counted: Database = {
    ...db,
    async transaction(work) {
      transactions += 1;
      return db.transaction(work).catch((error: unknown) => {
        failures += 1;
        throw error;
      });
    },
  };
  const ases = createTwoAses({ db: counted });
  const { granite, marble } = ases;
  /** A payment of 10 that costs 12 with its fee, to a receiver that was just read. */
  const pay = async (incomingId: string, balance?: bigint) => {
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    await granite.readReceiver(receiver);
    return createOutgoingPayment(granite, {
      ...{ receiver, receiveAsset: EUR, receiveAmount: 10n, debitAmount: 12n, fee: 1n, peer: marble.ase },
      ...(balance !== undefined && { balance }),
    });
  };
  const settle = async () => {
    transactions = 0;
    failures = 0;
    granite.worker.wake('peer');
    await granite.worker.idle();
    return { transactions, failures };
  };
  const endOf = async ({ id }: { readonly id: string }) => {
    const { state, failure, sentAmount, deliveredAmount } = await readOutgoingPayment(granite, id);
    return [failure ?? state, sentAmount, deliveredAmount];
  };
  await pay(await createIncomingPayment(marble));
  await settle();
  return { ...ases, pay, settle, endOf };
}

const completed = ['completed', 11n, 10n];

test('packets with holds, credits at the receiver, and results with ends are booked', async () => {
  const { granite, marble, pay, settle, endOf } = await arrange();
  const receivers = [await createIncomingPayment(marble), await createIncomingPayment(marble, { incomingAmount: 30n })];
  const payments = [];
  for (const index of [0, 1, 0, 1, 1]) payments.push(await pay(receivers[index]!));
  // All packets are stored in one, credited in another, and booked in a third.
  assert.deepEqual(await settle(), { transactions: 3, failures: 0 });
  for (const payment of payments) {
    assert.deepEqual(await endOf(payment), completed);
    assert.equal((await readBalances(granite))[payment.payerAccountId], 0n);
  }
  const incoming = await Promise.all(receivers.map((id) => readIncomingPayment(marble, id)));
  assert.deepEqual(
    incoming.map(({ receivedAmount, completed }) => [receivedAmount, completed]),
    [
      [20n, false],
      [30n, true],
    ],
  );
  const [atGranite, atMarble] = [await readBalances(granite), await readBalances(marble)];
  assert.equal(atGranite[`peer:${marble.ase}:EUR:2`], 60n);
  assert.equal(atMarble[`peer:${granite.ase}:EUR:2`], -60n);
  assert.equal(atGranite['hold:USD:2'], 0n);
  for (const { accountId, receivedAmount } of incoming) assert.equal(atMarble[accountId], receivedAmount);
});

test('a payer who has too little fails alone, and the others are paid', async () => {
  const { granite, marble, pay, settle, endOf } = await arrange();
  const receiver = await createIncomingPayment(marble);
  const payments = [await pay(receiver), await pay(receiver, 11n), await pay(receiver)];
  await settle();
  assert.deepEqual(await Promise.all(payments.map(endOf)), [completed, ['insufficient_funds', 0n, 0n], completed]);
  assert.equal((await readBalances(granite))[payments[1]!.payerAccountId], 11n);
  assert.equal((await readIncomingPayment(marble, receiver)).receivedAmount, 20n);
});

test('each packet counts before the next: no more is credited than the receiver awaits', async () => {
  const { granite, marble, pay, settle, endOf } = await arrange();
  const receiver = await createIncomingPayment(marble, { incomingAmount: 25n });
  const payments = [await pay(receiver), await pay(receiver), await pay(receiver)];
  assert.equal((await settle()).failures, 0);
  const ends = await Promise.all(payments.map(endOf));
  assert.equal(ends.filter(([end]) => end === 'completed').length, 2);
  assert.deepEqual(
    ends.filter(([end]) => end !== 'completed'),
    [['packet_rejected_F99', 0n, 0n]],
  );
  assert.equal((await readIncomingPayment(marble, receiver)).receivedAmount, 20n);
  assert.equal((await readBalances(granite))['hold:USD:2'], 0n);
});

test('stored together, each payment is held with its packet; if one has lost its lease, only that one fails', async () => {
  const { granite, marble, clock, pay } = await arrange();
  const receiver = await createIncomingPayment(marble);
  const { ilp } = await showReceiver(marble, receiver);
  const { storePacket, bookFulfilled } = createBookings({ ase: granite.ase, db, clock, announce: async () => {} });
  const take = async (sequence: number) => {
    const { id } = await pay(receiver);
    const job = (await claimJob(db.query, {
      ase: granite.ase,
      paymentId: id,
      wallNow: clock.wallNow(),
      leaseMs: 1_000,
    }))!;
    const { prepare, condition } = await createStreamPrepare({ ...ilp!, sequence, amount: 10n, expiresAt: 0 });
    const packet = {
      ...{ paymentId: id, condition: condition.toString('base64url'), sequence, peer: marble.ase, prepare },
      ...{ sourceAmount: 11n, amount: 10n },
    };
    return { job, packet };
  };
  const good = [await take(1), await take(2)];
  const lost = await take(3);
  lost.job = { ...lost.job, lease: 'of another' };
  const stored = await Promise.allSettled([good[0]!, lost, good[1]!].map(storePacket));
  assert.deepEqual(
    stored.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(await readUnresolvedPackets(db.query, granite.ase, good[1]!.job.id), [good[1]!.packet]);
  assert.deepEqual(await readUnresolvedPackets(db.query, granite.ase, lost.job.id), []);
  await assert.rejects(updateJob(db.query, lost.job, {}), LeaseLost);
  assert.equal((await readBalances(granite))['hold:USD:2'], 24n);

  const progress = { sentAmount: 11n, deliveredAmount: 10n, attempts: 0 };
  const fulfilled = good.map(({ job, packet }) => ({ job: { ...job, funded: true }, packet, completes: true }));
  assert.deepEqual(await Promise.all(fulfilled.map(bookFulfilled)), [progress, progress]);
  assert.equal((await readBalances(granite))['hold:USD:2'], 0n);
  for (const { job } of good) assert.deepEqual(await readUnresolvedPackets(db.query, granite.ase, job.id), []);
});

test('of copies that arrive together with other packets, one is credited, and all get its answer', async () => {
  const { granite, marble, clock } = await arrange();
  const id = await createIncomingPayment(marble);
  const { ilp } = await showReceiver(marble, id);
  const expiresAt = clock.wallNow() + 1_000;
  const create = async (sequence: number) =>
    (await createStreamPrepare({ ...ilp!, sequence, amount: 10n, expiresAt })).prepare;
  const [one, other] = [await create(1), await create(2)];
  const receive = (prepare: Buffer) => marble.connector.receive(granite.ase, EUR, prepare);
  const [first, copy, second] = await Promise.all([one, one, other].map(receive));
  assert.deepEqual(copy, first);
  for (const reply of [first, second]) assert.ok(isFulfill(deserializeIlpReply(reply!)));
  assert.equal((await readIncomingPayment(marble, id)).receivedAmount, 20n);
});
