/** Limits and totals of outgoing-payment grants (LIM-02…08, LIM-13…16, RS-OP-12…14, RS-G-01…08). */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { sql } from 'kysely';
import { createIds } from '../../../src/ids.ts';
import type { Limits } from '../../../src/open-payments/access.ts';
import type { Amount } from '../../../src/open-payments/amount.ts';
import type { Reservation, Spending } from '../../../src/payments/outgoing/grant-spending.ts';
import { findSpending, reserveSpendings } from '../../../src/payments/outgoing/grant-spending.ts';
import { useTestDatabase } from '../../database/support/open.ts';

const ids = createIds('grant-spending', 'test');
const usd = (value: bigint): Amount => ({ value, asset: { code: 'USD', scale: 2 } });
const eur = (value: bigint): Amount => ({ value, asset: { code: 'EUR', scale: 2 } });
const jpy = (value: bigint): Amount => ({ value, asset: { code: 'JPY', scale: 0 } });
const usdLimit = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 });
const eurLimit = (value: string) => ({ value, assetCode: 'EUR', assetScale: 2 });
const at = (instant: string): number => Date.parse(instant);

const payment: Spending = {
  ase: 'granite',
  ids,
  grantId: 'grant-1',
  identifier: 'https://granite.example/alice',
  limits: undefined,
  debit: usd(100n),
  receive: eur(90n),
  receiver: 'https://marble.example/incoming-payments/1',
  now: at('2024-01-15T12:00:00Z'),
};

const db = useTestDatabase();
beforeEach(() => db.clear(['granite', 'marble'], 'world'));

const pay = (change: Partial<Spending> = {}): Promise<Reservation> =>
  db.transaction((tx) => reserveSpendings(tx, [{ ...payment, ...change }], async ([reservation]) => reservation!));

const spent = async (change: Partial<Spending> = {}) => {
  const { spentDebit, spentReceive } = await findSpending(db.query, { ...payment, ...change });
  return [spentDebit, spentReceive];
};

const refused = { code: 'insufficient_grant' };

test('without limits everything is allowed and counted, this payment included', async () => {
  assert.deepEqual(await spent(), [null, null]);
  const first = await pay();
  assert.deepEqual([first.spentDebit, first.spentReceive], [usd(100n), eur(90n)]);
  assert.deepEqual(await spent(), [usd(100n), eur(90n)]);
  const second = await pay({ debit: usd(10n ** 18n), receive: eur(1n) });
  assert.deepEqual([second.spentDebit, second.spentReceive], [usd(10n ** 18n + 100n), eur(91n)]);
  assert.equal(second.spendingId, first.spendingId);
  assert.deepEqual(await spent(), [usd(10n ** 18n + 100n), eur(91n)]);
});

const payTogether = (...changes: readonly Partial<Spending>[]): Promise<readonly Reservation[]> =>
  db.transaction((tx) =>
    reserveSpendings(
      tx,
      changes.map((change) => ({ ...payment, ...change })),
      async (reservations) => reservations,
    ),
  );

test('payments that are counted together count as if one came after the other', async () => {
  await pay();
  const bob = 'https://granite.example/bob';
  const together = await payTogether({}, { identifier: bob }, { receive: jpy(9n) }, { debit: usd(1n) });
  assert.deepEqual(
    together.map(({ spentDebit, spentReceive }) => [spentDebit, spentReceive]),
    [
      [usd(200n), eur(180n)],
      [usd(100n), eur(90n)],
      [usd(300n), jpy(9n)],
      [usd(301n), eur(270n)],
    ],
  );
  assert.equal(new Set(together.map(({ spendingId }) => spendingId)).size, 3);
  assert.deepEqual(await spent({ identifier: bob }), [usd(100n), eur(90n)]);
  const [debit, receive] = await spent();
  assert.deepEqual([debit, receive], [usd(301n), null]);
  assert.deepEqual((await pay()).spentDebit, usd(401n));
});

test('payments that are counted together begin a row only once', async () => {
  const [first, second] = await payTogether({}, {});
  assert.equal(first!.spendingId, second!.spendingId);
  assert.deepEqual(await spent(), [usd(200n), eur(180n)]);
});

test('of payments that are counted together none counts if one is beyond the limit', async () => {
  const limits = { debitAmount: usdLimit('199') };
  await assert.rejects(payTogether({ limits }, { limits }), refused);
  assert.deepEqual(await spent(), [null, null]);
  await payTogether({ limits }, { limits, debit: usd(99n) });
});

