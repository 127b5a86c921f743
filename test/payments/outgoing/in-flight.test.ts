/** Several packets of a payment in flight at once: how many, what becomes of their amounts, and what is left in doubt. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { deserializeIlpPrepare } from 'ilp-packet';
import type { Database } from '../../../src/database/database.ts';
import { amountTooLarge, ilpReject } from '../../../src/payments/ilp/ilp-reply.ts';
import { type Link, LinkError } from '../../../src/payments/ilp/link.ts';
import { openTestDatabase } from '../../database/support/open.ts';
import { arrangePayment } from '../support/arrange-payment.ts';
import { createOutgoingPayment, EUR, incomingPaymentUrl } from '../support/payment-rows.ts';
import type { TwoAsesOptions } from '../support/two-ases.ts';

let db: Database;
/** Transactions that have not ended. A worker prepares each packet in one. */
let transactions = 0;
before(async () => {
  const opened = await openTestDatabase();
  db = {
    ...opened,
    async transaction(work) {
      transactions += 1;
      try {
        return await opened.transaction(work);
      } finally {
        transactions -= 1;
      }
    },
  };
});
after(() => db.close());

/** Far more turns of the event loop than a worker needs to begin with another packet, and far less than a timer takes. */
const MANY_TURNS = 300;

async function turn(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) await new Promise(setImmediate);
}

type Strike = (pass: () => Promise<Buffer>) => Promise<Buffer>;

/**
 * A link that gathers packets, all but the first, and lets them go once `size()` have arrived and no more follow. What
 * becomes of the n-th, from 1, can be changed.
 */
function gatheringLink(size: () => number, strikes: Readonly<Record<number, Strike>> = {}) {
  const seen = { most: 0, sent: 0, amounts: [] as bigint[], groups: [] as number[] };
  const arrivals = new Map<number, () => void>();
  let inFlight = 0;
  let waiting: (() => void)[] = [];
  async function pass(link: Link, ...packet: Parameters<Link['send']>): Promise<Buffer> {
    seen.sent += 1;
    const n = seen.sent;
    arrivals.get(n)?.();
    seen.amounts.push(BigInt(deserializeIlpPrepare(packet[1]).amount));
    if (n > 1) {
      const gone = new Promise<void>((go) => waiting.push(go));
      if (waiting.length === size()) void release();
      await gone;
    }
    const send = () => link.send(...packet);
    return strikes[n] ? strikes[n](send) : send();
  }
  async function release(): Promise<void> {
    do await turn(MANY_TURNS);
    while (transactions > 0);
    const gathered = waiting;
    waiting = [];
    seen.groups.push(gathered.length);
    for (const go of gathered) go();
  }
  const wrapLink = (link: Link): Link => ({
    async send(...packet) {
      inFlight += 1;
      seen.most = Math.max(seen.most, inFlight);
      try {
        return await pass(link, ...packet);
      } finally {
        inFlight -= 1;
      }
    },
  });
  /** Resolves when the n-th packet has been sent. */
  const arrival = (n: number) => new Promise<void>((resolve) => arrivals.set(n, resolve));
  return { seen, wrapLink, arrival };
}

const amounts = { debitAmount: 414n, fee: 2n, receiveAmount: 405n };
/** Packets of 10, so 41 of them: 1, then 20 and 20 at once; or of 81, so 5: 1 and 4. */
const arrange = (options: Partial<TwoAsesOptions>) =>
  arrangePayment(db, amounts, { maxPacketAmount: 81n, ...options }, { incomingAmount: undefined });

