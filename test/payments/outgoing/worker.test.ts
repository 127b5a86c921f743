/** The worker: due payments, leases and their fence, stopping. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { useTestDatabase } from '../../database/support/open.ts';
import {
  createIncomingPayment,
  createOutgoingPayment,
  EUR,
  incomingPaymentUrl,
  readBalances,
  readIncomingPayment,
  readOutgoingPayment,
  TestClock,
} from '../support/payment-rows.ts';
import { createTwoAses } from '../support/two-ases.ts';

const db = useTestDatabase();

describe('the worker', () => {
  it('sends several due payments at once when woken', async () => {
    const { granite, marble } = createTwoAses({ db, maxPacketAmount: 40n });
    const incomingId = await createIncomingPayment(marble);
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    const amounts = { receiver, receiveAsset: EUR, debitAmount: 100n, receiveAmount: 90n };
    for (let i = 0; i < 10; i += 1) await createOutgoingPayment(granite, amounts);
    granite.worker.wake();
    await granite.worker.idle();
    assert.equal((await readIncomingPayment(marble, incomingId)).receivedAmount, 900n);
  });

  it('leaves a leased payment alone until the lease has ended, and is fenced off then', async () => {
    const clock = new TestClock();
    const blocked = Promise.withResolvers<void>();
    let sends = 0;
    const { granite, marble, newWorker } = createTwoAses({
      db,
      clock,
      wrapLink: (link) => ({
        async send(...packet) {
          sends += 1;
          if (sends === 1) await blocked.promise;
          return link.send(...packet);
        },
      }),
    });
    const incomingId = await createIncomingPayment(marble, { incomingAmount: 90n });
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    const amounts = { receiver, receiveAsset: EUR, debitAmount: 100n, receiveAmount: 90n };
    const { id, payerAccountId } = await createOutgoingPayment(granite, amounts);
    const heldUp = granite.worker.processNow(id);
    const other = newWorker();
    while (sends === 0) await new Promise(setImmediate);
    assert.equal(await other.processNow(id), 'pending');
    clock.wall += 11_000;
    assert.equal(await other.processNow(id), 'completed');
    blocked.resolve();
    assert.equal(await heldUp, 'completed');
    assert.equal((await readIncomingPayment(marble, incomingId)).receivedAmount, 90n);
    assert.equal((await readBalances(granite))[payerAccountId], 0n);
    const outgoing = await readOutgoingPayment(granite, id);
    assert.deepEqual([outgoing.sentAmount, outgoing.attempts, outgoing.isDue], [100n, 0, false]);
  });

  it('does not let payments to a silent receiver keep others of its peer waiting', async () => {
    const silent = Promise.withResolvers<void>();
    let packets = 0;
    const { granite, marble } = createTwoAses({
      db,
      worker: { slotTimeoutMs: 5 },
      wrapLink: (link) => ({
        async send(...packet) {
          packets += 1;
          if (packets <= 20) await silent.promise;
          return link.send(...packet);
        },
      }),
    });
    const incomingId = await createIncomingPayment(marble);
    const amounts = { receiveAsset: EUR, debitAmount: 100n, receiveAmount: 90n, peer: marble.ase };
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    for (let i = 0; i < 21; i += 1) await createOutgoingPayment(granite, { ...amounts, receiver });
    granite.worker.wake();
    while ((await readIncomingPayment(marble, incomingId)).receivedAmount === 0n) await new Promise(setImmediate);
    silent.resolve();
    await granite.worker.idle();
    assert.equal((await readIncomingPayment(marble, incomingId)).receivedAmount, 21n * 90n);
  });

  it('sends nothing for a payment that another has taken over meanwhile', async () => {
    const clock = new TestClock();
    const blocked = Promise.withResolvers<void>();
    let reads = 0;
    const { granite, marble, newWorker, packetCount } = createTwoAses({
      db,
      clock,
      async readReceiver(receiver) {
        reads += 1;
        if (reads === 1) await blocked.promise;
        return receiver;
      },
    });
    const incomingId = await createIncomingPayment(marble);
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    const amounts = { receiver, receiveAsset: EUR, debitAmount: 100n, receiveAmount: 90n };
    const { id } = await createOutgoingPayment(granite, amounts);
    const heldUp = granite.worker.processNow(id);
    while (reads === 0) await new Promise(setImmediate);
    clock.wall += 11_000;
    assert.equal(await newWorker().processNow(id), 'completed');
    blocked.resolve();
    await heldUp;
    assert.equal(packetCount(), 1);
    assert.equal((await readIncomingPayment(marble, incomingId)).receivedAmount, 90n);
  });

  it('stops between two packets and hands the payment back', async () => {
    const stopped: { promise?: Promise<void> } = {};
    const { granite, marble, newWorker } = createTwoAses({
      db,
      maxPacketAmount: 30n,
      wrapLink: (link) => ({
        async send(...packet) {
          stopped.promise ??= granite.worker.stop();
          return link.send(...packet);
        },
      }),
    });
    const incomingId = await createIncomingPayment(marble, { incomingAmount: 90n });
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    const amounts = { receiver, receiveAsset: EUR, debitAmount: 100n, receiveAmount: 90n };
    const { id } = await createOutgoingPayment(granite, amounts);
    granite.worker.wake();
    await granite.worker.idle();
    await stopped.promise;
    const outgoing = await readOutgoingPayment(granite, id);
    assert.deepEqual([outgoing.state, outgoing.deliveredAmount, outgoing.isLeased], ['pending', 30n, false]);
    const successor = newWorker();
    successor.wake();
    await successor.idle();
    assert.equal((await readOutgoingPayment(granite, id)).state, 'completed');
  });

  it('can be woken inside a transaction', async () => {
    const { granite, marble } = createTwoAses({ db });
    const incomingId = await createIncomingPayment(marble);
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    const amounts = { receiver, receiveAsset: EUR, debitAmount: 100n, receiveAmount: 90n };
    const { id } = await createOutgoingPayment(granite, amounts);
    await db.transaction(async () => granite.worker.wake());
    await granite.worker.idle();
    assert.equal((await readOutgoingPayment(granite, id)).state, 'completed');
  });
});
