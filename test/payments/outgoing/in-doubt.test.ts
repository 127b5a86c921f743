/** Packets whose answer is lost or proves nothing are resolved by replay, never by sending new money (ILP-18). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ilpFulfill, ilpReject } from '../../../src/payments/ilp/ilp-reply.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import { type Amounts, arrangePayment } from '../support/arrange-payment.ts';
import type { IncomingPaymentOptions } from '../support/payment-rows.ts';
import type { PacketFault } from '../support/two-ases.ts';

const db = useTestDatabase();

const arrange = (amounts: Amounts, options?: Parameters<typeof arrangePayment>[2], incoming?: IncomingPaymentOptions) =>
  arrangePayment(db, amounts, options, incoming);

describe('packets in doubt', () => {
  for (const fault of ['request lost', 'answer lost', 'duplicated'] as const) {
    it(`the n-th packet ${fault}: all arrives, once`, async () => {
      for (const [n, isRecent] of [1, 2, 3].flatMap((n) => [[n, true] as const, [n, false] as const])) {
        const faultAt = (packet: number): PacketFault => (packet === n ? fault : undefined);
        const { clock, granite, payment, processPayment, read } = await arrange(
          { debitAmount: 100n, receiveAmount: 90n },
          { maxPacketAmount: 30n, fault: faultAt, isRecent },
        );
        if (fault !== 'duplicated') {
          assert.equal(await granite.worker.processNow(payment.id), 'pending');
          const { inDoubt, outgoing } = await read();
          assert.equal(inDoubt.length, 1);
          assert.equal(inDoubt[0]!.amount, 30n);
          // The second packet and the third are in flight at once.
          assert.equal(outgoing.deliveredAmount, n === 1 ? 0n : 60n);
          clock.wall += 1_000;
        }
        assert.equal(await processPayment(1), 'completed');
        const { outgoing, incoming, inDoubt } = await read();
        assert.equal(outgoing.sentAmount, 100n);
        assert.equal(incoming.receivedAmount, 90n);
        assert.equal(inDoubt.length, 0);
      }
    });
  }

  it('to a peer that may deliver copies are not sent again, and stay in doubt', async () => {
    for (const fault of ['request lost', 'answer lost'] as const) {
      const { clock, processPayment, read, packetCount } = await arrange(
        { debitAmount: 100n, receiveAmount: 90n },
        { answersRepeats: false, maxPacketAmount: 60n, fault: (n) => (n === 1 ? fault : undefined) },
      );
      assert.equal(await processPayment(15), 'pending');
      clock.wall += 7 * 24 * 3600_000;
      assert.equal(await processPayment(1), 'pending');
      assert.equal(packetCount(), 1);
      assert.deepEqual(
        (await read()).inDoubt.map(({ amount }) => amount),
        [60n],
      );
    }
  });

  it('a booked packet is answered long after its expiry', async () => {
    const { clock, processPayment, read, packetCount } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { fault: (n) => (n === 1 ? 'answer lost' : undefined) },
    );
    assert.equal(await processPayment(1), 'pending');
    clock.wall += 7 * 24 * 3600_000;
    assert.equal(await processPayment(1), 'completed');
    assert.equal(packetCount(), 2);
    assert.equal((await read()).incoming.receivedAmount, 90n);
  });

  it('a lost packet that expires is replaced only when the receiver says R00', async () => {
    const { clock, processPayment, read, packetCount } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { fault: (n) => (n === 1 ? 'request lost' : undefined) },
    );
    assert.equal(await processPayment(1), 'pending');
    clock.wall += 60_000;
    assert.equal(await processPayment(1), 'completed');
    assert.equal(packetCount(), 3);
    assert.equal((await read()).incoming.receivedAmount, 90n);
  });

  it('after a lost copy no Reject but R00 is believed: the copy may still arrive', async () => {
    let late: (() => Promise<Buffer>) | undefined;
    let sends = 0;
    const name: { prefix?: string } = {};
    const { processPayment, read, marble, clock } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {
        wrapLink: (link) => ({
          async send(...packet) {
            sends += 1;
            if (sends > 2) return link.send(...packet);
            if (sends === 2) return ilpReject('T00', name.prefix!, 'busy');
            late = () => link.send(...packet);
            throw new Error('connection reset');
          },
        }),
      },
    );
    name.prefix = marble.connector.prefix;
    assert.equal(await processPayment(1), 'pending');
    clock.wall -= 59_000;
    assert.equal(await processPayment(1), 'pending');
    clock.wall -= 59_000;
    assert.equal((await read()).inDoubt.length, 1);
    await late!();
    assert.equal(await processPayment(1), 'completed');
    assert.equal((await read()).incoming.receivedAmount, 90n);
    assert.equal((await read()).payer, 0n);
  });

  it('is never given up while a packet is in doubt', async () => {
    const { processPayment, read } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { worker: { maxAttempts: 2 }, fault: () => 'request lost' },
    );
    assert.equal(await processPayment(6), 'pending');
    assert.equal((await read()).inDoubt.length, 1);
  });

  for (const triggeredBy of ['test.behind.the.peer', '']) {
    it(`a Reject is the peer’s word, also if it was triggered by "${triggeredBy}"`, async () => {
      const { processPayment, read } = await arrange(
        { debitAmount: 100n, receiveAmount: 90n },
        { wrapLink: () => ({ send: async () => ilpReject('F02', triggeredBy, 'no route') }) },
      );
      assert.equal(await processPayment(1), 'failed');
      const { inDoubt, outgoing, payer } = await read();
      assert.deepEqual([inDoubt.length, outgoing.failure, payer], [0, 'packet_rejected_F02', 100n]);
    });
  }

  it('a Fulfill that proves nothing leaves the packet in doubt', async () => {
    const { processPayment, read } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { wrapLink: () => ({ send: async () => ilpFulfill(Buffer.alloc(32), Buffer.alloc(0)) }) },
    );
    assert.equal(await processPayment(1), 'pending');
    const { inDoubt, outgoing } = await read();
    assert.deepEqual([inDoubt.length, outgoing.sentAmount], [1, 0n]);
  });

  it('an error of the receiver in the middle of booking leaves the packet unanswered', async () => {
    let breaks = true;
    const { processPayment, read, clock } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {
        failpoint(name) {
          if (name === 'packet-credited' && breaks) throw new Error('database gone');
        },
      },
    );
    assert.equal(await processPayment(1), 'pending');
    assert.equal((await read()).inDoubt.length, 1);
    assert.equal((await read()).incoming.receivedAmount, 90n);
    breaks = false;
    clock.wall += 1;
    assert.equal(await processPayment(1), 'completed');
    assert.equal((await read()).incoming.receivedAmount, 90n);
  });
});
