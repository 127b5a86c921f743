/** Double entry (SET-07): transfers are booked once, balance, and never overdraw a customer. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { sql } from 'kysely';
import { bookTransfer, internalAccountId, openInternalAccount, readTrialBalance } from '../../src/payments/ledger.ts';
import { useTestDatabase } from '../database/support/open.ts';
import fc from '../support/fast-check.ts';
import { needsPostgres } from '../support/postgresql.ts';

const ase = 'granite';
const usd = { code: 'USD', scale: 2 };
const deposit = internalAccountId('deposit', usd);
const [alice, bob] = ['customer:alice', 'customer:bob'];

const db = useTestDatabase();

beforeEach(async () => {
  await db.clear(['granite', 'marble'], 'world');
  await openInternalAccount(db.query, ase, 'deposit', usd);
  await db.query
    .insertInto('account')
    .values(
      [alice, bob].map(
        (id) => ({ ase, id, kind: 'customer', asset_code: 'USD', asset_scale: 2, balance: '0' }) as const,
      ),
    )
    .execute();
});

/** `amount` from one account to another. */
const move = (id: string, from: string, to: string, amount: bigint): Promise<boolean> =>
  db.transaction((tx) =>
    bookTransfer(tx, ase, id, 0, [
      { accountId: from, amount: -amount },
      { accountId: to, amount },
    ]),
  );

const balances = async (): Promise<Record<string, bigint>> =>
  Object.fromEntries((await readTrialBalance(db.query, ase)).lines.map(({ account, balance }) => [account, balance]));

test('ids of internal accounts name kind, peer and asset', () => {
  assert.equal(deposit, 'deposit:USD:2');
  assert.equal(internalAccountId('peer', usd, 'marble'), 'peer:marble:USD:2');
});

test('an account is opened once', async () => {
  assert.equal(await openInternalAccount(db.query, ase, 'deposit', usd), deposit);
  assert.equal((await readTrialBalance(db.query, ase)).lines.length, 3);
});

test('a transfer moves money, and booking its id again changes nothing', async () => {
  assert.equal(await move('a', deposit, alice, 100n), true);
  assert.equal(await move('a', deposit, alice, 100n), false);
  assert.equal(await move('b', alice, bob, 40n), true);
  assert.deepEqual(await balances(), { [alice]: 60n, [bob]: 40n, [deposit]: -100n });
  const { balanced, totals } = await readTrialBalance(db.query, ase);
  assert.equal(balanced, true);
  assert.ok(totals.every(({ debits, credits }) => debits === credits && debits > 0n));
});

test('a customer who has too little pays nothing at all', async () => {
  await move('a', deposit, alice, 100n);
  await assert.rejects(move('b', alice, bob, 101n), { code: 'insufficient_funds' });
  assert.deepEqual(await balances(), { [alice]: 100n, [bob]: 0n, [deposit]: -100n });
  assert.equal(await move('b', alice, bob, 100n), true);
});

test('an account that does not exist refuses the transfer', async () => {
  await assert.rejects(move('a', deposit, 'customer:nobody', 1n));
  await assert.rejects(move('a', 'fee:USD:2', alice, 1n));
  assert.deepEqual(await balances(), { [alice]: 0n, [bob]: 0n, [deposit]: 0n });
});

test('amounts far beyond a double stay exact', async () => {
  const much = 2n ** 64n - 1n;
  await move('a', deposit, alice, much);
  await move('b', deposit, alice, much);
  await move('c', alice, bob, 1n);
  assert.deepEqual(await balances(), { [alice]: 2n * much - 1n, [bob]: 1n, [deposit]: -2n * much });
});

test('ASEs do not see each other', async () => {
  await openInternalAccount(db.query, 'marble', 'deposit', usd);
  await move('a', deposit, alice, 5n);
  assert.deepEqual(
    (await readTrialBalance(db.query, 'marble')).lines.map(({ balance }) => balance),
    [0n],
  );
});

test('after any sequence of transfers the books balance and no account is overdrawn', async () => {
  await move('start', deposit, alice, 500n);
  const account = fc.constantFrom(alice, bob);
  const attempt = fc.record({ id: fc.nat(30), from: account, to: account, amount: fc.bigInt({ min: 0n, max: 400n }) });
  const model = new Map<string, bigint>([
    [alice, 500n],
    [bob, 0n],
  ]);
  const seen = new Set<number>();
  for (const { id, from, to, amount } of fc.sample(attempt, { numRuns: 60, seed: 42 })) {
    if (from === to) continue;
    const enough = model.get(from)! >= amount;
    const booked = await move(`t${id}`, from, to, amount).catch(() => 'refused');
    assert.equal(booked, seen.has(id) ? false : enough ? true : 'refused');
    if (booked !== true) continue;
    seen.add(id);
    model.set(from, model.get(from)! - amount);
    model.set(to, model.get(to)! + amount);
  }
  const { lines, balanced } = await readTrialBalance(db.query, ase);
  assert.equal(balanced, true);
  for (const [id, balance] of model) assert.equal(lines.find(({ account: line }) => line === id)?.balance, balance);
});

/** Resolves when a statement of another connection waits for a lock. */
async function blocked(): Promise<void> {
  const waiting = sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await waiting.execute(db.query)).rows.length === 0);
}

// Other processes of an ASE book on while one of them clears it for a reset.
test('clearing leaves no entry of a transfer that is booked meanwhile', { skip: needsPostgres }, async () => {
  const isBooked = Promise.withResolvers<void>();
  const isCleared = Promise.withResolvers<void>();
  const booking = db.transaction(async (tx) => {
    const entries = [
      { accountId: deposit, amount: -5n },
      { accountId: alice, amount: 5n },
    ];
    await bookTransfer(tx, ase, 'late', 0, entries);
    isBooked.resolve();
    await isCleared.promise;
  });
  await isBooked.promise;
  const clearing = db.clear([ase], 'world');
  await blocked();
  isCleared.resolve();
  await Promise.all([booking, clearing]);
  assert.deepEqual(await db.query.selectFrom('ledger_entry').selectAll().execute(), []);
  assert.deepEqual(await db.query.selectFrom('ledger_transfer').select('id').execute(), []);
});
