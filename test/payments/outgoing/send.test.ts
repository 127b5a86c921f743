/** Settlement between two ASEs and within one, on the embedded database: amounts, and how payments end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Problem } from '../../../src/errors.ts';
import { ilpReject } from '../../../src/payments/ilp/ilp-reply.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import { type Amounts, arrangePayment } from '../support/arrange-payment.ts';
import {
  createIncomingPayment,
  createOutgoingPayment,
  EUR,
  type IncomingPaymentOptions,
  incomingPaymentUrl,
  readBalances,
  readIncomingPayment,
  readOutgoingPayment,
  USD,
} from '../support/payment-rows.ts';
import { createTwoAses } from '../support/two-ases.ts';

const db = useTestDatabase();

const arrange = (amounts: Amounts, options?: Parameters<typeof arrangePayment>[2], incoming?: IncomingPaymentOptions) =>
  arrangePayment(db, amounts, options, incoming);

describe('a payment to another ASE', () => {
  it('delivers the receive amount exactly, in packets, and takes the fee at the end', async () => {
    const { processPayment, read, granite, marble, packetCount } = await arrange(
      { debitAmount: 10_150n, fee: 150n, receiveAmount: 9_201n },
      { maxPacketAmount: 1_000n },
    );
    assert.equal(await processPayment(1), 'completed');
    const { outgoing, incoming, ...ledger } = await read();
    assert.equal(packetCount(), 10);
    assert.equal(outgoing.state, 'completed');
    assert.equal(outgoing.sentAmount, 10_000n);
    assert.equal(outgoing.deliveredAmount, 9_201n);
    assert.equal(outgoing.spentDebit, 10_150n);
    assert.equal(outgoing.isDue, false);
    assert.equal(outgoing.isLeased, false);
    assert.equal(incoming.receivedAmount, 9_201n);
    assert.equal(incoming.completed, true);
    assert.equal(ledger.payer, 0n);
    assert.equal(ledger.marble[incoming.accountId], 9_201n);
    assert.equal(ledger.granite['hold:USD:2'], 0n);
    assert.equal(ledger.granite['fee:USD:2'], 150n);
    assert.equal(ledger.granite['exchange:USD:2'], 10_000n);
    assert.equal(ledger.granite['exchange:EUR:2'], -9_201n);
    assert.equal(ledger.granite[`peer:${marble.ase}:EUR:2`], 9_201n);
    assert.equal(ledger.marble[`peer:${granite.ase}:EUR:2`], -9_201n);
  });

  it('books one asset on one exchange account', async () => {
    const { processPayment, read } = await arrange({ debitAmount: 500n, receiveAmount: 498n }, { receiveAsset: USD });
    assert.equal(await processPayment(1), 'completed');
    assert.equal((await read()).granite['exchange:USD:2'], 2n);
  });

  for (const isRecent of [false, true]) {
    const after = isRecent ? ', after its receiver was read' : '';
    it(`fails with nothing sent if the payer has not enough${after} (RS-OP-23)`, async () => {
      const amounts = { debitAmount: 500n, receiveAmount: 400n, balance: 499n };
      const { processPayment, read, packetCount } = await arrange(amounts, { isRecent });
      assert.equal(await processPayment(1), 'failed');
      const { outgoing, payer, inDoubt } = await read();
      assert.equal(outgoing.failure, 'insufficient_funds');
      assert.equal(outgoing.sentAmount, 0n);
      assert.equal(outgoing.spentDebit, 0n);
      assert.equal(outgoing.spentReceive, 0n);
      assert.equal(payer, 499n);
      assert.equal(packetCount(), 0);
      assert.deepEqual(inDoubt, []);
    });
  }

  it('reads a receiver that was read a moment ago not again, and its ASE rejects what it cannot take any more', async () => {
    let reads = 0;
    const arrangeRecent = () =>
      arrange(
        { debitAmount: 500n, receiveAmount: 400n },
        {
          isRecent: true,
          readReceiver(receiver) {
            reads += 1;
            return receiver;
          },
        },
      );
    const open = await arrangeRecent();
    assert.equal(await open.processPayment(1), 'completed');
    assert.equal(reads, 1);

    const closed = await arrangeRecent();
    await db.query
      .updateTable('incoming_payment')
      .set({ completed: true })
      .where('id', '=', closed.incomingId)
      .execute();
    assert.equal(await closed.processPayment(1), 'failed');
    const { outgoing, payer, granite } = await closed.read();
    assert.deepEqual([outgoing.failure, outgoing.sentAmount, payer], ['packet_rejected_F02', 0n, 500n]);
    assert.equal(granite['hold:USD:2'], 0n);
    assert.equal(reads, 2);

    const late = await arrangeRecent();
    late.clock.wall += 30_000;
    assert.equal(await late.processPayment(1), 'completed');
    assert.equal(reads, 4);
  });

  it('makes smaller packets when the link takes no larger ones (F08)', async () => {
    const { processPayment, read, packetCount } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { receiverMaxPacketAmount: 40n },
    );
    assert.equal(await processPayment(1), 'completed');
    assert.equal(packetCount(), 4);
    assert.equal((await read()).incoming.receivedAmount, 90n);
  });

  it('fails without sending if the receiver has no room for all of it', async () => {
    const { processPayment, read, packetCount } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {},
      { incomingAmount: 89n },
    );
    assert.equal(await processPayment(1), 'failed');
    assert.equal((await read()).payer, 100n);
    assert.equal(packetCount(), 0);
  });

  it('sees the asset of the receiver change', async () => {
    const { processPayment, read } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { readReceiver: (receiver) => ({ ...receiver, asset: { code: 'EUR', scale: 3 } }) },
    );
    assert.equal(await processPayment(1), 'failed');
    assert.equal((await read()).outgoing.failure, 'receiver_asset_changed');
  });

  it('fails when its peer is removed before the next packet leaves', async () => {
    let remove = () => {};
    const { processPayment, read, removePeer } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {
        maxPacketAmount: 40n,
        failpoint: (name) => name === 'prepare-stored' && sent === 1 && remove(),
        wrapLink: (link) => ({
          send(...packet) {
            sent += 1;
            return link.send(...packet);
          },
        }),
      },
    );
    let sent = 0;
    remove = removePeer;
    assert.equal(await processPayment(2), 'failed');
    const { outgoing, inDoubt, incoming } = await read();
    assert.deepEqual([outgoing.failure, outgoing.deliveredAmount, inDoubt.length], ['no_route', 40n, 0]);
    assert.deepEqual([sent, incoming.receivedAmount], [1, 40n]);
  });

  it('leaves a packet in doubt if its peer is removed after it left', async () => {
    const { processPayment, read, removePeer } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { fault: (n) => (n === 1 ? 'answer lost' : undefined) },
    );
    assert.equal(await processPayment(1), 'pending');
    removePeer();
    assert.equal(await processPayment(3), 'pending');
    const { inDoubt, outgoing } = await read();
    assert.deepEqual([inDoubt.length, outgoing.sentAmount], [1, 0n]);
  });

  it('fails without a route', async () => {
    const { processPayment, read } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { readReceiver: (receiver) => ({ ...receiver, ilp: { ...receiver.ilp!, address: 'test.nowhere.abc' } }) },
    );
    assert.equal(await processPayment(1), 'failed');
    assert.equal((await read()).outgoing.failure, 'no_route');
  });

  it('two payments to one receiver: the first to arrive wins, the other fails and gets all back (RS-OP-32)', async () => {
    const { granite, marble, incomingId, processPayment, read } = await arrange({
      debitAmount: 100n,
      receiveAmount: 90n,
    });
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    const other = await createOutgoingPayment(granite, {
      receiver,
      receiveAsset: EUR,
      debitAmount: 100n,
      receiveAmount: 90n,
    });
    assert.equal(await processPayment(1), 'completed');
    assert.equal(await granite.worker.processNow(other.id), 'failed');
    const { incoming, granite: balances } = await read();
    assert.equal(incoming.receivedAmount, 90n);
    assert.equal(balances[other.payerAccountId], 100n);
  });
});

describe('partial delivery', () => {
  it('a receiver that closes in between: what arrived is paid, rounded up, with its part of the fee (RS-OP-18, SET-12)', async () => {
    const amounts = { debitAmount: 103n, fee: 3n, receiveAmount: 90n };
    const { processPayment, read, granite, marble } = await arrange(amounts, {
      maxPacketAmount: 40n,
      wrapLink: (link) => ({
        async send(...packet) {
          const answer = await link.send(...packet);
          await db.query
            .updateTable('incoming_payment')
            .set({ completed: true })
            .where('ase', '=', marble.ase)
            .execute();
          return answer;
        },
      }),
    });
    assert.equal(await processPayment(1), 'failed');
    const { outgoing, incoming, payer, ...ledger } = await read();
    assert.equal(outgoing.failure, 'packet_rejected_F02');
    assert.equal(outgoing.deliveredAmount, 40n);
    // 40 of 90 is 44.4 of the 100 to be sent and 1.3 of the fee of 3.
    assert.equal(outgoing.sentAmount, 45n);
    assert.equal(outgoing.spentDebit, 47n);
    assert.equal(outgoing.spentReceive, 40n);
    assert.equal(incoming.receivedAmount, 40n);
    assert.equal(payer, 56n);
    assert.equal(ledger.granite['hold:USD:2'], 0n);
    assert.equal(ledger.granite['fee:USD:2'], 2n);
    assert.equal(ledger.granite[`peer:${marble.ase}:EUR:2`], 40n);
    assert.equal(ledger.marble[`peer:${granite.ase}:EUR:2`], -40n);
  });

  it('business expiry of the receiver ends it, by the receiver’s clock', async () => {
    const { processPayment, read, clock } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {
        maxPacketAmount: 50n,
        wrapLink: (link) => ({
          async send(...packet) {
            const answer = await link.send(...packet);
            clock.setting = clock.after({ action: 'set', time: Date.parse('2050-01-01') });
            return answer;
          },
        }),
      },
      { expiresAt: Date.parse('2050-01-01') },
    );
    assert.equal(await processPayment(1), 'failed');
    const { outgoing, incoming } = await read();
    assert.equal(outgoing.deliveredAmount, 50n);
    assert.equal(incoming.completed, false);
  });

  it('a rejection for now is tried again with a new packet, and given up at last', async () => {
    let attempts = 0;
    const marbleName: { prefix?: string } = {};
    const { processPayment, read, marble, packetCount } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {
        worker: { maxAttempts: 4 },
        maxPacketAmount: 60n,
        wrapLink: (link) => ({
          async send(...packet) {
            attempts += 1;
            return attempts === 1 ? link.send(...packet) : ilpReject('T04', marbleName.prefix!, 'no liquidity');
          },
        }),
      },
    );
    marbleName.prefix = marble.connector.prefix;
    assert.equal(await processPayment(3), 'pending');
    assert.equal((await read()).inDoubt.length, 0);
    assert.equal(await processPayment(1), 'failed');
    const { outgoing, payer } = await read();
    assert.equal(attempts, 5);
    assert.equal(packetCount(), 1);
    assert.equal(outgoing.deliveredAmount, 60n);
    assert.equal(outgoing.sentAmount, 67n);
    assert.equal(payer, 33n);
  });

  it('an unreachable receiver is asked again', async () => {
    let asked = 0;
    const { processPayment } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {
        readReceiver(receiver) {
          asked += 1;
          if (asked < 3) throw new Problem('receiver_unreachable');
          return receiver;
        },
      },
    );
    assert.equal(await processPayment(2), 'pending');
    assert.equal(await processPayment(1), 'completed');
  });
});

describe('a payment within one ASE', () => {
  it('is one transfer, without packets', async () => {
    const { granite, packetCount } = createTwoAses({ db });
    const incomingId = await createIncomingPayment(granite, { incomingAmount: 95n });
    const payment = await createOutgoingPayment(granite, {
      receiver: incomingPaymentUrl(granite.ase, incomingId),
      receiveAsset: USD,
      debitAmount: 100n,
      fee: 4n,
      receiveAmount: 95n,
    });
    assert.equal(await granite.worker.processNow(payment.id), 'completed');
    const balances = await readBalances(granite);
    const incoming = await readIncomingPayment(granite, incomingId);
    assert.deepEqual([incoming.receivedAmount, incoming.completed], [95n, true]);
    assert.equal(balances[incoming.accountId], 95n);
    assert.equal(balances['fee:USD:2'], 4n);
    assert.equal(balances['exchange:USD:2'], 1n);
    assert.equal(balances['hold:USD:2'], 0n);
    assert.equal((await readOutgoingPayment(granite, payment.id)).sentAmount, 96n);
    assert.equal(packetCount(), 0);
  });

  it('that the receiver does not take is refunded whole', async () => {
    const { granite, clock } = createTwoAses({ db });
    const expiresAt = clock.businessNow();
    const incomingId = await createIncomingPayment(granite, { expiresAt });
    const payment = await createOutgoingPayment(granite, {
      receiver: incomingPaymentUrl(granite.ase, incomingId),
      receiveAsset: USD,
      debitAmount: 100n,
      receiveAmount: 100n,
    });
    assert.equal(await granite.worker.processNow(payment.id), 'failed');
    assert.equal((await readBalances(granite))[payment.payerAccountId], 100n);
    const outgoing = await readOutgoingPayment(granite, payment.id);
    assert.equal(outgoing.failure, 'incoming_payment_closed');
    assert.equal(outgoing.spentDebit, 0n);
  });
});
