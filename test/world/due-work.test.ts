/** The poll of a deployment finds due payments, and events and expiries of the ASEs that have a webhook. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toInstant, toJson } from '../../src/database/columns.ts';
import { findDueWork } from '../../src/world/due-work.ts';
import { useTestDatabase } from '../database/support/open.ts';
import { createIncomingPayment, createOutgoingPayment, EUR } from '../payments/support/payment-rows.ts';

const db = useTestDatabase();

const at = (hour: number) => Date.UTC(2030, 0, 1, hour);
const storeEvent = (ase: string, subject: string, state: 'pending' | 'delivered', hour: number) =>
  db.query
    .insertInto('webhook_event')
    .values({
      ...{ ase, subject, sequence: 1, id: subject, type: 'incoming_payment.created', body: '{}', state },
      ...{ attempts: 0, created_at: toInstant(0), due_at: toInstant(at(hour)) },
    })
    .execute();

test('due payments by wall time; the earliest event or expiry of each ASE with a webhook', async () => {
  for (const [ase, webhook_url] of [
    ['marble', 'http://localhost/'],
    ['granite', 'http://localhost/'],
    ['slate', null],
  ] as const) {
    await db.query
      .insertInto('ase')
      .values({ ase, secrets: toJson([]), webhook_url, settings_version: 0 })
      .execute();
  }
  await createOutgoingPayment(
    { ase: 'slate', db, asset: EUR },
    { receiver: 'https://marble.example/', receiveAsset: EUR, debitAmount: 1n, receiveAmount: 1n },
  );
  for (const ase of ['marble', 'granite', 'slate']) {
    const id = await createIncomingPayment({ ase, db, asset: EUR }, { expiresAt: at(4) });
    await db.query
      .updateTable('incoming_payment')
      .set({ received_amount: '1', partly_paid: true })
      .where('id', '=', id)
      .execute();
    await storeEvent(ase, `${ase}-delivered`, 'delivered', 1);
  }
  await storeEvent('marble', 'later', 'pending', 3);
  await storeEvent('marble', 'first', 'pending', 2);
  await storeEvent('slate', 'without a webhook', 'pending', 2);
  const find = async (wallNow: number) =>
    (await findDueWork(db.query, wallNow)).toSorted((a, b) => (a.ase < b.ase ? -1 : 1));
  const work = await find(at(0));
  assert.deepEqual(work, [
    { ase: 'granite', kind: 'events', dueAt: at(4) },
    { ase: 'marble', kind: 'events', dueAt: at(2) },
    { ase: 'slate', kind: 'payments', dueAt: 0 },
  ]);
  assert.deepEqual(await find(-1), work.slice(0, 2));
});
