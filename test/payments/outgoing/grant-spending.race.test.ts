/**
 * Payments of one grant in several processes on PostgreSQL (LIM-13, LIM-14): each waits for those before it, and what
 * they gave back can be spent. Run again with mutants, to see that the test would notice.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createIds } from '../../../src/ids.ts';
import { findSpending, reserveSpendings } from '../../../src/payments/outgoing/grant-spending.ts';
import { needsPostgres } from '../../support/postgresql.ts';
import { useRacers } from '../../support/racers.ts';
import { createOutgoingPayment, EUR, USD } from '../support/payment-rows.ts';

const ase = 'granite';
const racerFile = join(import.meta.dirname, 'support', 'grant-spending-racer.ts');

describe('processes race for one grant', { skip: needsPostgres, timeout: 120_000 }, () => {
  const { db, racers } = useRacers(racerFile, 3);

  const item = (grantId: string) => ({
    ase,
    grantId,
    identifier: 'https://granite.example/alice',
    limits: { debitAmount: { value: '100', assetCode: 'USD', assetScale: 2 } },
    now: Date.parse('2024-01-15T12:00:00Z'),
  });
  const total = async (grantId: string): Promise<bigint | undefined> =>
    (await findSpending(db.query, item(grantId))).spentDebit?.value;

  const race = (grantId: string, actions: readonly (readonly string[])[], mutant?: string) =>
    racers.race(
      actions.map((action) => [ase, grantId, ...action]),
      mutant,
    );

  const openGrant = (grantId: string) =>
    db.query.insertInto('outgoing_payment_grant').values({ ase, grant_id: grantId }).execute();

  const twoPayments = [
    ['reserve', '100'],
    ['reserve', '100'],
  ];

  for (const kind of ['new', 'known']) {
    test(`of two payments that each take all, the second waits and is refused: ${kind} grant`, async () => {
      if (kind === 'known') await openGrant(kind);
      const { early, late } = await race(kind, twoPayments);
      assert.deepEqual(
        [early, late],
        [
          ['done', 'waits'],
          ['done', 'insufficient_grant'],
        ],
      );
      assert.equal(await total(kind), 100n);
    });
  }

  test('the mutant without the lock lets both win', async () => {
    await openGrant('mutant');
    const { late } = await race('mutant', twoPayments, 'grant-spending.not-locked');
    assert.deepEqual(late, ['done', 'done']);
    assert.equal(await total('mutant'), 200n);
  });

  /** A grant that has spent all of its limit on payments that debit so much and sent so much of it, not yet settled. */
  async function openSpentGrant(payments: readonly { debit: bigint; sent: bigint }[]) {
    const grantId = randomUUID();
    const ids: string[] = [];
    for (const { debit, sent } of payments) {
      const { spendingId } = await db.transaction((tx) =>
        reserveSpendings(
          tx,
          [
            {
              ...item(grantId),
              ids: createIds(undefined, ''),
              debit: { value: debit, asset: USD },
              receive: { value: debit, asset: EUR },
              receiver: 'https://marble.example/incoming-payments/1',
            },
          ],
          async ([reservation]) => reservation!,
        ),
      );
      const { id } = await createOutgoingPayment(
        { ase, db, asset: USD },
        { receiver: 'https://marble.example/1', debitAmount: debit, receiveAmount: debit, receiveAsset: EUR },
      );
      await db.query
        .updateTable('outgoing_payment')
        .set({ grant_id: grantId, spending_id: spendingId, sent_amount: `${sent}`, delivered_amount: `${sent}` })
        .where('id', '=', id)
        .execute();
      ids.push(id);
    }
    return { grantId, ids };
  }

  const failing = [
    { debit: 60n, sent: 10n },
    { debit: 40n, sent: 0n },
  ];

  async function raceOfTwoFailures(mutant?: string) {
    const { grantId, ids } = await openSpentGrant(failing);
    const actions = [...ids.map((id) => ['fail', id]), ['reserve', '50']];
    return { ...(await race(grantId, actions, mutant)), spent: await total(grantId) };
  }

  test('two payments fail while a third is created: it waits, and spends what they gave back', async () => {
    const { early, late, spent } = await raceOfTwoFailures();
    assert.deepEqual(early, ['done', 'waits', 'waits']);
    assert.deepEqual(late, ['done', 'done', 'done']);
    assert.equal(spent, 60n);
  });

  test('the mutant without the lock does not see what is being given back', async () => {
    const { early, spent } = await raceOfTwoFailures('grant-spending.not-locked');
    assert.deepEqual(early, ['done', 'waits', 'insufficient_grant']);
    assert.equal(spent, 10n);
  });

  async function raceOfOneFailure(mutant?: string) {
    const { grantId, ids } = await openSpentGrant([{ debit: 60n, sent: 10n }]);
    return {
      ...(await race(
        grantId,
        [
          ['fail', ids[0]!],
          ['reserve', '30'],
        ],
        mutant,
      )),
      spent: await total(grantId),
    };
  }

  test('a payment that is created while another one fails loses nothing of what comes back', async () => {
    assert.deepEqual(await raceOfOneFailure(), { early: ['done', 'waits'], late: ['done', 'done'], spent: 40n });
  });

  test('the mutant that writes the sum it has read takes it away again', async () => {
    assert.equal((await raceOfOneFailure('grant-spending.lost-update')).spent, 90n);
  });
});