describe('a payment of many packets', () => {
  it('has twenty in flight at once, and delivers exactly its amount', async () => {
    const { seen, wrapLink } = gatheringLink(() => 20);
    const { processPayment, read, granite } = await arrange({ maxPacketAmount: 10n, wrapLink });
    assert.equal(await processPayment(1), 'completed');
    assert.deepEqual([seen.sent, seen.most, seen.groups], [41, 20, [20, 20]]);
    const { outgoing, incoming, payer, granite: balances } = await read();
    assert.deepEqual([outgoing.sentAmount, outgoing.deliveredAmount, incoming.receivedAmount], [412n, 405n, 405n]);
    assert.deepEqual([payer, balances['hold:USD:2'], balances['fee:USD:2']], [0n, 0n, 2n]);
    const packets = await db.query.selectFrom('outgoing_packet').selectAll().where('ase', '=', granite.ase).execute();
    assert.equal(new Set(packets.map(({ sequence }) => sequence)).size, 41);
    assert.equal(
      packets.reduce((sum, packet) => sum + BigInt(packet.source_amount), 0n),
      412n,
    );
  });

  it('sends the next packet as soon as one is answered', async () => {
    const held = Promise.withResolvers<void>();
    const { seen, wrapLink, arrival } = gatheringLink(() => (seen.sent <= 4 ? 3 : 1), {
      2: async (pass) => {
        await held.promise;
        return pass();
      },
    });
    const { processPayment } = await arrange({ wrapLink, worker: { maxInFlight: 3 } });
    const fifth = arrival(5);
    const done = processPayment(1);
    await fifth;
    held.resolve();
    assert.equal(await done, 'completed');
    assert.equal(seen.most, 3);
  });

  it('sends the first alone: one packet finds out that the peer takes less', async () => {
    const { seen, wrapLink } = gatheringLink(() => (seen.sent <= 2 ? 1 : 10));
    const { processPayment, read } = await arrange({ receiverMaxPacketAmount: 37n, wrapLink });
    assert.equal(await processPayment(1), 'completed');
    assert.equal((await read()).incoming.receivedAmount, 405n);
    assert.deepEqual([seen.amounts[0], seen.amounts[1], seen.sent, seen.groups], [81n, 37n, 12, [1, 10]]);
  });

  it('sends the next alone after a packet that was too large while others were in flight', async () => {
    const tooLarge = async () => amountTooLarge('test.marble', 81n, 60n);
    const { seen, wrapLink } = gatheringLink(() => (seen.sent <= 5 ? 4 : 1), { 3: tooLarge, 4: tooLarge });
    const { processPayment, read } = await arrange({ wrapLink, worker: { maxInFlight: 4 } });
    assert.equal(await processPayment(1), 'completed');
    assert.equal((await read()).incoming.receivedAmount, 405n);
    assert.deepEqual(seen.amounts.slice(5), [60n, 60n, 42n]);
  });

  it('keeps to one where the link asks for it', async () => {
    const { seen, wrapLink } = gatheringLink(() => 1);
    const oneByOne = (link: Link): Link => ({ ...wrapLink(link), isOneByOne: () => true });
    const { processPayment } = await arrange({ wrapLink: oneByOne });
    assert.equal(await processPayment(1), 'completed');
    assert.deepEqual([seen.sent, seen.most], [5, 1]);
  });

  it('has as many in flight with others as their peer is sent at once, or one', async () => {
    let [sent, inFlight, most] = [0, 0, 0];
    let haveOthersBegun = false;
    const [full, joined] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const resolveIfJoined = () => haveOthersBegun && inFlight >= 3 + 2 && joined.resolve();
    const wrapLink = (link: Link): Link => ({
      async send(...packet) {
        inFlight += 1;
        most = Math.max(most, inFlight);
        if (inFlight === 3) full.resolve();
        resolveIfJoined();
        // The first packet is alone. Those after it are answered when each of the other payments has one in flight.
        sent += 1;
        if (sent > 1) await joined.promise;
        return link.send(...packet).finally(() => {
          inFlight -= 1;
        });
      },
    });
    const worker = { maxInFlightToPeer: 3 };
    const { granite, marble, incomingId, read } = await arrange({ maxPacketAmount: 40n, wrapLink, worker });
    granite.worker.wake();
    await full.promise;
    for (let others = 0; others < 2; others += 1) {
      const receiver = incomingPaymentUrl(marble.ase, incomingId);
      await createOutgoingPayment(granite, { ...amounts, receiver, receiveAsset: EUR });
    }
    haveOthersBegun = true;
    resolveIfJoined();
    granite.worker.wake();
    await granite.worker.idle();
    assert.equal((await read()).incoming.receivedAmount, 3n * 405n);
    assert.equal(most, 3 + 2);
  });
});

