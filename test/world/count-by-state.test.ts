/** Counts by state for metrics: right for any size of slice, and not made too often. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toInstant, toJson } from '../../src/database/columns.ts';
import { createStateCounter } from '../../src/world/count-by-state.ts';
import { useTestDatabase } from '../database/support/open.ts';

const ases = ['granite', 'marble'];
const db = useTestDatabase(async () => {
  for (const ase of ases) {
    await db.query
      .insertInto('ase')
      .values({ ase, secrets: toJson([]), settings_version: 0 })
      .execute();
  }
  for (let i = 0; i < 10; i++) await storeEvent(ases[i % 2]!, i, i % 5 === 0 ? 'delivered' : 'pending');
});

const storeEvent = (ase: string, number: number, state: 'pending' | 'delivered') =>
  db.query
    .insertInto('webhook_event')
    .values({
      ...{
        ase,
        subject: `payment-${number >> 2}`,
        sequence: number,
        id: `${number}`,
        type: 'incoming_payment.created',
      },
      ...{ body: '{}', state, attempts: 0, created_at: toInstant(0), due_at: toInstant(0) },
    })
    .execute();

const sorted = (counts: readonly { ase: string; state: string; count: number }[]) =>
  counts.map(({ ase, state, count }) => `${ase} ${state} ${count}`).sort();
const ten = ['granite delivered 1', 'granite pending 4', 'marble delivered 1', 'marble pending 4'];

for (const slice of [1, 2, 3, 5, 9, 10, 11]) {
  test(`all rows are counted once, ${slice} at a time`, async () => {
    assert.deepEqual(sorted(await createStateCounter('webhook_event', { slice })(db.query)), ten);
  });
}

test('an empty table has no counts', async () => {
  assert.deepEqual(await createStateCounter('outgoing_packet')(db.query), []);
  assert.deepEqual(await createStateCounter('outgoing_payment', { slice: 1 })(db.query), []);
});

test('counts of more than a slice are kept for a minute, others are made each time', async () => {
  let now = 0;
  const countLarge = createStateCounter('webhook_event', { slice: 9, now: () => now });
  const countSmall = createStateCounter('webhook_event', { slice: 20, now: () => now });
  const [first, second] = await Promise.all([countLarge(db.query), countLarge(db.query)]);
  assert.equal(first, second, 'calls at the same time share a count');
  await countSmall(db.query);
  await storeEvent('marble', 10, 'pending');
  const eleven = [...ten.slice(0, 3), 'marble pending 5'];
  assert.deepEqual(sorted(await countSmall(db.query)), eleven);
  now = 59_999;
  assert.deepEqual(sorted(await countLarge(db.query)), ten);
  now = 60_000;
  assert.deepEqual(sorted(await countLarge(db.query)), eleven);
});
