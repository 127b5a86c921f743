/**
 * Races for one incoming payment: two receiving processes on one PostgreSQL. Each is run a second time with the guard
 * taken away, to see that the test would notice.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { deserializeIlpReply, isFulfill } from 'ilp-packet';
import { sql } from 'kysely';
import { type Database, openDatabase } from '../../../src/database/database.ts';
import { createIlpOverHttpLink } from '../../../src/payments/ilp/ilp-over-http.ts';
import { connectionAddress, createStreamPrepare } from '../../../src/payments/ilp/stream-sender.ts';
import { openInternalAccount } from '../../../src/payments/ledger.ts';
import { createTestDatabase, needsPostgres } from '../../support/postgresql.ts';
import {
  type AsePlace,
  createIncomingPayment,
  createOutgoingPayment,
  EUR,
  incomingPaymentUrl,
  readBalances,
  readIncomingPayment,
  readOutgoingPayment,
  showReceiver,
  TestClock,
} from '../support/payment-rows.ts';
import { type AseProcess, spawnAse } from '../support/spawn-ase.ts';
import { createTwoAses } from '../support/two-ases.ts';

describe('two receiving processes', { skip: needsPostgres }, () => {
  let url: string;
  let drop: () => Promise<void>;
  let db: Database;
  let marble: AsePlace;
  const processes: AseProcess[] = [];
  const links: ReturnType<typeof createIlpOverHttpLink>[] = [];

  async function startTwo(withoutRowLocks: boolean): Promise<void> {
    await stop();
    const setting = {
      ase: 'marble',
      databaseUrl: url,
      port: 0,
      peer: { name: 'granite', origin: 'http://127.0.0.1:1' },
      maxPacketAmount: '1000000',
      withoutRowLocks,
    };
    processes.push(...(await Promise.all([spawnAse(setting), spawnAse(setting)])));
    links.push(...processes.map(({ origin }) => createIlpOverHttpLink({ origin, token: 'token-of-granite' })));
  }
  async function stop(): Promise<void> {
    for (const link of links.splice(0)) link.close();
    for (const ase of processes.splice(0)) await ase.kill();
  }

  before(async () => {
    ({ url, drop } = await createTestDatabase());
    db = await openDatabase({ kind: 'postgresql', url });
    marble = { ase: 'marble', db, asset: EUR };
    await startTwo(false);
  });
  after(async () => {
    await stop();
    await db.close();
    await drop();
  });

  /** Gives the packets to both processes, all at once. Returns the outcomes in order. */
  async function race(packets: readonly Buffer[]): Promise<string[]> {
    const replies = await Promise.all(packets.map((packet, i) => links[i % links.length]!.send(EUR, packet)));
    return replies.map((bytes) => {
      const reply = deserializeIlpReply(bytes);
      return isFulfill(reply) ? 'fulfilled' : reply.code;
    });
  }

  async function makePackets(incomingId: string, count: number): Promise<Buffer[]> {
    const { ilp } = await showReceiver(marble, incomingId);
    const expiresAt = Date.now() + 30_000;
    const make = (_: unknown, sequence: number) => createStreamPrepare({ ...ilp!, sequence, amount: 100n, expiresAt });
    return (await Promise.all(Array.from({ length: count }, make))).map(({ prepare }) => prepare);
  }

  /** Copies of one packet to a payment without a cap. */
  async function raceOfDuplicates() {
    const id = await createIncomingPayment(marble);
    const [packet] = await makePackets(id, 1);
    const outcomes = await race(Array.from({ length: 20 }, () => packet!));
    return { outcomes, received: (await readIncomingPayment(marble, id)).receivedAmount };
  }

  /** Twenty packets to a payment that takes five. */
  async function raceForTheCap() {
    const id = await createIncomingPayment(marble, { incomingAmount: 500n });
    const outcomes = await race(await makePackets(id, 20));
    const fulfilled = outcomes.filter((outcome) => outcome === 'fulfilled').length;
    return { fulfilled, received: (await readIncomingPayment(marble, id)).receivedAmount };
  }

  /** Two payments of 200 to one that takes less than both, two packets each, at once. Returns what each has delivered. */
  async function raceForTheRoom(incomingAmount: bigint): Promise<number[]> {
    const id = await createIncomingPayment(marble, { incomingAmount });
    const { ilp } = await showReceiver(marble, id);
    const delivered = [0, 0];
    for (let sequence = 1; sequence <= 2; sequence += 1) {
      const packets = await Promise.all(
        ['a', 'b'].map(async (payment, i) => {
          const address = connectionAddress(ilp!.address, payment);
          const amounts = { amount: 100n, total: 200n, delivered: BigInt(delivered[i]!) };
          const expiresAt = Date.now() + 30_000;
          const { sharedSecret } = ilp!;
          return (await createStreamPrepare({ address, sharedSecret, sequence, expiresAt, ...amounts })).prepare;
        }),
      );
      for (const [i, outcome] of (await race(packets)).entries()) if (outcome === 'fulfilled') delivered[i]! += 100;
    }
    return delivered.toSorted((a, b) => a - b);
  }

  /** Without its guard a race goes wrong often, not always: whether one of twenty does. */
  async function happens(goesWrong: () => Promise<boolean>): Promise<boolean> {
    for (let tries = 0; tries < 20; tries += 1) if (await goesWrong()) return true;
    return false;
  }

  it('book copies of one packet once and give all of them the same answer', async () => {
    const { outcomes, received } = await raceOfDuplicates();
    assert.deepEqual(new Set(outcomes), new Set(['fulfilled']));
    assert.equal(received, 100n);
    await readBalances(marble);
  });

  it('never take more than the incoming amount (RS-IP-32)', async () => {
    assert.deepEqual(await raceForTheCap(), { fulfilled: 5, received: 500n });
  });

  for (const incomingAmount of [200n, 300n]) {
    it(`of two payments of 200 to one of ${incomingAmount} one delivers all and the other nothing (RS-OP-32)`, async () => {
      for (let races = 0; races < 5; races += 1) assert.deepEqual(await raceForTheRoom(incomingAmount), [0, 200]);
    });
  }

  it('book packets of one payment in any order, and another gets none of the room that they need (RS-OP-32)', async () => {
    for (let races = 0; races < 5; races += 1) {
      const id = await createIncomingPayment(marble, { incomingAmount: 600n });
      const { ilp } = await showReceiver(marble, id);
      const make = async (payment: string, sequence: number, total?: bigint) => {
        const address = connectionAddress(ilp!.address, payment);
        const said = total === undefined ? {} : { total };
        const terms = { address, sequence, amount: 100n, expiresAt: Date.now() + 30_000, ...said };
        return (await createStreamPrepare({ ...terms, sharedSecret: ilp!.sharedSecret })).prepare;
      };
      assert.deepEqual(await race([await make('a', 1, 500n)]), ['fulfilled']);
      const rest = await Promise.all([2, 3, 4, 5].map((sequence) => make('a', sequence)));
      const others = await Promise.all([1, 2, 3, 4].map((sequence) => make('b', sequence, 200n)));
      const outcomes = await race([0, 1, 2, 3].flatMap((i) => [others[i]!, rest[i]!]));
      const outcomesOf = (first: number) => outcomes.filter((_, i) => i % 2 === first);
      assert.deepEqual(outcomesOf(1), ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled']);
      assert.ok(outcomesOf(0).every((outcome) => outcome !== 'fulfilled'));
      assert.equal((await readIncomingPayment(marble, id)).receivedAmount, 500n);
    }
  });

  describe('a packet that has to wait', () => {
    /** A packet that expires in a second, and how to hold rows that its booking needs. */
    async function arrange() {
      const clock = new TestClock();
      const { granite, marble: receiver } = createTwoAses({ db, clock });
      const id = await createIncomingPayment(receiver);
      // The first packet of a peer would open it, and be booked after that.
      await openInternalAccount(db.query, receiver.ase, 'peer', EUR, granite.ase);
      const { ilp } = await showReceiver(receiver, id);
      const expiresAt = clock.wall + 1_000;
      const { prepare } = await createStreamPrepare({ ...ilp!, sequence: 1, amount: 100n, expiresAt });
      const { accountId } = await readIncomingPayment(receiver, id);
      const give = () => receiver.connector.receive(granite.ase, EUR, prepare);
      const hold = (table: 'account' | 'incoming_payment', rowId: string, work: () => Promise<void>) =>
        db.query.transaction().execute(async (tx) => {
          await tx.selectFrom(table).select('id').where('id', '=', rowId).forUpdate().execute();
          await work();
        });
      const expire = () => {
        clock.wall = expiresAt;
      };
      const received = async () => (await readIncomingPayment(receiver, id)).receivedAmount;
      return { id, accountId, give, hold, expire, received };
    }

    async function untilWaiting(count: number): Promise<void> {
      const waiting = sql<{ n: number }>`select count(*)::int as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      for (let looks = 0; looks < 5_000; looks += 1) {
        if ((await waiting.execute(db.query)).rows[0]!.n >= count) return;
      }
      throw new Error(`${count} transactions should be waiting for a lock`);
    }

    it('is booked, and its expired copy waits for that', async () => {
      const { accountId, give, hold, expire, received } = await arrange();
      const replies: Promise<Buffer>[] = [];
      // A lock on the payee's account keeps the first copy from committing.
      await hold('account', accountId, async () => {
        replies.push(give());
        await untilWaiting(1);
        expire();
        replies.push(give());
        await untilWaiting(2);
      });
      const [first, copy] = await Promise.all(replies);
      assert.ok(isFulfill(deserializeIlpReply(first!)));
      assert.deepEqual(copy, first);
      assert.equal(await received(), 100n);
    });

    it('and expires before its turn is not booked: R00 may have been said of a copy', async () => {
      const { id, give, hold, expire, received } = await arrange();
      let reply: Promise<Buffer> | undefined;
      await hold('incoming_payment', id, async () => {
        reply = give();
        await untilWaiting(1);
        expire();
      });
      const answer = deserializeIlpReply(await reply!);
      assert.equal(isFulfill(answer) ? 'fulfilled' : answer.code, 'R00');
      assert.equal(await received(), 0n);
    });
  });

  it('without row locks would exceed the cap', async () => {
    await startTwo(true);
    assert.ok(await happens(async () => (await raceForTheCap()).received > 500n));
    await startTwo(false);
  });

  it('without the unique keys of journal and ledger would book a copy twice', async () => {
    for (const table of ['ledger_entry', 'ledger_transfer', 'incoming_packet']) {
      await sql`alter table ${sql.table(table)} drop constraint ${sql.ref(`${table}_pkey`)} cascade`.execute(db.query);
    }
    assert.ok(await happens(async () => (await raceOfDuplicates()).received > 100n));
  });
});

describe('workers that send one payment, several packets at once', { skip: needsPostgres }, () => {
  it('take it from each other again and again, and the amount arrives once', async () => {
    const { url, drop } = await createTestDatabase();
    const db = await openDatabase({ kind: 'postgresql', url });
    const clock = new TestClock();
    // Each packet gives another worker the chance to take the payment over.
    let takeOver = async (): Promise<void> => {};
    const { granite, marble, newWorker } = createTwoAses({
      ...{ db, clock, maxPacketAmount: 10n },
      wrapLink: (link) => ({
        async send(...packet) {
          const [answer] = await Promise.all([link.send(...packet), takeOver()]);
          return answer;
        },
      }),
    });
    const incomingId = await createIncomingPayment(marble);
    const receiver = incomingPaymentUrl(marble.ase, incomingId);
    const amounts = { receiver, receiveAsset: EUR, debitAmount: 1_000n, receiveAmount: 900n };
    const { id, payerAccountId } = await createOutgoingPayment(granite, amounts);
    const attempts: Promise<unknown>[] = [];
    takeOver = async () => {
      if (attempts.length >= 12) return;
      clock.wall += 11_000;
      attempts.push(newWorker().processNow(id));
    };
    attempts.push(granite.worker.processNow(id));
    for (let done = 0; done < attempts.length; ) {
      done = attempts.length;
      await Promise.all(attempts);
    }
    takeOver = async () => {};
    for (let tries = 0; tries < 10; tries += 1) {
      clock.wall += 31_000;
      if ((await granite.worker.processNow(id)) !== 'pending') break;
    }
    const { state, sentAmount, deliveredAmount } = await readOutgoingPayment(granite, id);
    assert.deepEqual([state, sentAmount, deliveredAmount], ['completed', 1_000n, 900n]);
    assert.equal((await readIncomingPayment(marble, incomingId)).receivedAmount, 900n);
    const balances = await readBalances(granite);
    assert.deepEqual([balances[payerAccountId], balances['hold:USD:2']], [0n, 0n]);
    const packets = await db.query.selectFrom('outgoing_packet').select(['sequence', 'state', 'amount']).execute();
    assert.equal(new Set(packets.map(({ sequence }) => sequence)).size, packets.length, 'a sequence is used once');
    const fulfilled = packets.filter((packet) => packet.state === 'fulfilled');
    assert.equal(
      fulfilled.reduce((sum, { amount }) => sum + BigInt(amount), 0n),
      900n,
    );
    await db.close();
    await drop();
  });
});
