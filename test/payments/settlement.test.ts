/** Settlement between two ASEs and within one, on the embedded database: amounts, faults, the ends of a payment. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Database } from '../../src/database/database.ts';
import { Problem } from '../../src/http/problem.ts';
import { fulfill, reject } from '../../src/payments/ilp/ilp-reply.ts';
import { readPacketsInDoubt } from '../../src/payments/ilp/packet-journal.ts';
import { openEmbedded } from '../database/open.ts';
import {
  createIncomingPayment,
  createOutgoingPayment,
  createTwoAses,
  EUR,
  type IncomingPaymentOptions,
  incomingPaymentUrl,
  type PacketFault,
  readBalances,
  readIncomingPayment,
  readOutgoingPayment,
  TestClock,
  type TwoAsesOptions,
  USD,
} from './ilp/two-ases.ts';

let db: Database;
before(async () => {
  db = await openEmbedded();
});
after(() => db.close());

interface Amounts {
  readonly debitAmount: bigint;
  readonly fee?: bigint;
  readonly receiveAmount: bigint;
  readonly balance?: bigint;
}

/** Two ASEs, an incoming payment at marble and a due payment to it at granite. */
async function arrange(amounts: Amounts, options: Partial<TwoAsesOptions> = {}, incoming: IncomingPaymentOptions = {}) {
  const clock = new TestClock();
  const ases = createTwoAses({ db, clock, ...options });
  const incomingId = await createIncomingPayment(ases.marble, { incomingAmount: amounts.receiveAmount, ...incoming });
  const receiver = incomingPaymentUrl(ases.marble.ase, incomingId);
  const payment = await createOutgoingPayment(ases.granite, { ...amounts, receiver, receiveAsset: ases.marble.asset });
  /** Attempts until the payment ends, a minute apart. */
  const settle = async (limit = 20) => {
    for (let attempts = 1; attempts <= limit; attempts += 1) {
      const state = await ases.granite.settlement.settleNow(payment.id);
      if (state !== 'pending') return state;
      clock.wall += 60_000;
    }
    return 'pending';
  };
  const read = async () => ({
    outgoing: await readOutgoingPayment(ases.granite, payment.id),
    incoming: await readIncomingPayment(ases.marble, incomingId),
    granite: await readBalances(ases.granite),
    marble: await readBalances(ases.marble),
    payer: (await readBalances(ases.granite))[payment.payerAccountId]!,
    inDoubt: await readPacketsInDoubt(db.query, ases.granite.ase),
  });
  return { ...ases, clock, incomingId, payment, settle, read };
}

describe('a payment to another ASE', () => {
  it('delivers the receive amount exactly, in packets, and takes the fee at the end', async () => {
    const { settle, read, granite, marble, packetCount } = await arrange(
      { debitAmount: 10_150n, fee: 150n, receiveAmount: 9_201n },
      { maxPacketAmount: 1_000n },
    );
    assert.equal(await settle(1), 'completed');
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
    const { settle, read } = await arrange({ debitAmount: 500n, receiveAmount: 498n }, { receiveAsset: USD });
    assert.equal(await settle(1), 'completed');
    assert.equal((await read()).granite['exchange:USD:2'], 2n);
  });

  it('fails with nothing sent if the payer has not enough (RS-OP-23)', async () => {
    const { settle, read, packetCount } = await arrange({ debitAmount: 500n, receiveAmount: 400n, balance: 499n });
    assert.equal(await settle(1), 'failed');
    const { outgoing, payer } = await read();
    assert.equal(outgoing.failure, 'insufficient_funds');
    assert.equal(outgoing.sentAmount, 0n);
    assert.equal(outgoing.spentDebit, 0n);
    assert.equal(outgoing.spentReceive, 0n);
    assert.equal(payer, 499n);
    assert.equal(packetCount(), 0);
  });

  it('makes smaller packets when the link takes no larger ones (F08)', async () => {
    const { settle, read, packetCount } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { receiverMaxPacketAmount: 40n },
    );
    assert.equal(await settle(1), 'completed');
    assert.equal(packetCount(), 4);
    assert.equal((await read()).incoming.receivedAmount, 90n);
  });

  it('fails without sending if the receiver has no room for all of it', async () => {
    const { settle, read, packetCount } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {},
      { incomingAmount: 89n },
    );
    assert.equal(await settle(1), 'failed');
    assert.equal((await read()).payer, 100n);
    assert.equal(packetCount(), 0);
  });

  it('sees the asset of the receiver change', async () => {
    const { settle, read } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { readReceiver: (receiver) => ({ ...receiver, asset: { code: 'EUR', scale: 3 } }) },
    );
    assert.equal(await settle(1), 'failed');
    assert.equal((await read()).outgoing.failure, 'receiver_asset_changed');
  });

  it('fails without a route', async () => {
    const { settle, read } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { readReceiver: (receiver) => ({ ...receiver, ilp: { ...receiver.ilp!, address: 'test.nowhere.abc' } }) },
    );
    assert.equal(await settle(1), 'failed');
    assert.equal((await read()).outgoing.failure, 'no_route');
  });

  it('two payments to one receiver: the first to arrive wins, the other fails and gets all back (RS-OP-32)', async () => {
    const { granite, marble, incomingId, settle, read } = await arrange({ debitAmount: 100n, receiveAmount: 90n });
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    const other = await createOutgoingPayment(granite, {
      receiver,
      receiveAsset: EUR,
      debitAmount: 100n,
      receiveAmount: 90n,
    });
    assert.equal(await settle(1), 'completed');
    assert.equal(await granite.settlement.settleNow(other.id), 'failed');
    const { incoming, granite: balances } = await read();
    assert.equal(incoming.receivedAmount, 90n);
    assert.equal(balances[other.payerAccountId], 100n);
  });
});

