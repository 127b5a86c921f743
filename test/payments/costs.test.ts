/**
 * Costs that do not grow with history: rows that are read for a packet of a peer with a limit, for a payment under a
 * grant with intervals, for a page of the ledger, and for the metrics of pending payments. The database counts them, so
 * a slow machine changes nothing.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sql } from 'kysely';
import { sumHeld, summarizePending } from '../../src/administration/outgoing-payments.ts';
import { toInstant, toJson } from '../../src/database/columns.ts';
import type { Transaction } from '../../src/database/database.ts';
import { createIds } from '../../src/ids.ts';
import {
  bookTransfer,
  internalAccountId,
  lockPeerBalance,
  openInternalAccounts,
  readTrialBalance,
} from '../../src/payments/ledger.ts';
import { findSpending, reserveSpendings } from '../../src/payments/outgoing/grant-spending.ts';
import { useTestDatabase } from '../database/support/open.ts';
import { needsPostgres } from '../support/postgresql.ts';
import { createIncomingPayment, createOutgoingPayment, EUR, incomingPaymentUrl, USD } from './support/payment-rows.ts';
import { createTwoAses } from './support/two-ases.ts';

const ase = 'granite';
const exchange = internalAccountId('exchange', EUR);
const accountOf = (peer: string) => internalAccountId('peer', EUR, peer);

const db = useTestDatabase();

/** Rows of a table that `work` reads, those of its deferred triggers included. */
const countRows = (table: string, work: (tx: Transaction) => Promise<unknown>): Promise<number> =>
  db.transaction(async (tx) => {
    const read = async (): Promise<number> => {
      const { rows } = await sql<{ rows: string }>`
        select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as rows
        from pg_stat_xact_user_tables where relname = ${table}`.execute(tx);
      return Number(rows[0]?.rows ?? 0);
    };
    const earlier = await read();
    await work(tx);
    await sql`set constraints all immediate`.execute(tx);
    return (await read()) - earlier;
  });

let booked = 0;
const book = (tx: Transaction, peer: string, amount: bigint) => {
  booked += 1;
  return bookTransfer(tx, ase, `packet:${booked}`, 0, [
    { accountId: accountOf(peer), amount: -amount },
    { accountId: exchange, amount },
  ]);
};

/** A peer that owes 1 for each of so many packets. */
async function createPeer(peer: string, packets: number): Promise<void> {
  await openInternalAccounts(db.query, ase, [
    { kind: 'exchange', asset: EUR },
    { kind: 'peer', asset: EUR, peer },
  ]);
  await db.transaction(async (tx) => {
    const ids = sql`select ${`history:${peer}:`} || n as id from generate_series(1, ${sql.lit(packets)}) as n`;
    await sql`insert into ledger_transfer (ase, id, created_at) select ${ase}, id, now() from (${ids}) t`.execute(tx);
    await sql`insert into ledger_entry (ase, transfer_id, account_id, amount)
      select ${ase}, id, side.account_id, side.amount from (${ids}) t,
      (values (${accountOf(peer)}, -1), (${exchange}, 1)) as side (account_id, amount)`.execute(tx);
  });
}

