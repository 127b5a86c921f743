/** A wallet address that moves to another account does not take its pending payments along (OPI-072). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ilpReject } from '../../src/payments/ilp/ilp-reply.ts';
import { useTestDatabase } from '../database/support/open.ts';
import { arrangePayment } from './support/arrange-payment.ts';
import { type AsePlace, openWallet, prefixOf, readBalances } from './support/payment-rows.ts';

const db = useTestDatabase();

/** Moves the wallet address of a payment to another account, which has as much money. Returns that account. */
async function moveWallet(place: AsePlace, table: 'incoming_payment' | 'outgoing_payment', id: string) {
  const { accountId } = await openWallet(place, 100n);
  const { wallet_address_id } = await db.query
    .selectFrom(table)
    .select('wallet_address_id')
    .where('ase', '=', place.ase)
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  await db.query
    .updateTable('wallet_address')
    .set({ account_id: accountId })
    .where('ase', '=', place.ase)
    .where('id', '=', wallet_address_id)
    .execute();
  return accountId;
}

const amounts = { debitAmount: 100n, receiveAmount: 90n };

test('between creation and hold: the former account pays', async () => {
  const { granite, payment, processPayment, read } = await arrangePayment(db, amounts);
  const next = await moveWallet(granite, 'outgoing_payment', payment.id);
  assert.equal(await processPayment(), 'completed');
  assert.deepEqual([(await read()).payer, (await readBalances(granite))[next]], [0n, 100n]);
});

test('between hold and failure: the former account gets the refund', async () => {
  let move: () => Promise<string>;
  let next = '';
  const { granite, payment, processPayment, read, marble } = await arrangePayment(db, amounts, {
    wrapLink: () => ({
      async send() {
        next = await move();
        return ilpReject('F02', prefixOf(marble.ase), 'closed');
      },
    }),
  });
  move = () => moveWallet(granite, 'outgoing_payment', payment.id);
  assert.equal(await processPayment(), 'failed');
  assert.deepEqual([(await read()).payer, (await readBalances(granite))[next]], [100n, 100n]);
});

test('between the creation of an incoming payment and its credit: the former account is credited', async () => {
  const { marble, incomingId, processPayment, read } = await arrangePayment(db, amounts);
  const { accountId } = (await read()).incoming;
  const next = await moveWallet(marble, 'incoming_payment', incomingId);
  assert.equal(await processPayment(), 'completed');
  const balances = await readBalances(marble);
  assert.deepEqual([balances[accountId], balances[next]], [90n, 100n]);
});