describe('if one of several packets in flight', () => {
  const rejectWith = (code: string) => async () => ilpReject(code, 'test.marble', 'not this one');
  const lose = async (): Promise<Buffer> => {
    throw new LinkError('request lost');
  };
  const loseAnswer: Strike = async (pass) => {
    await pass();
    throw new LinkError('answer lost');
  };

  it('is rejected for now, its amount is sent again', async () => {
    const { wrapLink } = gatheringLink(() => 4, { 3: rejectWith('T04'), 6: (pass) => pass() });
    const { processPayment, read, granite, payment } = await arrange({ wrapLink: only(wrapLink, 5) });
    assert.equal(await processPayment(1), 'pending');
    assert.deepEqual([(await read()).outgoing.deliveredAmount, (await read()).inDoubt], [324n, []]);
    assert.equal(await granite.worker.processNow(payment.id), 'completed');
    const { outgoing, incoming } = await read();
    assert.deepEqual([outgoing.sentAmount, incoming.receivedAmount], [412n, 405n]);
  });

  it('is rejected for good, the payment fails when the others are answered, and they are paid', async () => {
    const { wrapLink } = gatheringLink(() => 4, { 3: rejectWith('F99') });
    const { processPayment, read } = await arrange({ wrapLink });
    assert.equal(await processPayment(1), 'failed');
    const { outgoing, incoming, payer, inDoubt, granite } = await read();
    assert.deepEqual([outgoing.failure, inDoubt.length], ['packet_rejected_F99', 0]);
    // 324 of 405: 329.6 of the 412 to be sent, and 1.6 of the fee of 2.
    assert.deepEqual([incoming.receivedAmount, outgoing.sentAmount, payer], [324n, 330n, 82n]);
    assert.deepEqual([granite['hold:USD:2'], granite['fee:USD:2']], [0n, 2n]);
  });

  it('is rejected for good and another in doubt, the payment fails only when that one is known', async () => {
    const { seen, wrapLink } = gatheringLink(() => (seen.sent <= 5 ? 4 : 1), {
      2: rejectWith('F99'),
      3: loseAnswer,
      7: rejectWith('F99'),
    });
    const { processPayment, read } = await arrange({ wrapLink });
    assert.equal(await processPayment(1), 'pending');
    assert.deepEqual([(await read()).inDoubt.length, (await read()).payer], [1, 0n]);
    assert.equal(await processPayment(1), 'failed');
    const { outgoing, incoming, payer } = await read();
    assert.deepEqual([incoming.receivedAmount, outgoing.sentAmount, payer], [324n, 330n, 82n]);
  });

  it('is not answered, nor others: their copies are in flight together, and count once', async () => {
    const { seen, wrapLink } = gatheringLink(() => 4, { 2: loseAnswer, 3: lose, 4: loseAnswer, 5: lose });
    const { granite, payment, read, clock } = await arrange({ wrapLink: only(wrapLink, 9) });
    assert.equal(await granite.worker.processNow(payment.id), 'pending');
    const { inDoubt, outgoing } = await read();
    assert.deepEqual([inDoubt.length, outgoing.deliveredAmount], [4, 81n]);
    clock.wall += 1_000;
    assert.equal(await granite.worker.processNow(payment.id), 'completed');
    assert.deepEqual([seen.groups, seen.sent], [[4, 4], 9]);
    const { incoming, payer, outgoing: end } = await read();
    assert.deepEqual([incoming.receivedAmount, end.sentAmount, payer], [405n, 412n, 0n]);
  });

  it('is answered when another worker has taken the payment over, nothing is booked twice', async () => {
    const held = Promise.withResolvers<void>();
    const late: Strike = async (pass) => {
      await held.promise;
      return pass();
    };
    const { wrapLink, arrival } = gatheringLink(() => 4, { 2: late, 3: late, 4: late, 5: late });
    const { granite, payment, read, clock, newWorker } = await arrange({ wrapLink: only(wrapLink, 5) });
    const fifth = arrival(5);
    const first = granite.worker.processNow(payment.id);
    await fifth;
    clock.wall += 11_000;
    assert.equal(await newWorker().processNow(payment.id), 'completed');
    held.resolve();
    assert.equal(await first, 'completed');
    const { outgoing, incoming, payer } = await read();
    assert.deepEqual([incoming.receivedAmount, outgoing.sentAmount, payer], [405n, 412n, 0n]);
  });

  it('keeps the worker from stopping, until all are answered and booked', async () => {
    const held = Promise.withResolvers<void>();
    const late: Strike = async (pass) => {
      await held.promise;
      return pass();
    };
    const { wrapLink, arrival } = gatheringLink(() => 3, { 4: late });
    const { granite, read } = await arrange({ wrapLink, worker: { maxInFlight: 3 } });
    const fourth = arrival(4);
    granite.worker.wake();
    await fourth;
    let isStopped = false;
    const stopped = granite.worker.stop().then(() => {
      isStopped = true;
    });
    await turn(MANY_TURNS * 4);
    assert.equal(isStopped, false);
    held.resolve();
    await stopped;
    const { outgoing, inDoubt } = await read();
    assert.deepEqual(
      [outgoing.state, outgoing.deliveredAmount, outgoing.isLeased, inDoubt],
      ['pending', 324n, false, []],
    );
  });
});

/** Gathers the first packets only. */
function only(wrapLink: (link: Link) => Link, packets: number): (link: Link) => Link {
  return (link) => {
    const gathering = wrapLink(link);
    let sent = 0;
    return {
      send(...packet) {
        sent += 1;
        return (sent <= packets ? gathering : link).send(...packet);
      },
    };
  };
}
