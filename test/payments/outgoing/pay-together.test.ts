/** Payments within the ASE that are due at the same time: paid in one transaction, and alone if one does not fit in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../../src/database/database.ts';
import type { Destination } from '../../../src/payments/outgoing/worker.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import { testPayments } from '../../support/test-ase.ts';
import {
  createIncomingPayment,
  createOutgoingPayment,
  incomingPaymentUrl,
  newId,
  readBalances,
  readIncomingPayment,
  readOutgoingPayment,
  showReceiver,
  USD,
} from '../support/payment-rows.ts';

const db = useTestDatabase();

/** An ASE that has paid before, so that its own accounts are open; counts transactions and claims of its payments. */
async function openAse() {
  const ase = newId('granite');
  let transactions = 0;
  let claims = 0;
  let afterTransaction = async () => {};
  const counted: Database = {
    ...db,
    query: db.query.withPlugin({
      transformQuery({ node }) {
        if (node.kind === 'UpdateQueryNode') claims += 1;
        return node;
      },
      transformResult: async ({ result }) => result,
    }),
    async transaction(work) {
      transactions += 1;
      const result = await db.transaction(work);
      await afterTransaction();
      return result;
    },
  };
  const place = { ase, db, asset: USD };
  const idOf = (url: string) => url.split('/').at(-1)!;
  const { worker } = testPayments({
    key: ase,
    db: counted,
    localReceiverId: idOf,
    readReceiver: async (url) => {
      const { ilp: _, ...receiver } = await showReceiver(place, idOf(url));
      return { ...receiver, localIncomingPaymentId: idOf(url) };
    },
  });
  const pay = (incomingId: string, receiveAmount: bigint, balance?: bigint) =>
    createOutgoingPayment(place, {
      ...{ receiver: incomingPaymentUrl(ase, incomingId), receiveAsset: USD, receiveAmount },
      ...{ debitAmount: receiveAmount + 2n, fee: 1n, ...(balance !== undefined && { balance }) },
    });
  const settle = async (destination?: Destination) => {
    transactions = 0;
    claims = 0;
    worker.wake(destination);
    await worker.idle();
    return transactions;
  };
  await pay(await createIncomingPayment(place), 1n);
  await settle();
  return {
    ...{ place, pay, settle, worker },
    claims: () => claims,
    onTransaction(work: () => Promise<void>) {
      afterTransaction = work;
    },
  };
}

test('due payments to several receivers take one transaction, and end as if each was paid alone', async () => {
  const { place, pay, settle } = await openAse();
  const [open, full] = [
    await createIncomingPayment(place),
    await createIncomingPayment(place, { incomingAmount: 30n }),
  ];
  const payments = [];
  for (const receiver of [open, full, open, full, full]) payments.push(await pay(receiver, 10n));
  assert.equal(await settle(), 1);
  for (const { id, payerAccountId } of payments) {
    const { state, sentAmount, deliveredAmount, isDue } = await readOutgoingPayment(place, id);
    assert.deepEqual([state, sentAmount, deliveredAmount, isDue], ['completed', 11n, 10n, false]);
    assert.equal((await readBalances(place))[payerAccountId], 0n);
  }
  assert.deepEqual(
    [await readIncomingPayment(place, open), await readIncomingPayment(place, full)].map((incoming) => [
      incoming.receivedAmount,
      incoming.completed,
    ]),
    [
      [20n, false],
      [30n, true],
    ],
  );
});

test('a payment beyond the cap, and one whose payer has too little, fail alone; the others are paid', async () => {
  const { place, pay, settle } = await openAse();
  const receiver = await createIncomingPayment(place, { incomingAmount: 25n });
  const other = await createIncomingPayment(place);
  const fitting = [await pay(receiver, 10n), await pay(receiver, 10n)];
  const beyond = await pay(receiver, 10n);
  await settle();
  const poor = await pay(other, 10n, 11n);
  const paid = await pay(other, 10n);
  await settle();
  const ends = [];
  for (const { id } of [...fitting, beyond, poor, paid]) {
    const { state, failure } = await readOutgoingPayment(place, id);
    ends.push(failure ?? state);
  }
  assert.deepEqual(ends, [
    ...['completed', 'completed', 'receiver_amount_exceeded'],
    ...['insufficient_funds', 'completed'],
  ]);
  assert.equal((await readIncomingPayment(place, receiver)).receivedAmount, 20n);
  const balances = await readBalances(place);
  assert.deepEqual([balances[beyond.payerAccountId], balances[poor.payerAccountId]], [12n, 11n]);
});

test('payments that come while others are paid are paid in the next transaction, and never claimed', async () => {
  const { place, pay, settle, worker, claims, onTransaction } = await openAse();
  const receiver = await createIncomingPayment(place);
  let left = 5;
  onTransaction(async () => {
    if (left === 0) return;
    left -= 1;
    await pay(receiver, 10n);
    worker.wake('same-ase');
  });
  await pay(receiver, 10n);
  assert.equal(await settle(), 6);
  assert.equal((await readIncomingPayment(place, receiver)).receivedAmount, 60n);
  // One when the first of them was found, and one after the last: neither finds anything.
  assert.equal(claims(), 2);
});

test('a payment to a peer is looked for alone', async () => {
  const { place, pay, settle } = await openAse();
  const receiver = await createIncomingPayment(place);
  await pay(receiver, 10n);
  // This payment has no peer, so it is claimed alone: its hold and its delivery, and nothing for those paid together.
  assert.equal(await settle('peer'), 2);
  assert.equal((await readIncomingPayment(place, receiver)).receivedAmount, 10n);
});

test('more payments than one transaction takes are all paid', async () => {
  const { place, pay, settle } = await openAse();
  const receiver = await createIncomingPayment(place);
  for (let i = 0; i < 70; i += 1) await pay(receiver, 1n);
  assert.equal(await settle(), 3);
  assert.equal((await readIncomingPayment(place, receiver)).receivedAmount, 70n);
});
