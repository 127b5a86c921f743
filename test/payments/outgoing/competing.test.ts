/** Payments that compete for the room of one incoming payment: the first packet reserves it (RS-OP-32, OPI-098). */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { deserializeIlpReply, isFulfill, serializeIlpPrepare } from 'ilp-packet';
import { ConnectionCloseFrame, ErrorCode, IlpPacketType, Packet } from 'ilp-protocol-stream/dist/src/packet.js';
import { LinkError } from '../../../src/payments/ilp/link.ts';
import { connectionAddress, createStreamPrepare } from '../../../src/payments/ilp/stream-sender.ts';
import { RESERVATION_MS } from '../../../src/payments/incoming/reservations.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import {
  createIncomingPayment,
  createOutgoingPayment,
  EUR,
  incomingPaymentUrl,
  readIncomingPayment,
  readOutgoingPayment,
  showReceiver,
  TestClock,
  USD,
} from '../support/payment-rows.ts';
import { createTwoAses } from '../support/two-ases.ts';

const db = useTestDatabase();

/** An incoming payment of 500 and payments to it in packets of at most 250. `afterPacket` runs after each answer. */
async function arrange(...amounts: readonly bigint[]) {
  const clock = new TestClock();
  let afterPacket: ((n: number) => Promise<unknown>) | undefined;
  let packets = 0;
  const ases = createTwoAses({
    db,
    clock,
    maxPacketAmount: 250n,
    // Each payment has read the receiver before the first packet of the other arrived.
    readReceiver: (receiver) => ({ ...receiver, receivedAmount: 0n }),
    wrapLink: (link) => ({
      async send(...packet) {
        const answer = await link.send(...packet);
        packets += 1;
        await afterPacket?.(packets);
        return answer;
      },
    }),
  });
  const { granite, marble } = ases;
  const incomingId = await createIncomingPayment(marble, { incomingAmount: 500n });
  const receiver = incomingPaymentUrl(marble.ase, incomingId);
  const payments: string[] = [];
  for (const amount of amounts) {
    const options = { receiver, receiveAsset: EUR, debitAmount: amount, receiveAmount: amount };
    payments.push((await createOutgoingPayment(granite, options)).id);
  }
  const read = async () => ({
    payments: await Promise.all(
      payments.map(async (id) => {
        const { state, failure, deliveredAmount } = await readOutgoingPayment(granite, id);
        return failure === null ? `${state} ${deliveredAmount}` : `${state} ${deliveredAmount} ${failure}`;
      }),
    ),
    received: (await readIncomingPayment(marble, incomingId)).receivedAmount,
  });
  const attempt = (i: number) => granite.worker.processNow(payments[i]!);
  /** A Prepare of a sender that has `outstanding` yet to send; without it, of one that does not say. */
  async function give(connection: string | undefined, amount: bigint, outstanding?: bigint): Promise<string> {
    const { ilp } = await showReceiver(marble, incomingId);
    const { prepare } = await createStreamPrepare({
      ...{ sequence: packets + 1_000, amount, expiresAt: clock.wall + 30_000, sharedSecret: ilp!.sharedSecret },
      address: connection === undefined ? ilp!.address : connectionAddress(ilp!.address, connection),
      ...(outstanding !== undefined && { total: outstanding }),
    });
    const reply = deserializeIlpReply(await marble.connector.receive(granite.ase, EUR, prepare));
    return isFulfill(reply) ? 'fulfilled' : reply.code;
  }
  /** Ends a connection (ILP-0029 §5.3.1). */
  async function end(connection: string, expiresAt: number): Promise<void> {
    const { ilp } = await showReceiver(marble, incomingId);
    const frames = [new ConnectionCloseFrame(ErrorCode.NoError, '')];
    const key = createHmac('sha256', ilp!.sharedSecret).update('ilp_stream_encryption').digest();
    const prepare = serializeIlpPrepare({
      amount: '0',
      executionCondition: Buffer.alloc(32),
      expiresAt: new Date(expiresAt),
      destination: connectionAddress(ilp!.address, connection),
      data: await new Packet(1, IlpPacketType.Prepare, 0, frames).serializeAndEncrypt(key),
    });
    await marble.connector.receive(granite.ase, EUR, prepare);
  }
  return {
    ...ases,
    read,
    attempt,
    give,
    end,
    clock,
    interleave: (work: (n: number) => Promise<unknown>) => {
      afterPacket = work;
    },
  };
}