describe('partial delivery', () => {
  it('a receiver that closes in between: what arrived stays, the rest and the fee go back (RS-OP-18, SET-12)', async () => {
    const amounts = { debitAmount: 103n, fee: 3n, receiveAmount: 90n };
    const { settle, read, granite, marble } = await arrange(amounts, {
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
    assert.equal(await settle(1), 'failed');
    const { outgoing, incoming, payer, ...ledger } = await read();
    assert.equal(outgoing.failure, 'packet_rejected_F02');
    assert.equal(outgoing.deliveredAmount, 40n);
    assert.equal(outgoing.sentAmount, 44n);
    assert.equal(outgoing.spentDebit, 44n);
    assert.equal(outgoing.spentReceive, 40n);
    assert.equal(incoming.receivedAmount, 40n);
    assert.equal(payer, 59n);
    assert.equal(ledger.granite['hold:USD:2'], 0n);
    assert.equal(ledger.granite['fee:USD:2'], 0n);
    assert.equal(ledger.granite[`peer:${marble.ase}:EUR:2`], 40n);
    assert.equal(ledger.marble[`peer:${granite.ase}:EUR:2`], -40n);
  });

  it('business expiry of the receiver ends it, by the receiver’s clock', async () => {
    const { settle, read, clock } = await arrange(
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
    assert.equal(await settle(1), 'failed');
    const { outgoing, incoming } = await read();
    assert.equal(outgoing.deliveredAmount, 50n);
    assert.equal(incoming.completed, false);
  });

  it('a rejection for now is tried again with a new packet, and given up at last', async () => {
    let attempts = 0;
    const marbleName: { prefix?: string } = {};
    const { settle, read, marble, packetCount } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {
        maxAttempts: 4,
        maxPacketAmount: 60n,
        wrapLink: (link) => ({
          async send(...packet) {
            attempts += 1;
            return attempts === 1 ? link.send(...packet) : reject('T04', marbleName.prefix!, 'no liquidity');
          },
        }),
      },
    );
    marbleName.prefix = marble.connector.prefix;
    assert.equal(await settle(3), 'pending');
    assert.equal((await read()).inDoubt.length, 0);
    assert.equal(await settle(1), 'failed');
    const { outgoing, payer } = await read();
    assert.equal(attempts, 5);
    assert.equal(packetCount(), 1);
    assert.equal(outgoing.deliveredAmount, 60n);
    assert.equal(outgoing.sentAmount, 66n);
    assert.equal(payer, 34n);
  });

  it('an unreachable receiver is asked again', async () => {
    let asked = 0;
    const { settle } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {
        readReceiver(receiver) {
          asked += 1;
          if (asked < 3) throw new Problem('receiver_unreachable');
          return receiver;
        },
      },
    );
    assert.equal(await settle(2), 'pending');
    assert.equal(await settle(1), 'completed');
  });
});

describe('packets in doubt', () => {
  for (const fault of ['request lost', 'answer lost', 'duplicated'] as const) {
    it(`the n-th packet ${fault}: all arrives, once`, async () => {
      for (const n of [1, 2, 3]) {
        const faultAt = (packet: number): PacketFault => (packet === n ? fault : undefined);
        const { clock, granite, payment, settle, read } = await arrange(
          { debitAmount: 100n, receiveAmount: 90n },
          { maxPacketAmount: 30n, fault: faultAt },
        );
        if (fault !== 'duplicated') {
          assert.equal(await granite.settlement.settleNow(payment.id), 'pending');
          const { inDoubt, outgoing } = await read();
          assert.equal(inDoubt.length, 1);
          assert.equal(inDoubt[0]!.amount, 30n);
          assert.equal(outgoing.deliveredAmount, 30n * BigInt(n - 1));
          clock.wall += 1_000;
        }
        assert.equal(await settle(1), 'completed');
        const { outgoing, incoming, inDoubt } = await read();
        assert.equal(outgoing.sentAmount, 100n);
        assert.equal(incoming.receivedAmount, 90n);
        assert.equal(inDoubt.length, 0);
      }
    });
  }

  it('a booked packet is answered long after its expiry', async () => {
    const { clock, settle, read, packetCount } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { fault: (n) => (n === 1 ? 'answer lost' : undefined) },
    );
    assert.equal(await settle(1), 'pending');
    clock.wall += 7 * 24 * 3600_000;
    assert.equal(await settle(1), 'completed');
    assert.equal(packetCount(), 2);
    assert.equal((await read()).incoming.receivedAmount, 90n);
  });

  it('a lost packet that expires is replaced only when the receiver says R00', async () => {
    const { clock, settle, read, packetCount } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { fault: (n) => (n === 1 ? 'request lost' : undefined) },
    );
    assert.equal(await settle(1), 'pending');
    clock.wall += 60_000;
    assert.equal(await settle(1), 'completed');
    assert.equal(packetCount(), 3);
    assert.equal((await read()).incoming.receivedAmount, 90n);
  });

  it('after a lost copy no Reject but R00 is believed: the copy may still arrive', async () => {
    let late: (() => Promise<Buffer>) | undefined;
    let sends = 0;
    const name: { prefix?: string } = {};
    const { settle, read, marble, clock } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {
        wrapLink: (link) => ({
          async send(...packet) {
            sends += 1;
            if (sends > 2) return link.send(...packet);
            if (sends === 2) return reject('T00', name.prefix!, 'busy');
            late = () => link.send(...packet);
            throw new Error('connection reset');
          },
        }),
      },
    );
    name.prefix = marble.connector.prefix;
    assert.equal(await settle(1), 'pending');
    clock.wall -= 59_000;
    assert.equal(await settle(1), 'pending');
    clock.wall -= 59_000;
    assert.equal((await read()).inDoubt.length, 1);
    await late!();
    assert.equal(await settle(1), 'completed');
    assert.equal((await read()).incoming.receivedAmount, 90n);
    assert.equal((await read()).payer, 0n);
  });

  it('is never given up while a packet is in doubt', async () => {
    const { settle, read } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { maxAttempts: 2, fault: () => 'request lost' },
    );
    assert.equal(await settle(6), 'pending');
    assert.equal((await read()).inDoubt.length, 1);
  });

  it('a Reject from somebody else than the receiver’s ASE leaves the packet in doubt', async () => {
    const { settle, read } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { wrapLink: () => ({ send: async () => reject('F02', 'test.other', 'no route') }) },
    );
    assert.equal(await settle(1), 'pending');
    assert.equal((await read()).inDoubt.length, 1);
  });

  it('a Fulfill that proves nothing leaves the packet in doubt', async () => {
    const { settle, read } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      { wrapLink: () => ({ send: async () => fulfill(Buffer.alloc(32), Buffer.alloc(0)) }) },
    );
    assert.equal(await settle(1), 'pending');
    const { inDoubt, outgoing } = await read();
    assert.deepEqual([inDoubt.length, outgoing.sentAmount], [1, 0n]);
  });

  it('an error of the receiver in the middle of booking is no answer', async () => {
    let breaks = true;
    const { settle, read, clock } = await arrange(
      { debitAmount: 100n, receiveAmount: 90n },
      {
        failpoint(name) {
          if (name === 'packet-credited' && breaks) throw new Error('database gone');
        },
      },
    );
    assert.equal(await settle(1), 'pending');
    assert.equal((await read()).inDoubt.length, 1);
    assert.equal((await read()).incoming.receivedAmount, 90n);
    breaks = false;
    clock.wall += 1;
    assert.equal(await settle(1), 'completed');
    assert.equal((await read()).incoming.receivedAmount, 90n);
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
    assert.equal(await granite.settlement.settleNow(payment.id), 'completed');
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
    assert.equal(await granite.settlement.settleNow(payment.id), 'failed');
    assert.equal((await readBalances(granite))[payment.payerAccountId], 100n);
    const outgoing = await readOutgoingPayment(granite, payment.id);
    assert.equal(outgoing.failure, 'incoming_payment_closed');
    assert.equal(outgoing.spentDebit, 0n);
  });
});

