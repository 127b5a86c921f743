/**
 * Races of operators and payment workers in processes on one PostgreSQL. A transfer is reversed once, a packet in doubt
 * is booked once, and a payment is either sent or cancelled. The races also run with mutants, to prove that the test
 * would notice.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { getPeerPacket } from '../../src/administration/peer-statement.ts';
import { ilpReject } from '../../src/payments/ilp/ilp-reply.ts';
import { bookTransfer, internalAccountId } from '../../src/payments/ledger.ts';
import { arrangePayment } from '../payments/support/arrange-payment.ts';
import { EUR, openWallet, prefixOf, readBalances } from '../payments/support/payment-rows.ts';
import { needsPostgres } from '../support/postgresql.ts';
import { useRacers } from '../support/racers.ts';

const racerFile = join(import.meta.dirname, 'support', 'bookkeeping-racer.ts');

describe('races for the ledger', { skip: needsPostgres, timeout: 120_000 }, () => {
  const { db, racers } = useRacers(racerFile, 2);

  /** The second process acts while the first holds its transaction open. Returns how the second begins and ends. */
  async function race(first: readonly string[], second: readonly string[], mutant?: string) {
    const { early, late } = await racers.race([first, second], mutant);
    assert.equal(early[0], 'done');
    return { early: early[1], late: late[1] };
  }

  /** A payment of 200. Marble has booked its first packet, of a half, but granite does not know. */
  async function arrangeDoubt() {
    const { granite, marble, payment, processPayment, read } = await arrangePayment(
      db,
      { debitAmount: 200n, receiveAmount: 180n },
      { fault: () => 'answer lost', maxPacketAmount: 90n },
    );
    assert.equal(await processPayment(1), 'pending');
    await granite.worker.stop();
    const [packet] = (await read()).inDoubt;
    const peer = { prefix: prefixOf(granite.ase), endpoint: 'http://localhost:1', outgoing_token: 'x' };
    await db.query
      .insertInto('peer')
      .values({ ...peer, ase: marble.ase, name: granite.ase, incoming_token_digest: 'x', max_packet_amount: '1' })
      .execute();
    const { fulfillment } = await getPeerPacket(db.query, marble.ase, granite.ase, packet!.condition);
    const racer = (action: string) => [granite.ase, marble.ase, action, payment.id, packet!.condition, fulfillment];
    const end = async () => {
      const { outgoing, granite: balances } = await read();
      return { sent: outgoing.sentAmount, owed: balances[`peer:${marble.ase}:EUR:2`] };
    };
    return { racer, end };
  }

  const once90 = { sent: 100n, owed: 90n };

  test('the worker books the packet: the operator waits, and gets a conflict', async () => {
    const { racer, end } = await arrangeDoubt();
    assert.deepEqual(await race(racer('settle'), racer('resolve')), { early: 'waits', late: 'conflict' });
    assert.deepEqual(await end(), once90);
  });

  test('the test would notice an operator who reads before waiting', async () => {
    const { racer, end } = await arrangeDoubt();
    const { late } = await race(racer('settle'), racer('resolve'), 'bookkeeping.looks-before-it-waits');
    assert.notEqual(late, 'conflict');
    assert.notDeepEqual(await end(), once90);
  });

  test('the operator resolves the packet: the worker, with the same reply, finds its lease lost', async () => {
    const { racer, end } = await arrangeDoubt();
    assert.deepEqual(await race(racer('resolve'), racer('settle')), { early: 'waits', late: 'lease lost' });
    assert.deepEqual(await end(), once90);
  });

  test('the test would notice an operator who leaves the worker its lease', async () => {
    const { racer } = await arrangeDoubt();
    const { late } = await race(racer('resolve'), racer('settle'), 'bookkeeping.lease-left');
    assert.notEqual(late, 'lease lost');
  });

  test('two operators resolve one packet: the second gets a conflict', async () => {
    const { racer, end } = await arrangeDoubt();
    assert.deepEqual(await race(racer('resolve'), racer('resolve')), { early: 'waits', late: 'conflict' });
    assert.deepEqual(await end(), once90);
  });

  /** A payment of 100 that is on hold; its packets have been rejected so far. */
  async function arrangeStuck() {
    const { granite, marble, payment, processPayment, read } = await arrangePayment(
      db,
      { debitAmount: 100n, receiveAmount: 90n },
      { wrapLink: () => ({ send: async () => ilpReject('T04', 'test.marble', 'no liquidity') }) },
    );
    assert.equal(await processPayment(1), 'pending');
    await granite.worker.stop();
    const racer = (action: string) => [granite.ase, marble.ase, action, payment.id];
    const end = async () => {
      const { outgoing, inDoubt, payer } = await read();
      return { state: outgoing.state, inDoubt: inDoubt.length, payer };
    };
    return { racer, end };
  }

  test('the worker sends a packet: the operator who cancels waits, and gets a conflict', async () => {
    const { racer, end } = await arrangeStuck();
    assert.deepEqual(await race(racer('send'), racer('cancel')), { early: 'waits', late: 'conflict' });
    assert.deepEqual(await end(), { state: 'pending', inDoubt: 1, payer: 0n });
  });

  test('the test would notice an operator who does not look for packets under way', async () => {
    const { racer, end } = await arrangeStuck();
    assert.equal((await race(racer('send'), racer('cancel'), 'cancellation.packet-under-way')).late, 'done');
    assert.deepEqual(await end(), { state: 'failed', inDoubt: 1, payer: 100n });
  });

  test('the operator cancels: the worker finds its lease lost before it stores a packet', async () => {
    const { racer, end } = await arrangeStuck();
    assert.deepEqual(await race(racer('cancel'), racer('send')), { early: 'waits', late: 'lease lost' });
    assert.deepEqual(await end(), { state: 'failed', inDoubt: 0, payer: 100n });
  });

  test('two operators cancel one payment: the second gets a conflict, and one refund is made', async () => {
    const { racer, end } = await arrangeStuck();
    assert.deepEqual(await race(racer('cancel'), racer('cancel')), { early: 'waits', late: 'conflict' });
    assert.deepEqual(await end(), { state: 'failed', inDoubt: 0, payer: 100n });
  });

  for (const mutant of [undefined, 'bookkeeping.reversal-again-and-again']) {
    test(`two reversals of one deposit: ${mutant ?? 'the second waits and gets a conflict'}`, async () => {
      const place = { ase: `basalt-${mutant ?? 'plain'}`, db, asset: EUR };
      const { id, accountId } = await openWallet(place, 50n);
      await db.transaction((tx) =>
        bookTransfer(tx, place.ase, `deposit:again-${id}`, 0, [
          { accountId: internalAccountId('deposit', EUR), amount: -50n },
          { accountId, amount: 50n },
        ]),
      );
      const racer = [place.ase, 'nobody', 'reverse', `deposit:${id}`];
      const { early, late } = await race(racer, racer, mutant);
      assert.equal(early, 'waits');
      assert.equal(late, mutant ? 'done' : 'conflict');
      assert.equal((await readBalances(place))[accountId], mutant ? 0n : 50n);
    });
  }
});