describe('two payments of all the room, packet by packet at once', () => {
  it('one completes, the other fails with nothing delivered', async () => {
    const { interleave, attempt, read } = await arrange(500n, 500n);
    const other: string[] = [];
    interleave(async (n) => {
      if (n === 1) other.push(await attempt(1));
    });
    assert.equal(await attempt(0), 'completed');
    assert.deepEqual(other, ['failed']);
    assert.deepEqual(await read(), { payments: ['completed 500', 'failed 0 packet_rejected_F99'], received: 500n });
  });

  it('one that would fit without the rest of the other waits for it', async () => {
    const { interleave, attempt, read } = await arrange(300n, 250n);
    const other: string[] = [];
    interleave(async (n) => {
      if (n === 1) other.push(await attempt(1));
    });
    assert.equal(await attempt(0), 'completed');
    assert.deepEqual(other, ['pending']);
    assert.equal(await attempt(1), 'failed');
    assert.deepEqual(await read(), { payments: ['completed 300', 'failed 0 packet_rejected_F99'], received: 300n });
  });

  it('both complete if there is room for both', async () => {
    const { interleave, attempt, read } = await arrange(200n, 300n);
    const other: string[] = [];
    interleave(async (n) => {
      if (n === 1) other.push(await attempt(0));
    });
    assert.equal(await attempt(1), 'completed');
    assert.deepEqual(other, ['completed']);
    assert.deepEqual(await read(), { payments: ['completed 200', 'completed 300'], received: 500n });
  });

  it('the room of one that stops midway is free again after a minute', async () => {
    const { interleave, attempt, read, clock } = await arrange(500n, 250n);
    interleave(async (n) => {
      if (n === 1) throw new LinkError('answer lost');
    });
    assert.equal(await attempt(0), 'pending');
    assert.equal(await attempt(1), 'pending');
    clock.wall += RESERVATION_MS;
    assert.equal(await attempt(1), 'completed');
    assert.equal(await attempt(0), 'failed');
    assert.deepEqual(await read(), { payments: ['failed 250 receiver_closed', 'completed 250'], received: 500n });
  });
});

describe('the reservation of an incoming payment', () => {
  it('holds for a minute after the last packet of its connection, against all others', async () => {
    const { give, clock } = await arrange();
    assert.equal(await give('a', 100n, 400n), 'fulfilled');
    assert.equal(await give('b', 100n, 101n), 'T99', 'all that b means to send has to fit');
    assert.equal(await give('b', 100n, 100n), 'fulfilled');
    assert.equal(await give(undefined, 1n), 'T99', 'nothing is left to those that do not say');
    clock.wall += 59_999;
    assert.equal(await give('a', 100n, 300n), 'fulfilled');
    clock.wall += 59_999;
    assert.equal(await give('c', 200n, 200n), 'T99');
    clock.wall += 1;
    assert.equal(await give('c', 200n, 200n), 'fulfilled');
    assert.equal(await give('a', 100n, 200n), 'F02');
  });

  it('holds for less after a credit of less than one percent, so that no payer blocks others for nothing', async () => {
    const { give, clock } = await arrange();
    assert.equal(await give('a', 1n, 500n), 'fulfilled');
    clock.wall += 11_999;
    assert.equal(await give('b', 100n), 'T99');
    clock.wall += 1;
    assert.equal(await give('b', 100n, 399n), 'fulfilled');
    clock.wall += 1;
    assert.equal(await give('b', 1n, 299n), 'fulfilled');
    clock.wall += 59_998;
    assert.equal(await give('c', 101n), 'T99', 'a small credit does not shorten the time');
  });

  it('ends with its connection', async () => {
    const { give, end, clock } = await arrange();
    assert.equal(await give('a', 100n, 400n), 'fulfilled');
    await end('b', clock.wall + 30_000);
    await end('a', clock.wall);
    assert.equal(await give('c', 101n), 'T99', 'neither another connection nor a late packet ended it');
    await end('a', clock.wall + 30_000);
    assert.equal(await give('c', 250n, 400n), 'fulfilled');
  });

  it('is not made for more than there is room for, nor by a sender without a connection', async () => {
    const { give } = await arrange();
    assert.equal(await give('a', 100n, 501n), 'F99', 'it could not complete');
    assert.equal(await give(undefined, 100n, 400n), 'fulfilled');
    assert.equal(await give('b', 250n, 400n), 'fulfilled');
  });

  it('is used up by packets of its connection that do not say how much is to follow', async () => {
    const { give, read } = await arrange();
    assert.equal(await give('a', 100n, 400n), 'fulfilled');
    assert.equal(await give('a', 100n), 'fulfilled');
    assert.equal(await give('b', 101n), 'T99', 'a still needs 200');
    assert.equal(await give('b', 100n), 'fulfilled');
    assert.equal(await give('a', 100n), 'fulfilled');
    assert.equal(await give('b', 1n), 'T99');
    assert.equal(await give('a', 100n), 'fulfilled');
    assert.equal((await read()).received, 500n);
  });

  it('makes a payment within the ASE wait', async () => {
    const { granite, marble, clock } = await arrange();
    const incomingId = await createIncomingPayment(granite, { incomingAmount: 500n });
    const { ilp } = await showReceiver(granite, incomingId);
    const { prepare } = await createStreamPrepare({
      ...{ sequence: 1, amount: 100n, total: 200n, expiresAt: clock.wall + 30_000, sharedSecret: ilp!.sharedSecret },
      address: connectionAddress(`test.${granite.ase}.${ilp!.address.split('.').at(-1)}`, 'a'),
    });
    assert.ok(isFulfill(deserializeIlpReply(await granite.connector.receive(marble.ase, USD, prepare))));
    const receiver = incomingPaymentUrl(granite.ase, incomingId);
    const amounts = { receiver, receiveAsset: USD, debitAmount: 400n, receiveAmount: 400n };
    const { id } = await createOutgoingPayment(granite, amounts);
    assert.equal(await granite.worker.processNow(id), 'pending');
    clock.wall += RESERVATION_MS;
    assert.equal(await granite.worker.processNow(id), 'completed');
  });
});