describe('the worker', () => {
  it('settles what is due when woken, several at once', async () => {
    const { granite, marble } = createTwoAses({ db, maxPacketAmount: 40n });
    const incomingId = await createIncomingPayment(marble);
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    const amounts = { receiver, receiveAsset: EUR, debitAmount: 100n, receiveAmount: 90n };
    for (let i = 0; i < 10; i += 1) await createOutgoingPayment(granite, amounts);
    granite.settlement.wake();
    await granite.settlement.idle();
    assert.equal((await readIncomingPayment(marble, incomingId)).receivedAmount, 900n);
  });

  it('leaves a leased payment alone until the lease has ended, and is fenced off then', async () => {
    const clock = new TestClock();
    const blocked = Promise.withResolvers<void>();
    let sends = 0;
    const { granite, marble, newSettlement } = createTwoAses({
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
    const heldUp = granite.settlement.settleNow(id);
    const other = newSettlement();
    while (sends === 0) await new Promise(setImmediate);
    assert.equal(await other.settleNow(id), 'pending');
    clock.wall += 11_000;
    assert.equal(await other.settleNow(id), 'completed');
    blocked.resolve();
    assert.equal(await heldUp, 'completed');
    assert.equal((await readIncomingPayment(marble, incomingId)).receivedAmount, 90n);
    assert.equal((await readBalances(granite))[payerAccountId], 0n);
    const outgoing = await readOutgoingPayment(granite, id);
    assert.deepEqual([outgoing.sentAmount, outgoing.attempts, outgoing.isDue], [100n, 0, false]);
  });

  it('sends nothing for a payment that another has taken over meanwhile', async () => {
    const clock = new TestClock();
    const blocked = Promise.withResolvers<void>();
    let reads = 0;
    const { granite, marble, newSettlement, packetCount } = createTwoAses({
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
    const heldUp = granite.settlement.settleNow(id);
    while (reads === 0) await new Promise(setImmediate);
    clock.wall += 11_000;
    assert.equal(await newSettlement().settleNow(id), 'completed');
    blocked.resolve();
    await heldUp;
    assert.equal(packetCount(), 1);
    assert.equal((await readIncomingPayment(marble, incomingId)).receivedAmount, 90n);
  });

  it('stops between two packets and hands the payment back', async () => {
    const stopped: { promise?: Promise<void> } = {};
    const { granite, marble, newSettlement } = createTwoAses({
      db,
      maxPacketAmount: 30n,
      wrapLink: (link) => ({
        async send(...packet) {
          stopped.promise ??= granite.settlement.stop();
          return link.send(...packet);
        },
      }),
    });
    const incomingId = await createIncomingPayment(marble, { incomingAmount: 90n });
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    const amounts = { receiver, receiveAsset: EUR, debitAmount: 100n, receiveAmount: 90n };
    const { id } = await createOutgoingPayment(granite, amounts);
    granite.settlement.wake();
    await granite.settlement.idle();
    await stopped.promise;
    const outgoing = await readOutgoingPayment(granite, id);
    assert.deepEqual([outgoing.state, outgoing.deliveredAmount, outgoing.isLeased], ['pending', 30n, false]);
    const successor = newSettlement();
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
    await db.transaction(async () => granite.settlement.wake());
    await granite.settlement.idle();
    assert.equal((await readOutgoingPayment(granite, id)).state, 'completed');
  });
});
