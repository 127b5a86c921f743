/** The clock of a world while another read of it is under way. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WorldClock } from '../../src/clock.ts';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { createSharedState } from '../../src/world/shared-state.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';

let db: Database;
let drop: () => Promise<void>;
before(async () => {
  if (needsPostgres) return;
  const created = await createTestDatabase();
  drop = created.drop;
  db = await openDatabase({ kind: 'postgresql', url: created.url });
});
after(async () => {
  await db?.close();
  await drop?.();
});

test('a refresh between a change of the clock and its commit does not bring the earlier one back', {
  skip: needsPostgres,
}, async () => {
  const clock = new WorldClock();
  const delayed: Database = {
    ...db,
    transaction: (work) =>
      db.transaction(async (tx) => {
        const result = await work(tx);
        await state.refresh();
        return result;
      }),
  };
  const state = createSharedState(delayed, 'main', clock, true);
  await state.open('auto');
  await state.changeClock({ action: 'freeze' });
  const time = Date.parse('2030-02-28T23:59:59.999Z');
  await state.changeClock({ action: 'set', time });
  assert.equal(clock.businessNow(), time);
});
