/** Outgoing payments for an operator: lists by state and age, the money they hold, and cancellation (OPI-099). */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import {
  getOutgoingPayment,
  listOutgoingPayments,
  sumHeld,
  summarizePending,
} from '../../src/administration/outgoing-payments.ts';
import { toInstant } from '../../src/database/columns.ts';
import { Problem } from '../../src/errors.ts';
import { ilpReject } from '../../src/payments/ilp/ilp-reply.ts';
import { cancelPayment } from '../../src/payments/outgoing/cancel.ts';
import { useTestDatabase } from '../database/support/open.ts';
import { arrangePayment } from '../payments/support/arrange-payment.ts';
import {
  createIncomingPayment,
  createOutgoingPayment,
  EUR,
  incomingPaymentUrl,
  readBalances,
} from '../payments/support/payment-rows.ts';
import { createTwoAses } from '../payments/support/two-ases.ts';

const db = useTestDatabase();

const amounts = { debitAmount: 100n, receiveAmount: 90n };
const reject = (code: string) => () => ({ send: async () => ilpReject(code, 'test.marble', 'on purpose') });

describe('the list of outgoing payments', () => {
  /** Three payments, accepted at 1, 2 and 3 seconds; their ids. */
  async function arrangeThree() {
    const { granite, marble } = createTwoAses({ db });
    const receiver = incomingPaymentUrl(marble.ase, await createIncomingPayment(marble));
    const ids: string[] = [];
    for (const seconds of [1, 2, 3]) {
      const { id } = await createOutgoingPayment(granite, { ...amounts, receiver, receiveAsset: EUR });
      await db.query
        .updateTable('outgoing_payment')
        .set({ accepted_at: toInstant(seconds * 1000) })
        .where('id', '=', id)
        .execute();
      ids.push(id);
    }
    const list = async (filter: Parameters<typeof listOutgoingPayments>[2]) =>
      listOutgoingPayments(db.query, granite.ase, filter, 10_000);
    return { granite, ids, list };
  }
  const idsOf = ({ items }: { readonly items: readonly { readonly id: string }[] }) => items.map(({ id }) => id);

  it('has pending payments oldest first, in pages, and only those old enough', async () => {
    const { ids, list } = await arrangeThree();
    const first = await list({ first: 2 });
    assert.deepEqual(idsOf(first), ids.slice(0, 2));
    assert.deepEqual(idsOf(await list({ first: 2, cursor: first.endCursor })), ids.slice(2));
    assert.deepEqual(idsOf(await list({ olderThan: 8 })), ids.slice(0, 2));
    assert.deepEqual(idsOf(await list({ olderThan: 10 })), []);
    assert.deepEqual(idsOf(await list({ state: 'failed' })), []);
  });

  it('has ended payments newest first', async () => {
    const { granite, ids, list } = await arrangeThree();
    for (const id of ids) assert.equal(await granite.worker.processNow(id), 'completed');
    assert.deepEqual(idsOf(await list({ state: 'completed' })), ids.toReversed());
    assert.deepEqual(idsOf(await list({})), []);
  });

  it('says what the last attempt ran into, and why a payment failed', async () => {
    const { granite, payment, processPayment, clock } = await arrangePayment(db, amounts, {
      readReceiver: () => {
        throw new Problem('receiver_unreachable', { detail: 'no answer\0' });
      },
    });
    const get = () => getOutgoingPayment(db.query, granite.ase, payment.id);
    const untouched = await get();
    assert.deepEqual([untouched.heldAmount, untouched.lastError], [0n, undefined]);
    assert.equal(await granite.worker.processNow(payment.id), 'pending');
    const stuck = await get();
    assert.deepEqual([stuck.heldAmount, stuck.attempts, stuck.failure], [100n, 1, undefined]);
    assert.equal(stuck.lastError, 'receiver_unreachable: no answer');
    assert.equal(stuck.nextAttemptAt, clock.wall + 200);
    assert.equal(stuck.isWorkedOn, false);
    assert.equal(await processPayment(), 'failed');
    const failed = await get();
    assert.deepEqual([failed.state, failed.failure, failed.heldAmount], ['failed', 'receiver_unreachable', 0n]);
    assert.equal(failed.lastError, 'receiver_unreachable: no answer');
    await assert.rejects(getOutgoingPayment(db.query, granite.ase, 'nothing'), { code: 'not_found' });
  });
});

describe('attempts that deliver nothing', () => {
  it('end after the time that the documentation states: ten attempts and 102 s of waiting', async () => {
    const { granite, payment, clock } = await arrangePayment(db, amounts, { wrapLink: reject('T04') });
    const startedAt = clock.wall;
    const waits: number[] = [];
    while ((await granite.worker.processNow(payment.id)) === 'pending') {
      const { nextAttemptAt } = await getOutgoingPayment(db.query, granite.ase, payment.id);
      waits.push(nextAttemptAt! - clock.wall);
      clock.wall = nextAttemptAt!;
    }
    assert.deepEqual(waits, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200]);
    assert.equal(clock.wall - startedAt, 102_200);
    const page = await readFile(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
    assert.match(page.replaceAll(/\s+/g, ' '), /ten attempts in a row.* 102 s of waiting/);
  });
});

