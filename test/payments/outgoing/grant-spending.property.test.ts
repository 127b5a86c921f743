/**
 * Spent amounts of a grant against a model that keeps the payments in a list (LIM-02, LIM-06, LIM-14, LIM-N01, RS-G-03,
 * RS-G-04, RS-G-08): random payments, failures and moves of the clock, forward and back.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../../../src/errors.ts';
import { createIds } from '../../../src/ids.ts';
import type { Limits } from '../../../src/open-payments/access.ts';
import type { Amount } from '../../../src/open-payments/amount.ts';
import { findSpending, reserveSpendings, returnSpending } from '../../../src/payments/outgoing/grant-spending.ts';
import type { Job } from '../../../src/payments/outgoing/job.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import fc from '../../support/fast-check.ts';

const ase = 'granite';
const ids = createIds('grant-spending', 'property');
const usd = (value: bigint): Amount => ({ value, asset: { code: 'USD', scale: 2 } });
const assets = { EUR: { code: 'EUR', scale: 2 }, JPY: { code: 'JPY', scale: 0 } } as const;
type ReceiveAsset = keyof typeof assets;

const db = useTestDatabase();

/** Months of the interval below, and instants in and around them. */
const months = ['2031-01', '2031-02', '2031-03'];
const interval = 'R3/2031-01-01T00:00:00Z/P1M';
const instants = [
  '2030-12-15T00:00:00.000Z',
  '2031-01-01T00:00:00.000Z',
  '2031-01-31T23:59:59.000Z',
  '2031-02-01T00:00:00.000Z',
  '2031-02-28T23:59:59.000Z',
  '2031-03-01T00:00:00.000Z',
  '2031-04-01T00:00:00.000Z',
];

interface ModelPayment {
  readonly month: string;
  readonly asset: ReceiveAsset;
  readonly job: Job;
  /** The amount that counts: the whole debit until the payment fails, then the part that was sent. */
  debit: bigint;
  receive: bigint;
  hasFailed: boolean;
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

class Model {
  readonly limits: Limits;
  readonly payments: ModelPayment[] = [];
  now = Date.parse(instants[1]!);

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Where payments count now; undefined where none are allowed. */
  get month(): string | undefined {
    if (this.limits.interval === undefined) return 'always';
    return months.find((month) => new Date(this.now).toISOString().startsWith(month));
  }

  paymentsNow(asset?: ReceiveAsset): ModelPayment[] {
    return this.payments.filter((one) => one.month === this.month && (asset === undefined || one.asset === asset));
  }

  allows(debit: bigint, receive: bigint, asset: ReceiveAsset): boolean {
    if (this.month === undefined) return false;
    const { debitAmount, receiveAmount } = this.limits;
    const debits = sum(this.paymentsNow().map((payment) => payment.debit)) + debit;
    const receives = sum(this.paymentsNow(asset).map((payment) => payment.receive)) + receive;
    if (debitAmount && debits > BigInt(debitAmount.value)) return false;
    return !receiveAmount || (receiveAmount.assetCode === asset && receives <= BigInt(receiveAmount.value));
  }

  read(): { spentDebit: Amount | null; spentReceive: Amount | null } {
    const nothing = { spentDebit: null, spentReceive: null };
    if (this.month === undefined) return nothing;
    const here = this.paymentsNow();
    const last = (here.length > 0 ? here : this.payments).at(-1);
    if (!last) return nothing;
    const received = (['EUR', 'JPY'] as const)
      .map((asset) => ({ asset, value: sum(this.paymentsNow(asset).map(({ receive }) => receive)) }))
      .filter(({ value }) => value > 0n);
    const [only = { asset: last.asset, value: 0n }] = received;
    return {
      spentDebit: usd(sum(here.map(({ debit }) => debit))),
      spentReceive: received.length > 1 ? null : { value: only.value, asset: assets[only.asset] },
    };
  }
}

type Step =
  | { readonly kind: 'pay'; readonly debit: bigint; readonly receive: bigint; readonly asset: ReceiveAsset }
  | { readonly kind: 'fail'; readonly which: number; readonly sent: bigint }
  | { readonly kind: 'move'; readonly to: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pay' as const),
      debit: fc.bigInt({ min: 1n, max: 60n }),
      receive: fc.bigInt({ min: 1n, max: 60n }),
      asset: fc.constantFrom<ReceiveAsset>('EUR', 'EUR', 'JPY'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      which: fc.nat(),
      sent: fc.bigInt({ min: 0n, max: 59n }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('move' as const), to: fc.nat(instants.length - 1) }) },
);

const limits: fc.Arbitrary<Limits> = fc.record(
  {
    interval: fc.constant(interval),
    debitAmount: fc.constant({ value: '100', assetCode: 'USD', assetScale: 2 }),
    receiveAmount: fc.constant({ value: '100', assetCode: 'EUR', assetScale: 2 }),
  },
  { requiredKeys: [] },
);

async function pay(model: Model, grantId: string, { debit, receive, asset }: Step & { kind: 'pay' }): Promise<void> {
  const request = { debit: usd(debit), receive: { value: receive, asset: assets[asset] } };
  const outcome = await db
    .transaction((tx) =>
      reserveSpendings(
        tx,
        [
          {
            ...request,
            ...itemOf(model, grantId),
            ids,
            receiver: 'https://marble.example/incoming-payments/1',
          },
        ],
        async ([reservation]) => reservation!,
      ),
    )
    .catch((error: unknown) => {
      if (error instanceof Problem) return error.code;
      throw error;
    });
  const isAllowed = model.allows(debit, receive, asset);
  if (typeof outcome === 'string') {
    assert.deepEqual([outcome, isAllowed], ['insufficient_grant', false]);
    return;
  }
  assert.ok(isAllowed, 'the limit does not allow it');
  const job = { ...request, ase, id: '', fee: 0n, spendingId: outcome.spendingId, sentAmount: 0n, deliveredAmount: 0n };
  model.payments.push({ month: model.month!, asset, debit, receive, hasFailed: false, job: job as unknown as Job });
  assert.equal(outcome.spentDebit.value, sum(model.paymentsNow().map((payment) => payment.debit)));
  assert.equal(outcome.spentReceive.value, sum(model.paymentsNow(asset).map((payment) => payment.receive)));
}

async function fail(model: Model, { which, sent }: Step & { kind: 'fail' }): Promise<void> {
  const going = model.payments.filter(({ hasFailed }) => !hasFailed);
  const payment = going[which % going.length];
  if (!payment) return;
  const { job } = payment;
  payment.hasFailed = true;
  job.sentAmount = sent < payment.debit ? sent : payment.debit - 1n;
  job.deliveredAmount = job.sentAmount < payment.receive ? job.sentAmount : payment.receive - 1n;
  await db.transaction((tx) => returnSpending(tx, job));
  payment.debit = job.sentAmount;
  payment.receive = job.deliveredAmount;
}

const itemOf = ({ limits, now }: Model, grantId: string) => ({ ase, grantId, identifier: 'alice', limits, now });

test('random payments, failures and clocks: read and refused as the list of payments says', async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(limits, fc.array(step, { minLength: 3, maxLength: 25 }), async (limit, steps) => {
      runs += 1;
      const grantId = `grant-${runs}`;
      const model = new Model(limit);
      for (const one of steps) {
        if (one.kind === 'move') model.now = Date.parse(instants[one.to]!);
        else if (one.kind === 'pay') await pay(model, grantId, one);
        else await fail(model, one);
        assert.deepEqual(await findSpending(db.query, itemOf(model, grantId)), model.read());
      }
    }),
    { numRuns: 80 },
  );
});
