/**
 * Races of operators and payment workers in processes on one PostgreSQL. A transfer is reversed once, and a packet
 * in doubt is booked once. The races also run with mutants, to prove that the test would notice.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { getPeerPacket } from '../../src/administration/peer-statement.ts';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { bookTransfer, internalAccountId } from '../../src/payments/ledger.ts';
import { nameDatabase, skipWithoutPostgres } from '../database/support/open.ts';
import { arrangePayment } from '../payments/support/arrange-payment.ts';
import { EUR, openWallet, prefixOf, readBalances } from '../payments/support/two-ases.ts';

const racerFile = join(import.meta.dirname, 'support', 'bookkeeping-racer.ts');
const mutantHook = join(import.meta.dirname, '..', 'mutants', 'register.ts');

describe('races for the ledger', { skip: skipWithoutPostgres, timeout: 120_000 }, () => {
  let url: string;
  let drop: () => Promise<void>;
  let db: Database;
  before(async () => {
    ({ url, drop } = nameDatabase('bookkeeping'));
    db = await openDatabase({ kind: 'postgresql', url });
  });
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  after(async () => {
    await db.close();
    await drop();
  });

  async function startRacer(args: readonly string[], mutant: string | undefined) {
    const child = fork(racerFile, [url, ...args], {
      execArgv: mutant ? ['--import', mutantHook] : [],
      env: { ...process.env, ...(mutant && { TOUCHSTONE_MUTANT: mutant }) },
    });
    children.push(child);
    const exit = once(child, 'exit');
    assert.equal(await nextMessage(child), 'ready');
    return { child, exit };
  }

  const nextMessage = async (child: ChildProcess): Promise<string> => (await once(child, 'message'))[0];

  /** Resolves when a session waits for a lock, or when `isOver`. */
  async function lockAwaited(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const { rows } = await sql`select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(db.query);
      if (rows.length > 0) return;
    }
  }

  /** The second process acts while the first holds its transaction open. Returns how the second begins and ends. */
  async function race(first: readonly string[], second: readonly string[], mutant?: string) {
    const a = await startRacer(first, mutant);
    const b = await startRacer(second, mutant);
    const done = nextMessage(a.child);
    a.child.send('go');
    assert.equal(await done, 'done');
    let isAnswered = false;
    const answer = nextMessage(b.child).finally(() => {
      isAnswered = true;
    });
    b.child.send('go');
    const watching = lockAwaited(() => isAnswered);
    const early = await Promise.race([answer, watching.then(() => 'waits')]);
    a.child.send('commit');
    const late = await answer;
    if (late === 'done') b.child.send('commit');
    await Promise.all([a.exit, b.exit, watching]);
    return { early, late };
  }

  /** A payment of 100 with one packet that marble has booked, but whose fate granite does not know. */
  async function arrangeDoubt() {
    const { granite, marble, payment, processPayment, read } = await arrangePayment(
      db,
      { debitAmount: 100n, receiveAmount: 90n },
      { fault: () => 'answer lost' },
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