describe('the metrics of pending payments', () => {
  it('count what the ledger has on hold, part deliveries included, and what is pending since when', async () => {
    let packets = 0;
    const { granite, payment, processPayment } = await arrangePayment(db, amounts, {
      maxPacketAmount: 50n,
      wrapLink: (link) => ({
        send: (...packet) => {
          packets += 1;
          return packets === 1 ? link.send(...packet) : Promise.resolve(ilpReject('T04', 'test.marble', 'none'));
        },
      }),
    });
    await db.query
      .insertInto('ase')
      .values({ ase: granite.ase, secrets: '[]' as never })
      .execute();
    const read = async (wallNow: number) => {
      const [held] = (await sumHeld(db.query)).filter(({ ase }) => ase === granite.ase);
      const [pending] = (await summarizePending(db.query, wallNow)).filter(({ ase }) => ase === granite.ase);
      return { held: held?.value, ledger: (await readBalances(granite))['hold:USD:2'], pending };
    };
    assert.equal(await processPayment(1), 'pending');
    const { acceptedAt, nextAttemptAt } = await getOutgoingPayment(db.query, granite.ase, payment.id);
    const busy = await read(nextAttemptAt! - 1);
    assert.equal(busy.held, 44n);
    assert.equal(busy.held, busy.ledger);
    assert.deepEqual(busy.pending, { ase: granite.ase, count: 1, due: 0, oldest: acceptedAt });
    assert.equal((await read(nextAttemptAt!)).pending?.due, 1);
    assert.equal(await processPayment(), 'failed');
    const none = { ase: granite.ase, count: 0, due: 0, oldest: undefined };
    assert.deepEqual(await read(nextAttemptAt!), { held: 0n, ledger: 0n, pending: none });
  });
});

describe('the cancellation of a payment', () => {
  async function arrange(options: Parameters<typeof arrangePayment>[2] = {}) {
    const arranged = await arrangePayment(db, amounts, options);
    const announced: string[] = [];
    const cancel = (paymentId = arranged.payment.id) =>
      db.transaction((tx) =>
        cancelPayment(tx, arranged.granite.ase, {
          ...{ paymentId, reason: 'the client asked for it', wallNow: arranged.clock.wall, businessNow: 0 },
          announce: async (_tx, type) => void announced.push(type),
        }),
      );
    return { ...arranged, cancel, announced };
  }
  const conflict = (description: RegExp) => (error: Problem) =>
    error.code === 'conflict' && description.test(error.description ?? '');

  it('gives everything back to payer and grant, and the payment is never sent', async () => {
    const { cancel, read, granite, payment, announced, processPayment, packetCount } = await arrange({
      wrapLink: reject('T04'),
    });
    assert.equal(await processPayment(1), 'pending');
    await cancel();
    const { outgoing, payer, granite: balances } = await read();
    assert.deepEqual([outgoing.state, outgoing.failure, outgoing.isDue], ['failed', 'cancelled', false]);
    assert.deepEqual([payer, balances['hold:USD:2'], outgoing.spentDebit, outgoing.spentReceive], [100n, 0n, 0n, 0n]);
    assert.deepEqual(announced, ['outgoing_payment.failed']);
    const { lastError } = await getOutgoingPayment(db.query, granite.ase, payment.id);
    assert.equal(lastError, 'cancelled: the client asked for it');
    assert.equal(await processPayment(1), 'failed');
    assert.equal(packetCount(), 0);
    await assert.rejects(cancel(), conflict(/has ended/));
  });

  it('needs no refund before the first attempt', async () => {
    const { cancel, read } = await arrange();
    await cancel();
    const { outgoing, payer } = await read();
    assert.deepEqual([outgoing.state, payer, outgoing.spentDebit], ['failed', 100n, 0n]);
  });

  it('is refused while a packet is in doubt, and the worker goes on', async () => {
    const { cancel, read, processPayment } = await arrange({
      fault: (n) => (n === 1 ? 'answer lost' : undefined),
    });
    assert.equal(await processPayment(1), 'pending');
    await assert.rejects(cancel(), conflict(/in doubt/));
    assert.equal(await processPayment(1), 'completed');
    const { outgoing, incoming } = await read();
    assert.deepEqual([outgoing.sentAmount, incoming.receivedAmount], [100n, 90n]);
  });

  it('is refused once a part has been delivered', async () => {
    let packets = 0;
    const { cancel, read, processPayment } = await arrange({
      maxPacketAmount: 50n,
      wrapLink: (link) => ({
        send: (...packet) => {
          packets += 1;
          return packets === 1 ? link.send(...packet) : Promise.resolve(ilpReject('T04', 'test.marble', 'none'));
        },
      }),
    });
    assert.equal(await processPayment(1), 'pending');
    await assert.rejects(cancel(), conflict(/part has been delivered/));
    assert.equal((await read()).outgoing.state, 'pending');
  });

  it('is refused for a completed payment, and for one that does not exist', async () => {
    const { cancel, processPayment } = await arrange();
    assert.equal(await processPayment(), 'completed');
    await assert.rejects(cancel(), conflict(/has ended/));
    await assert.rejects(cancel('nothing'), { code: 'not_found' });
  });
});
