/** pg-boss as carrier: a word arrives if and only if its transaction commits, on both databases. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { openCarrier } from '../../src/events/carrier.ts';
import { nameDatabase, openEmbedded, skipWithoutPostgres } from '../database/support/open.ts';

async function judge(db: Database): Promise<void> {
  const problems: unknown[] = [];
  const carrier = await openCarrier(db, (problem) => problems.push(problem));
  const heard: string[] = [];
  let listen = (): void => {};
  await carrier.receive('world-1/granite', (subject) => {
    heard.push(subject);
    listen();
  });
  const last = new Promise<void>((resolve) => {
    listen = () => heard.includes('last') && resolve();
  });
  await assert.rejects(
    db.transaction(async (tx) => {
      await carrier.send(tx, 'world-1/granite', 'rolled back');
      throw new Error('rolled back');
    }),
    /rolled back/,
  );
  await db.transaction((tx) => carrier.send(tx, 'world-1/granite', 'first'));
  await db.transaction((tx) => carrier.send(tx, 'world-1/granite', 'last'));
  await last;
  assert.deepEqual(heard, ['first', 'last']);
  await carrier.release('world-1/granite');
  await carrier.close();
  assert.deepEqual(problems, []);
}

test('embedded', { timeout: 30_000 }, async () => {
  const db = await openEmbedded();
  await judge(db);
  await db.close();
});

test('PostgreSQL', { skip: skipWithoutPostgres, timeout: 30_000 }, async () => {
  const { url, drop } = nameDatabase('carrier');
  const db = await openDatabase({ kind: 'postgresql', url });
  await judge(db);
  await db.close();
  await drop();
});
