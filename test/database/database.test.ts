/** The unit of work: transactions, the guard against waiting inside one, directories and what a reset removes. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { toInstant } from '../../src/database/columns.ts';
import type { Database, Queryable } from '../../src/database/database.ts';
import { afterCommit, assertOutsideTransaction, openDatabase } from '../../src/database/database.ts';
import { statement } from '../../src/database/statement.ts';
import { useTestDatabase } from './support/open.ts';

const db = useTestDatabase();
afterEach(() => db.clear(['granite', 'marble'], 'world'));

const remember = (query: Queryable, grant_id: string) =>
  query.insertInto('outgoing_payment_grant').values({ ase: 'granite', grant_id }).execute();
const remembered = (from: Database = db) =>
  from.query.selectFrom('outgoing_payment_grant').select('grant_id').execute();

test('a transaction is kept as a whole, or not at all', async () => {
  const result = await db.transaction(async (tx) => {
    await remember(tx, 'kept');
    return 7;
  });
  assert.equal(result, 7);
  const failure = new Error('no');
  const failing = db.transaction(async (tx) => {
    await remember(tx, 'dropped');
    throw failure;
  });
  await assert.rejects(failing, failure);
  assert.deepEqual(await remembered(), [{ grant_id: 'kept' }]);
});

test('waiting for the network inside a transaction throws, also behind an await; outside it does not', async () => {
  assertOutsideTransaction('a request');
  await db.transaction(async (tx) => {
    assert.throws(() => assertOutsideTransaction('a request'), /a request inside a database transaction/);
    await remember(tx, 'x');
    await Promise.resolve();
    assert.throws(() => assertOutsideTransaction('a request'));
  });
  assertOutsideTransaction('a request');
});

const echo = statement(
  (_db, { text }: { readonly text: string }) => sql<{ text: string }>`select ${text}::text as text`,
);

describe('on the embedded database', () => {
  let embedded: Database;
  before(async () => {
    embedded = await openDatabase({ kind: 'embedded' });
  });
  after(() => embedded.close());

  test('a turn of the event loop comes after each statement, of whichever request', async () => {
    let turns = 0;
    let isRunning = true;
    const turn = (): void => {
      turns += 1;
      if (isRunning) setImmediate(turn);
    };
    turn();
    const turnAfter = (work: Promise<unknown>): Promise<number> => work.then(() => turns);
    const alone = Array.from({ length: 10 }, () => turnAfter(remembered(embedded)));
    const together = turnAfter(
      embedded.transaction(async (tx) => {
        await Promise.all(Array.from({ length: 5 }, (_, n) => echo.all(tx, { text: `${n}` })));
      }),
    );
    const finished = await Promise.all(alone).finally(() => together);
    const last = await together;
    isRunning = false;
    assert.equal(new Set(finished).size, finished.length, `statements ended in the turns ${finished.join(' ')}`);
    assert.ok(last >= Math.max(...finished) + 5);
  });

  test('each statement gets its own answer, also after one that fails', async () => {
    const select = (text: string) => sql.raw(text).execute(embedded.query);
    for (const text of ['select 1 / 0', 'nonsense']) {
      const [failed, ...others] = await Promise.allSettled([text, 'select 1 as n', 'select 2 as n'].map(select));
      assert.equal(failed!.status, 'rejected');
      assert.deepEqual(
        others.map((other) => other.status === 'fulfilled' && other.value.rows),
        [[{ n: 1 }], [{ n: 2 }]],
      );
    }
    const failing = embedded.transaction((tx) =>
      Promise.all([sql.raw('select 1 / 0').execute(tx), remember(tx, 'no')]),
    );
    await assert.rejects(failing, /division by zero/);
    assert.deepEqual((await select('select 3 as n')).rows, [{ n: 3 }]);
  });

  test('of what a transaction does at once, nothing is done after one part of it has failed', async () => {
    const together = embedded.transaction(async (tx) => {
      const failing = remember(tx, 'first').then(() => {
        throw new Error('this part fails');
      });
      await Promise.all([failing, ...['second', 'third', 'fourth'].map((id) => remember(tx, id))]);
    });
    await assert.rejects(together, /this part fails/);
    // Takes its turn after those that are queued.
    await remember(embedded.query, 'later');
    const ids = (await remembered(embedded)).map(({ grant_id }) => grant_id);
    assert.deepEqual(ids, ['later']);
  });
});

test('a transaction does not begin inside another', async () => {
  await assert.rejects(
    db.transaction(() => db.transaction(async () => {})),
    /a second transaction inside a database transaction/,
  );
  assert.deepEqual(await remembered(), []);
});

test('what waits for a commit is called once after it, outside the transaction, and never after a rollback', async () => {
  const calls: string[] = [];
  const callback = () => {
    assertOutsideTransaction('a callback');
    calls.push('committed');
  };
  await db.transaction(async (tx) => {
    afterCommit(callback);
    await remember(tx, 'x');
    afterCommit(callback);
    assert.deepEqual(calls, []);
  });
  assert.deepEqual(calls, ['committed']);
  const failing = db.transaction(async () => {
    afterCommit(() => calls.push('rolled back'));
    throw new Error('no');
  });
  await assert.rejects(failing, /no/);
  assert.deepEqual(calls, ['committed']);
  assert.throws(() => afterCommit(callback), /outside a database transaction/);
});

test('clearing removes the rows of the ASEs that are named, also of the ledger', async () => {
  await remember(db.query, 'x');
  const transfer = { ase: 'granite', id: 't', created_at: toInstant(0) };
  await db.query
    .insertInto('ledger_transfer')
    .values([transfer, { ...transfer, ase: 'marble' }])
    .execute();
  await db.clear(['granite'], 'world');
  assert.deepEqual(await remembered(), []);
  const left = await db.query.selectFrom('ledger_transfer').select('ase').execute();
  assert.deepEqual(left, [{ ase: 'marble' }]);
  await assert.rejects(db.query.deleteFrom('ledger_transfer').execute(), /append-only/);
});

test('a directory keeps its rows, and only one opens it at a time', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-data-'));
  const options = { kind: 'embedded', directory } as const;
  try {
    const first = await openDatabase(options);
    await remember(first.query, 'stays');
    await assert.rejects(openDatabase(options), /in use/);
    await first.close();
    const second = await openDatabase(options);
    assert.deepEqual(await remembered(second), [{ grant_id: 'stays' }]);
    await second.close();
  } finally {
    await rm(directory, { recursive: true });
  }
});