test('limits without amounts cap nothing', async () => {
  const limits = { receiver: payment.receiver, interval: 'R/2024-01-01T00:00:00Z/P1M' };
  assert.deepEqual((await pay({ limits, debit: usd(10n ** 18n) })).spentDebit, usd(10n ** 18n));
});

for (const [member, limits] of Object.entries<Limits>({
  debitAmount: { debitAmount: usdLimit('200') },
  receiveAmount: { receiveAmount: eurLimit('180') },
  both: { debitAmount: usdLimit('200'), receiveAmount: eurLimit('10000') },
})) {
  test(`payments may reach the limit and not pass it: ${member}`, async () => {
    await pay({ limits });
    await assert.rejects(pay({ limits, debit: usd(101n), receive: eur(91n) }), refused);
    assert.deepEqual((await pay({ limits })).spentDebit, usd(200n));
    await assert.rejects(pay({ limits, debit: usd(1n), receive: eur(1n) }), refused);
    assert.deepEqual(await spent({ limits }), [usd(200n), eur(180n)]);
  });
}

test('a single payment over the limit leaves no trace', async () => {
  await assert.rejects(pay({ limits: { debitAmount: usdLimit('99') } }), refused);
  assert.deepEqual(await spent(), [null, null]);
});

test('a limit in another asset or scale allows nothing', async () => {
  await assert.rejects(pay({ limits: { debitAmount: eurLimit('100000') } }), refused);
  await assert.rejects(pay({ limits: { debitAmount: { ...usdLimit('100000'), assetScale: 9 } } }), refused);
  await assert.rejects(pay({ limits: { receiveAmount: usdLimit('100000') } }), refused);
});

test('only the receiver of the limit may be paid, by its exact URL', async () => {
  const limits = { receiver: payment.receiver };
  await assert.rejects(pay({ limits, receiver: 'https://marble.example/incoming-payments/2' }), refused);
  await assert.rejects(pay({ limits, receiver: `${payment.receiver}/` }), refused);
  await pay({ limits });
});

test('the limit on the debit counts payments to receivers of every asset', async () => {
  const limits = { debitAmount: usdLimit('200') };
  await pay({ limits });
  await pay({ limits, receive: jpy(15_000n) });
  await assert.rejects(pay({ limits, debit: usd(1n), receive: jpy(150n) }), refused);
});

test('received totals are per asset: on payment in its own, on reading null where they are mixed', async () => {
  await pay();
  const second = await pay({ receive: jpy(15_000n), now: payment.now + 1 });
  assert.deepEqual([second.spentDebit, second.spentReceive], [usd(200n), jpy(15_000n)]);
  assert.deepEqual(await spent(), [usd(200n), null]);
  assert.deepEqual((await pay()).spentReceive, eur(180n));
});

test('a payment that failed and was taken off mixes nothing', async () => {
  await pay();
  const { spendingId } = await pay({ receive: jpy(15_000n), now: payment.now + 1 });
  await db.query
    .updateTable('grant_spending')
    .set({ spent_debit: '0', spent_receive: '0' })
    .where('id', '=', spendingId)
    .execute();
  assert.deepEqual(await spent(), [usd(100n), eur(90n)]);
});