describe('the balance of a peer with a limit', () => {
  test('takes as many entries for a packet after 2,000 packets as after 20', async () => {
    const reads: number[] = [];
    for (const [peer, packets] of [
      ['short', 20],
      ['long', 2_000],
    ] as const) {
      await createPeer(peer, packets);
      const receive = async (tx: Transaction) => {
        await lockPeerBalance(tx, ase, accountOf(peer));
        await book(tx, peer, 1n);
      };
      // Counts the entries once.
      await db.transaction(receive);
      reads.push(await countRows('ledger_entry', receive));
      const owed = await db.transaction((tx) => lockPeerBalance(tx, ase, accountOf(peer)));
      assert.equal(owed, BigInt(-packets - 2));
    }
    assert.equal(reads[0], reads[1]);
    assert.ok(reads[0]! <= 8, `${reads[0]} entries`);
  });

  test('follows entries in both directions, and the trial balance compares it with them', async () => {
    await createPeer('busy', 5);
    await db.transaction((tx) => lockPeerBalance(tx, ase, accountOf('busy')));
    await db.transaction((tx) => book(tx, 'busy', 7n));
    await db.transaction((tx) => book(tx, 'busy', -4n));
    await assert.rejects(
      db.transaction(async (tx) => {
        await book(tx, 'busy', 100n);
        throw new Error('rolled back');
      }),
    );
    assert.equal(await db.transaction((tx) => lockPeerBalance(tx, ase, accountOf('busy'))), -8n);
    assert.equal((await readTrialBalance(db.query, ase)).balanced, true);
    await db.query.updateTable('account').set({ balance: '-9' }).where('id', '=', accountOf('busy')).execute();
    assert.equal((await readTrialBalance(db.query, ase)).balanced, false);
    await db.query.updateTable('account').set({ balance: '-8' }).where('id', '=', accountOf('busy')).execute();
  });

  test('waits, when it is first asked for, for entries that are being booked', { skip: needsPostgres }, async () => {
    await createPeer('racing', 3);
    let isKnown = false;
    let first: Promise<bigint> | undefined;
    await db.transaction(async (tx) => {
      await book(tx, 'racing', 10n);
      first = db.query.transaction().execute((other) => lockPeerBalance(other, ase, accountOf('racing')));
      void first.then(() => {
        isKnown = true;
      });
      // Either it waits for this transaction, or it does not and is wrong below.
      const waits = sql<{ n: number }>`select count(*)::int as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      while (!isKnown && (await waits.execute(db.query)).rows[0]!.n === 0);
    });
    assert.equal(await first, -13n);
    assert.equal((await readTrialBalance(db.query, ase)).balanced, true);
  });
});

test('a page of the ledger reads the entries of its accounts only', async () => {
  await createPeer('page-1', 20);
  await createPeer('page-2', 2_000);
  await sql`analyze ledger_entry`.execute(db.query);
  await sql`analyze account`.execute(db.query);
  const page = { after: 'peer:page-0', limit: 1 };
  const { lines, hasMore } = await readTrialBalance(db.query, ase, page);
  assert.deepEqual([lines.map(({ account }) => account), hasMore], [[accountOf('page-1')], true]);
  // One account more is selected, to know that there is one, and its entries are not read.
  assert.equal(await countRows('ledger_entry', (tx) => readTrialBalance(tx, ase, page)), 20);
});

test('the metrics of pending payments read these only', async () => {
  const { granite, marble } = createTwoAses({ db });
  const receiver = incomingPaymentUrl(marble.ase, await createIncomingPayment(marble));
  const amounts = { debitAmount: 100n, receiveAmount: 90n };
  const { id } = await createOutgoingPayment(granite, { ...amounts, receiver, receiveAsset: EUR });
  await sql`insert into quote select (jsonb_populate_record(q, jsonb_build_object('id', q.id || n))).*
    from quote q, generate_series(1, 2000) n where q.ase = ${granite.ase}`.execute(db.query);
  await sql`insert into outgoing_payment select (jsonb_populate_record(p, jsonb_build_object('id', p.id || n,
      'quote_id', p.quote_id || n, 'state', 'completed', 'funded', true, 'next_attempt_at', null))).*
    from outgoing_payment p, generate_series(1, 2000) n where p.id = ${id}`.execute(db.query);
  await db.query.updateTable('outgoing_payment').set({ funded: true }).where('id', '=', id).execute();
  await openInternalAccounts(db.query, granite.ase, [{ kind: 'hold', asset: USD }]);
  for (const table of ['outgoing_payment', 'quote', 'account'])
    await sql`analyze ${sql.table(table)}`.execute(db.query);
  const held = await sumHeld(db.query);
  assert.deepEqual(held, [{ ase: granite.ase, asset: USD, value: 100n }]);
  assert.equal(await countRows('outgoing_payment', (tx) => sumHeld(tx)), 1);
  await db.query
    .insertInto('ase')
    .values({ ase: granite.ase, secrets: toJson([]) })
    .execute();
  const [pending] = await summarizePending(db.query, Date.now());
  assert.equal(pending?.count, 1);
  assert.equal(await countRows('outgoing_payment', (tx) => summarizePending(tx, Date.now())), 1);
});

describe('a payment under a grant', () => {
  const HOUR = 3_600_000;
  const start = Date.parse('2024-01-01T00:00:00Z');
  const ids = createIds('costs', 'test');

  /** A grant whose hourly limit has been used in so many intervals. */
  async function createGrant(grantId: string, intervals: number) {
    await db.query.insertInto('outgoing_payment_grant').values({ ase, grant_id: grantId }).execute();
    await sql`insert into grant_spending (ase, id, grant_id, identifier, interval_start, debit_asset_code,
        debit_asset_scale, receive_asset_code, receive_asset_scale, spent_debit, spent_receive, updated_at)
      select ${ase}, ${grantId} || n, ${grantId}, 'alice', i, 'USD', 2, 'EUR', 2, 1, 1, i
      from (select n, ${toInstant(start)}::timestamptz + n * interval '1 hour' as i
        from generate_series(0, ${sql.lit(intervals - 1)}) as n) as used`.execute(db.query);
    return {
      ase,
      ids,
      grantId,
      identifier: 'alice',
      limits: { interval: 'R/2024-01-01T00:00:00Z/PT1H' },
      debit: { value: 1n, asset: { code: 'USD', scale: 2 } },
      receive: { value: 1n, asset: EUR },
      receiver: 'https://marble.example/incoming-payments/1',
      now: start + intervals * HOUR,
    };
  }

  test('reads as many rows after 3,000 used intervals as after 30', async () => {
    const grants = [await createGrant('short', 30), await createGrant('long', 3_000)];
    await sql`analyze grant_spending`.execute(db.query);
    const costs: number[][] = [];
    for (const grant of grants) {
      const count = (work: (tx: Transaction) => Promise<unknown>) => countRows('grant_spending', work);
      const unused = await count((tx) => findSpending(tx, grant));
      const first = await count((tx) => reserveSpendings(tx, [grant], async () => {}));
      const second = await count((tx) => reserveSpendings(tx, [grant], async () => {}));
      const used = await count((tx) => findSpending(tx, grant));
      costs.push([unused, first, second, used]);
    }
    assert.deepEqual(costs[0], costs[1]);
    assert.ok(
      costs[0]!.every((rows) => rows <= 5),
      `${costs[0]}`,
    );
  });
});
