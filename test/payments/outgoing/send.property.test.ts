/** For any amounts, packet sizes and losses on the link, every amount comes out exact (SET-07, RS-OP-30). */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { useTestDatabase } from '../../database/support/open.ts';
import fc from '../../support/fast-check.ts';
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

const payments = fc.record({
  sent: fc.bigInt(1n, 2n ** 63n),
  fee: fc.bigInt(0n, 1_000n),
  received: fc.bigInt(1n, 2n ** 63n),
  packets: fc.integer({ min: 1, max: 6 }),
  faults: fc.array(fc.constantFrom('request lost', 'answer lost', 'duplicated', undefined), { maxLength: 8 }),
  /** Wall time between two attempts, shorter and longer than a packet lives. */
  pause: fc.constantFrom(1_000, 40_000),
  /** True if the receiver was just read. */
  isRecent: fc.boolean(),
  /** The receiver closes when this share of the amount has arrived; 1 or more: never. */
  closesAt: fc.double({ min: 0, max: 3, noNaN: true }),
});

it('every amount is exact, and the two peer accounts mirror each other', async () => {
  await fc.assert(
    fc.asyncProperty(payments, async ({ sent, fee, received, packets, faults, pause, isRecent, closesAt }) => {
      const clock = new TestClock();
      const closingAmount = closesAt < 1 ? BigInt(Math.floor(closesAt * 1e6)) * received : received * 1_000_000n;
      const { granite, marble } = createTwoAses({
        db,
        clock,
        maxPacketAmount: received / BigInt(packets) + 1n,
        fault: (n) => faults[n - 1],
        wrapLink: (link) => ({
          async send(...packet) {
            const { receivedAmount } = await readIncomingPayment(marble, incomingId);
            if (receivedAmount < received && receivedAmount * 1_000_000n > closingAmount) await close();
            return link.send(...packet);
          },
        }),
      });
      const incomingId = await createIncomingPayment(marble, { incomingAmount: received });
      const close = () =>
        db.query.updateTable('incoming_payment').set({ completed: true }).where('id', '=', incomingId).execute();
      const receiver = incomingPaymentUrl(marble.ase, incomingId);
      if (isRecent) await granite.readReceiver(receiver);
      const { id, payerAccountId } = await createOutgoingPayment(granite, {
        receiver,
        receiveAsset: EUR,
        debitAmount: sent + fee,
        fee,
        receiveAmount: received,
      });
      let state = 'pending';
      for (let attempts = 0; state === 'pending' && attempts < 40; attempts += 1) {
        state = await granite.worker.processNow(id);
        clock.wall += pause;
      }
      const outgoing = await readOutgoingPayment(granite, id);
      const incoming = await readIncomingPayment(marble, incomingId);
      const [atGranite, atMarble] = [await readBalances(granite), await readBalances(marble)];
      assert.notEqual(state, 'pending');
      assert.equal(incoming.receivedAmount, outgoing.deliveredAmount);
      assert.equal(atMarble[incoming.accountId], outgoing.deliveredAmount);
      const owed = atGranite[`peer:${marble.ase}:EUR:2`] ?? 0n;
      assert.equal(owed + (atMarble[`peer:${granite.ase}:EUR:2`] ?? 0n), 0n);
      assert.equal(owed, outgoing.deliveredAmount);
      assert.equal(atGranite['hold:USD:2'], 0n);
      assert.equal(outgoing.spentReceive, outgoing.deliveredAmount);
      if (state === 'completed') {
        assert.equal(outgoing.deliveredAmount, received);
        assert.equal(outgoing.sentAmount, sent);
        assert.equal(atGranite[payerAccountId], 0n);
        assert.equal(atGranite['fee:USD:2'], fee);
      } else {
        assert.ok(closesAt < 1);
        assert.ok(outgoing.deliveredAmount < received);
        const shareOf = (total: bigint) => (total * outgoing.deliveredAmount + received - 1n) / received;
        const paid = shareOf(sent) + shareOf(fee);
        assert.equal(outgoing.sentAmount, shareOf(sent));
        assert.equal(atGranite['fee:USD:2'], shareOf(fee));
        assert.equal(atGranite[payerAccountId], sent + fee - paid);
        assert.equal(outgoing.spentDebit, paid);
      }
    }),
    { numRuns: 40 },
  );
});