describe('intervals', () => {
  const limits: Limits = { interval: 'R3/2024-01-01T00:00:00Z/P1M', debitAmount: usdLimit('100') };

  test('totals begin anew with each interval', async () => {
    const january = await pay({ limits, now: at('2024-01-31T23:59:59.999Z') });
    await assert.rejects(pay({ limits, now: at('2024-01-01T00:00:00Z'), debit: usd(1n) }), refused);
    const february = await pay({ limits, now: at('2024-02-01T00:00:00Z') });
    assert.notEqual(january.spendingId, february.spendingId);
    assert.deepEqual(february.spentDebit, usd(100n));
  });

  test('no payment outside of them, save a minute before the first', async () => {
    await assert.rejects(pay({ limits, now: at('2023-12-31T23:58:59Z') }), refused);
    await assert.rejects(pay({ limits, now: at('2024-04-01T00:00:00Z') }), refused);
    await pay({ limits, now: at('2023-12-31T23:59:00Z') });
    await assert.rejects(pay({ limits, now: at('2024-01-01T00:00:00Z'), debit: usd(1n) }), refused);
  });

  test('the minute before counts in the first interval, also where that is shorter than a minute', async () => {
    const short: Limits = { interval: 'R3/2024-01-01T00:00:00Z/PT1S', debitAmount: usdLimit('100') };
    await pay({ limits: short, now: at('2023-12-31T23:59:01Z'), debit: usd(60n) });
    await assert.rejects(pay({ limits: short, now: at('2024-01-01T00:00:00.999Z'), debit: usd(41n) }), refused);
    await pay({ limits: short, now: at('2024-01-01T00:00:01Z') });
    await assert.rejects(pay({ limits: short, now: at('2024-01-01T00:00:03Z') }), refused);
    const backwards: Limits = { ...short, interval: 'R3/PT1S/2024-01-01T00:00:00Z' };
    await pay({ limits: backwards, grantId: 'backwards', now: at('2023-12-31T23:58:57Z') });
    await assert.rejects(pay({ limits: backwards, grantId: 'far', now: at('2023-12-31T23:58:56.999Z') }), refused);
  });

  test('reading shows this interval: zero if only others were used, null outside of all', async () => {
    assert.deepEqual(await spent({ limits }), [null, null]);
    await pay({ limits, now: at('2024-01-15T00:00:00Z') });
    assert.deepEqual(await spent({ limits, now: at('2024-01-31T23:59:59Z') }), [usd(100n), eur(90n)]);
    assert.deepEqual(await spent({ limits, now: at('2024-02-01T00:00:00Z') }), [usd(0n), eur(0n)]);
    assert.deepEqual(await spent({ limits, now: at('2024-04-01T00:00:00Z') }), [null, null]);
    assert.deepEqual(await spent({ limits, now: at('2023-12-01T00:00:00Z') }), [null, null]);
  });

  for (const [clock, step] of Object.entries({ runs: 1, 'stands still': 0, 'is set back': -1 })) {
    test(`the zero of an unused interval is in the asset that was received last: the clock ${clock}`, async () => {
      for (const [grantId, assets] of Object.entries({ yen: [eur, jpy], euro: [jpy, eur], again: [jpy, eur, jpy] })) {
        for (const [i, asset] of assets.entries()) {
          const now = at('2024-01-15T00:00:00Z') + i * step;
          await pay({ limits, grantId, debit: usd(1n), receive: asset(1n), now });
        }
        const zeros = await spent({ limits, grantId, now: at('2024-02-01T00:00:00Z') });
        assert.deepEqual(zeros, [usd(0n), assets.at(-1)!(0n)]);
      }
    });
  }

  test('an interval from year 1 and one that ends in year 9999 can be stored', async () => {
    for (const interval of ['R/0001-01-01T00:00:00Z/P999Y', 'R/P1000Y/9999-12-31T23:59:59.999Z']) {
      assert.deepEqual((await pay({ limits: { interval }, grantId: interval })).spentDebit, usd(100n));
      assert.deepEqual((await pay({ limits: { interval }, grantId: interval })).spentDebit, usd(200n));
    }
  });
});

test('grants, items of a grant and ASEs count apart', async () => {
  const limits = { debitAmount: usdLimit('100') };
  await pay({ limits });
  await pay({ limits, grantId: 'grant-2' });
  await pay({ limits, identifier: 'https://granite.example/bob' });
  await pay({ limits, ase: 'marble' });
  await assert.rejects(pay({ limits }), refused);
  assert.deepEqual(await spent(), [usd(100n), eur(90n)]);
});

test('a total beyond uint64 is refused and changes nothing', async () => {
  const most = 2n ** 64n - 1n;
  await pay({ debit: usd(most - 100n) });
  await assert.rejects(pay({ debit: usd(101n), receive: jpy(1n) }), { code: 'invalid_amount' });
  await assert.rejects(pay({ debit: usd(1n), receive: eur(most) }), { code: 'invalid_amount' });
  assert.deepEqual((await pay()).spentDebit, usd(most));
});

test('what a payment gives back can be spent again', async () => {
  const limits = { debitAmount: usdLimit('100') };
  const { spendingId } = await pay({ limits });
  await db.query
    .updateTable('grant_spending')
    .set({ spent_debit: sql<string>`spent_debit - 60`, spent_receive: sql<string>`spent_receive - 54` })
    .where('id', '=', spendingId)
    .execute();
  const again = await pay({ limits, debit: usd(60n), receive: eur(54n) });
  assert.deepEqual([again.spentDebit, again.spentReceive], [usd(100n), eur(90n)]);
});
