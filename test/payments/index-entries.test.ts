/** Changes on the hot path that renew no index entry, as PostgreSQL counts them within a transaction. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { Transaction } from '../../src/database/database.ts';
import { createIds } from '../../src/ids.ts';
import { afterCredit, lockCreditable, storeCredited } from '../../src/payments/incoming/credit.ts';
import { reserveSpendings } from '../../src/payments/outgoing/grant-spending.ts';
import { useTestDatabase } from '../database/support/open.ts';
import { createIncomingPayment, EUR } from './support/payment-rows.ts';

const ase = 'marble';
const db = useTestDatabase();

/** Updates of a table by `work`, and those of them that renewed no index entry. */
async function countUpdates(tx: Transaction, table: string, work: () => Promise<unknown>) {
  const read = async () => {
    const { rows } = await sql<{ all: number; hot: number }>`
      select pg_stat_get_xact_tuples_updated(oid)::int as all, pg_stat_get_xact_tuples_hot_updated(oid)::int as hot
      from (select ${table}::regclass as oid) as of`.execute(tx);
    return rows[0]!;
  };
  const before = await read();
  await work();
  const after = await read();
  return { all: after.all - before.all, hot: after.hot - before.hot };
}

test('a credit that completes a payment renews none; only a partly paid one is in the index of expiries', async () => {
  const credit = async (id: string, amount: bigint) =>
    db.transaction(async (tx) => {
      const payment = (await lockCreditable(tx, ase, id))!;
      const credited = { payment: afterCredit(payment, amount, { wallNow: 0 }), amount };
      const updates = await countUpdates(tx, 'incoming_payment', () => storeCredited(tx, ase, [credited]));
      const { partly_paid: partlyPaid } = await tx
        .selectFrom('incoming_payment')
        .select('partly_paid')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return { partlyPaid, ...updates };
    });
  const once = await createIncomingPayment({ ase, db, asset: EUR }, { incomingAmount: 10n });
  assert.deepEqual(await credit(once, 10n), { partlyPaid: false, all: 1, hot: 1 });
  const inParts = await createIncomingPayment({ ase, db, asset: EUR }, { incomingAmount: 10n });
  assert.deepEqual(await credit(inParts, 3n), { partlyPaid: true, all: 1, hot: 0 });
  assert.deepEqual(await credit(inParts, 3n), { partlyPaid: true, all: 1, hot: 1 });
  assert.deepEqual(await credit(inParts, 4n), { partlyPaid: false, all: 1, hot: 0 });
});

test('a further use of a grant renews none, unless another asset was received since', async () => {
  const ids = createIds('spending', ase);
  const spend = (now: number, code: string) =>
    db.transaction((tx) => {
      const receive = { value: 1n, asset: { code, scale: 2 } };
      const item = { ase, grantId: 'grant', identifier: '', limits: undefined, receiver: 'https://marble.example/' };
      const spending = { ...item, now, ids, debit: { value: 1n, asset: EUR }, receive };
      return countUpdates(tx, 'grant_spending', () => reserveSpendings(tx, [spending], async () => {}));
    });
  assert.deepEqual(await spend(1, 'EUR'), { all: 0, hot: 0 });
  assert.deepEqual(await spend(2, 'EUR'), { all: 1, hot: 1 });
  assert.deepEqual(await spend(3, 'USD'), { all: 0, hot: 0 });
  assert.deepEqual(await spend(4, 'EUR'), { all: 1, hot: 0 });
});
