/** Slots of the worker: each peer has its own, and a payment of many packets takes turns with others. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deserializeIlpPrepare } from 'ilp-packet';
import { amountTooLarge } from '../../../src/payments/ilp/ilp-reply.ts';
import type { Link } from '../../../src/payments/ilp/link.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import {
  createIncomingPayment,
  createOutgoingPayment,
  EUR,
  incomingPaymentUrl,
  readOutgoingPayment,
  TestClock,
  USD,
} from '../support/payment-rows.ts';
import { createTwoAses } from '../support/two-ases.ts';

const db = useTestDatabase();

/** More than enough turns of the event loop for a few payments, and far less than a timer takes. */
const MAX_TURNS = 20_000;

async function turnUntil(isReached: () => Promise<boolean>): Promise<void> {
  for (let turns = 0; turns < MAX_TURNS; turns += 1) if (await isReached()) return;
  assert.fail('the other payments keep waiting');
}

describe('80 payments to one peer', () => {
  const released = Promise.withResolvers<Buffer>();
  const answers: Record<string, () => (amount: bigint) => Promise<Buffer>> = {
    'is silent': () => () => released.promise,
    'answers F08 with 1 and is silent then': () => {
      let rejected = 0;
      return async (amount) => {
        rejected += 1;
        return rejected <= 80 ? amountTooLarge('test.slow', amount, 1n) : released.promise;
      };
    },
    'answers F08 with 1 each time, slowly': () => async (amount) => {
      for (let turns = 0; turns < 50; turns += 1) await new Promise(setImmediate);
      return amountTooLarge('test.slow', amount, 1n);
    },
  };
  for (const [name, answer] of Object.entries(answers)) {
    it(`that ${name} do not keep local payments and a healthy peer waiting`, async () => {
      const reply = answer();
      const link: Link = { send: (_asset, prepare) => reply(BigInt(deserializeIlpPrepare(prepare).amount)) };
      const otherPeer = { name: 'slow', link };
      const { granite, marble } = createTwoAses({ db, otherPeer, worker: { slotTimeoutMs: 600_000 } });
      const toSlow = { receiver: incomingPaymentUrl('slow', '1'), receiveAsset: EUR, peer: 'slow' };
      for (let i = 0; i < 80; i += 1) {
        await createOutgoingPayment(granite, { ...toSlow, debitAmount: 1_000n, receiveAmount: 900n });
      }
      granite.worker.wake();
      const amounts = { debitAmount: 100n, receiveAmount: 90n };
      const local = await createOutgoingPayment(granite, {
        ...{ ...amounts, receiveAsset: USD },
        receiver: incomingPaymentUrl(granite.ase, await createIncomingPayment(granite)),
      });
      const healthy = await createOutgoingPayment(granite, {
        ...{ ...amounts, receiveAsset: EUR, peer: marble.ase },
        receiver: incomingPaymentUrl(marble.ase, await createIncomingPayment(marble)),
      });
      granite.worker.wake();
      for (const { id } of [local, healthy]) {
        await turnUntil(async () => (await readOutgoingPayment(granite, id)).state === 'completed');
      }
      const stopped = granite.worker.stop();
      released.resolve(Buffer.alloc(0));
      await stopped;
    });
  }
});

/** Two due payments of six packets each, in one slot; returns the letters of the payments in the order of their packets. */
async function orderOfPackets(worker: { maxPacketsPerTurn?: number; maxTurnMs?: number }): Promise<string> {
  const clock = new TestClock();
  const order: string[] = [];
  const ases = createTwoAses({
    db,
    clock,
    maxPacketAmount: 15n,
    worker: { ...worker, concurrency: 1 },
    wrapLink: (link) => ({
      async send(asset, prepare, onSent) {
        const { destination } = deserializeIlpPrepare(prepare);
        order.push(destination);
        clock.wall += 1_000;
        return link.send(asset, prepare, onSent);
      },
    }),
  });
  for (let i = 0; i < 2; i += 1) {
    const receiver = incomingPaymentUrl(ases.marble.ase, await createIncomingPayment(ases.marble));
    const terms = { receiver, receiveAsset: EUR, peer: ases.marble.ase, debitAmount: 100n, receiveAmount: 90n };
    await createOutgoingPayment(ases.granite, terms);
  }
  ases.granite.worker.wake();
  await ases.granite.worker.idle();
  return order.map((destination) => (destination === order[0] ? 'a' : 'b')).join('');
}

describe('a payment of many packets', () => {
  it('gives its slot back after some packets', async () => {
    assert.equal(await orderOfPackets({ maxPacketsPerTurn: 3, maxTurnMs: 100_000 }), 'aaabbbaaabbb');
  });

  it('gives its slot back after some time', async () => {
    assert.equal(await orderOfPackets({ maxPacketsPerTurn: 100, maxTurnMs: 2_000 }), 'aabbaabbaabb');
  });
});

it('the slots of a payment are those of the peer that it is sent by, also if its route has changed', async () => {
  const { granite, marble } = createTwoAses({ db });
  const receiver = incomingPaymentUrl(marble.ase, await createIncomingPayment(marble));
  const terms = { receiver, receiveAsset: EUR, peer: 'former', debitAmount: 100n, receiveAmount: 90n };
  const { id } = await createOutgoingPayment(granite, terms);
  await granite.worker.processNow(id);
  const row = db.query.selectFrom('outgoing_payment').select('peer').where('id', '=', id);
  assert.equal((await row.executeTakeFirstOrThrow()).peer, marble.ase);
});
