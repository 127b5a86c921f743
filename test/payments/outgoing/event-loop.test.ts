/** The event loop turns while a payment of many packets runs, both ASEs being in this process on the embedded database. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { type Database, openDatabase } from '../../../src/database/database.ts';
import { arrangePayment } from '../support/arrange-payment.ts';

let db: Database;
let sinceTurn = 0;
let maxPerTurn = 0;

before(async () => {
  db = await openDatabase({
    kind: 'embedded',
    onStatement() {
      sinceTurn += 1;
      maxPerTurn = Math.max(maxPerTurn, sinceTurn);
    },
  });
});
after(() => db.close());

it('turns after every statement, so a request waits for one statement and not for a payment', async () => {
  const { processPayment, packetCount } = await arrangePayment(
    db,
    { debitAmount: 100n, receiveAmount: 40n },
    { maxPacketAmount: 1n },
  );
  let isRunning = true;
  const turn = () => {
    sinceTurn = 0;
    if (isRunning) setImmediate(turn);
  };
  turn();
  maxPerTurn = 0;
  const state = await processPayment().finally(() => {
    isRunning = false;
  });
  assert.equal(state, 'completed');
  assert.equal(packetCount(), 40);
  assert.ok(maxPerTurn <= 2, `${maxPerTurn} statements in one turn of the event loop`);
});
