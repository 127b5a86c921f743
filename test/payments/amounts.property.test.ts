/**
 * For any amount up to 2^64−1, any two scales, prices and fee, the amounts that a payment takes and gives are exact. In
 * any number of packets less than one unit is rounded, in favour of the ASE (SET-03, SET-05, SET-07, SET-12,
 * RS-Q-10…13). Compared with fractions that are never divided, and with amounts computed in another way.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../../src/errors.ts';
import { type Asset, MAX_AMOUNT } from '../../src/open-payments/amount.ts';
import type { Entry } from '../../src/payments/ledger.ts';
import type { Job } from '../../src/payments/outgoing/job.ts';
import {
  exchangeEntries,
  holdTransfer,
  refund,
  sourceAmountFor,
  takeFee,
} from '../../src/payments/outgoing/transfers.ts';
import { type QuoteAmounts, quoteFixedReceive, quoteFixedSend } from '../../src/payments/quote-amounts.ts';
import { rateBetween } from '../../src/payments/rates.ts';
import { quoteReceive, quoteSend, type Terms } from '../model/money/amounts.ts';
import fc from '../support/fast-check.ts';

/** Small ones and large ones alike. */
const uint64 = fc
  .tuple(fc.integer({ min: 1, max: 64 }), fc.bigInt({ min: 0n, max: MAX_AMOUNT }))
  .map(([bits, value]) => (value % 2n ** BigInt(bits)) + 1n)
  .map((value) => (value > MAX_AMOUNT ? MAX_AMOUNT : value));

/** Up to 30 digits on either side of the point. */
const price = fc
  .tuple(
    fc.bigInt({ min: 0n, max: 10n ** 30n - 1n }),
    fc.integer({ min: 1, max: 30 }),
    fc.stringMatching(/^[0-9]{0,30}$/),
  )
  .map(([whole, digits, part]) => `${whole % 10n ** BigInt(digits)}${part === '' ? '' : `.${part}`}`)
  .filter((text) => /[1-9]/.test(text));

const everydayPrice = fc.integer({ min: 1, max: 99_999 }).map((units) => (units / 1000).toFixed(3));

/** Mostly near each other, as no amount of 64 bits spans a hundred places; but any. */
const scales = fc
  .tuple(
    fc.integer({ min: 0, max: 255 }),
    fc.oneof(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -255, max: 255 })),
  )
  .map(([scale, off]) => [scale, Math.min(255, Math.max(0, scale + off))] as const);

const terms: fc.Arbitrary<Terms> = fc
  .record({
    scales,
    prices: fc.oneof(fc.tuple(everydayPrice, everydayPrice), fc.tuple(price, price)),
    isSameCurrency: fc.boolean(),
    basisPoints: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9_999 })),
    fixed: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 1_000n }), uint64),
  })
  .map(({ scales: [from, to], prices: [usd, eur], isSameCurrency, ...fee }) => ({
    from: { code: 'USD', scale: from },
    to: { code: isSameCurrency ? 'USD' : 'EUR', scale: to },
    prices: { USD: usd, EUR: eur },
    ...fee,
  }));

const termsOf = ({ from, to, prices, basisPoints, fixed }: Terms) => ({
  debitAsset: from,
  rate: rateBetween(prices, from, to),
  fee: { basisPoints, fixed },
});

function quoteOrProblem(quote: () => QuoteAmounts): QuoteAmounts | string {
  try {
    return quote();
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
}

/** Value of an amount in the common currency, as a fraction: numerator and denominator. */
function worthOf(amount: bigint, { code, scale }: Asset, { from, to, prices }: Terms): readonly [bigint, bigint] {
  const [whole, part = ''] = (from.code === to.code ? '1' : prices[code]!).split('.');
  return [amount * BigInt(whole + part), 10n ** BigInt(part.length + scale)];
}

const isAtMost = ([a, b]: readonly [bigint, bigint], [c, d]: readonly [bigint, bigint]): boolean => a * d <= c * b;

/** The largest amounts at the finest scale. */
const plain: Terms = {
  from: { code: 'USD', scale: 255 },
  to: { code: 'USD', scale: 255 },
  prices: {},
  basisPoints: 0,
  fixed: 0n,
};

const RUNS = { numRuns: 2_000 };

test('fixed send: the debit is what was named, and the receiver gets all but less than one unit', () => {
  let quoted = 0;
  fc.assert(
    fc.property(terms, uint64, (given, debitAmount) => {
      const quote = quoteOrProblem(() => quoteFixedSend({ ...termsOf(given), debitAmount }));
      const { fee, receive } = quoteSend(given, debitAmount);
      if (receive === 0n) return assert.equal(quote, 'non_positive_receive_amount');
      if (receive > MAX_AMOUNT) return assert.equal(quote, 'invalid_amount');
      assert.deepEqual(quote, { debitAmount, fee, receiveAmount: receive });
      const sent = worthOf(debitAmount - fee, given.from, given);
      assert.ok(isAtMost(worthOf(receive, given.to, given), sent), 'money out of nothing');
      assert.ok(!isAtMost(worthOf(receive + 1n, given.to, given), sent), 'a whole unit is lost');
      quoted += 1;
    }),
    { ...RUNS, examples: [[plain, MAX_AMOUNT]] },
  );
  assert.ok(quoted > RUNS.numRuns / 10, `only ${quoted} quotes`);
});

test('fixed receive: the receiver gets what was named, and the payer gives less than one unit more than it is worth', () => {
  let quoted = 0;
  fc.assert(
    fc.property(terms, uint64, (given, receiveAmount) => {
      const quote = quoteOrProblem(() => quoteFixedReceive({ ...termsOf(given), receiveAmount }));
      const { debit, fee } = quoteReceive(given, receiveAmount);
      if (debit > MAX_AMOUNT) return assert.equal(quote, 'invalid_amount');
      assert.deepEqual(quote, { debitAmount: debit, fee, receiveAmount });
      const received = worthOf(receiveAmount, given.to, given);
      assert.ok(isAtMost(received, worthOf(debit - fee, given.from, given)), 'money out of nothing');
      assert.ok(!isAtMost(received, worthOf(debit - fee - 1n, given.from, given)), 'a whole unit too much');
      quoted += 1;
    }),
    { ...RUNS, examples: [[plain, MAX_AMOUNT]] },
  );
  assert.ok(quoted > RUNS.numRuns / 10, `only ${quoted} quotes`);
});

const payment = fc
  .record({ sendable: uint64, fee: uint64, receive: uint64, isOneAsset: fc.boolean() })
  .filter(({ sendable, fee }) => sendable + fee <= MAX_AMOUNT)
  .map(({ sendable, fee, receive, isOneAsset }) => ({
    id: 'payment',
    payerAccountId: 'customer:payer',
    debit: { value: sendable + fee, asset: { code: 'USD', scale: 2 } },
    fee,
    receive: { value: receive, asset: { code: isOneAsset ? 'USD' : 'EUR', scale: 2 } },
    ...{ sentAmount: 0n, deliveredAmount: 0n },
  }))
  .map((job) => job as unknown as Job);

const assetsFarApart = fc.constantFrom(
  { from: { code: 'XAU', scale: 0 }, to: { code: 'USD', scale: 2 } },
  { from: { code: 'USD', scale: 0 }, to: { code: 'USD', scale: 9 } },
  { from: { code: 'XAU', scale: 0 }, to: { code: 'JPY', scale: 4 } },
  { from: { code: 'JPY', scale: 0 }, to: { code: 'XAU', scale: 3 } },
);

/** Debits of a few units, and the share of the receive amount that arrives, in millionths. */
const attempts = fc.array(
  fc.record({ debitAmount: fc.bigInt({ min: 1n, max: 4n }), arrived: fc.bigInt({ min: 0n, max: 1_000_000n }) }),
  { minLength: 1, maxLength: 30 },
);

test('over any payments, failed ones included, no more is delivered than was paid', () => {
  let partial = 0;
  fc.assert(
    fc.property(assetsFarApart, fc.integer({ min: 0, max: 500 }), attempts, ({ from, to }, basisPoints, tries) => {
      const prices = { XAU: '100000', USD: '1', JPY: '0.0067' };
      const given: Terms = { from, to, prices, basisPoints, fixed: 0n };
      let paid = 0n;
      let delivered = 0n;
      for (const { debitAmount, arrived } of tries) {
        const quote = quoteOrProblem(() => quoteFixedSend({ ...termsOf(given), debitAmount }));
        if (typeof quote === 'string') continue;
        const debit = { value: debitAmount, asset: from };
        const receive = { value: quote.receiveAmount, asset: to };
        const job = { id: 'payment', payerAccountId: 'customer:payer', debit, fee: quote.fee, receive } as Job;
        job.deliveredAmount = (quote.receiveAmount * arrived) / 1_000_000n;
        job.sentAmount = sourceAmountFor(job, job.deliveredAmount);
        const [, fee] = takeFee(job, job.deliveredAmount);
        const [, back] = refund(job);
        assert.ok(back!.amount >= 0n, 'more than the debit');
        assert.equal(debitAmount - back!.amount, job.sentAmount + fee!.amount);
        paid += job.sentAmount;
        delivered += job.deliveredAmount;
        if (0n < job.deliveredAmount && job.deliveredAmount < quote.receiveAmount) partial += 1;
      }
      assert.ok(isAtMost(worthOf(delivered, to, given), worthOf(paid, from, given)), 'delivered for nothing');
    }),
    RUNS,
  );
  assert.ok(partial > RUNS.numRuns, `only ${partial} partial deliveries`);
});

/** Where the packets end, as shares of the whole in millionths. */
const cuts = fc.array(fc.bigInt({ min: 1n, max: 999_999n }), { maxLength: 40 });

test('in however many packets: the whole is exact, and a part is paid by its share, rounded up', () => {
  fc.assert(
    fc.property(payment, cuts, fc.boolean(), (job, shares, isWhole) => {
      const receive = job.receive.value;
      const sendable = job.debit.value - job.fee;
      const balances = new Map<string, bigint>();
      const book = (entries: readonly Entry[]) => {
        for (const { accountId, amount } of entries) balances.set(accountId, (balances.get(accountId) ?? 0n) + amount);
      };
      book(holdTransfer(job).entries);
      const ends = shares
        .map((share) => (receive * share) / 1_000_000n)
        .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      for (const delivered of isWhole ? [...ends, receive] : ends) {
        const amount = delivered - job.deliveredAmount;
        if (amount === 0n) continue;
        const source = sourceAmountFor(job, delivered) - job.sentAmount;
        assert.ok(source >= 0n, 'a packet gives back');
        book([...exchangeEntries(job, source, amount), { accountId: 'payee', amount }]);
        job.sentAmount += source;
        job.deliveredAmount = delivered;
        assert.ok(job.sentAmount * receive >= delivered * sendable, 'less than its share');
        assert.ok((job.sentAmount - 1n) * receive < delivered * sendable, 'a whole unit more than its share');
      }
      const isComplete = job.deliveredAmount === receive;
      book([...takeFee(job, job.deliveredAmount), ...refund(job)]);
      assert.equal(balances.get('hold:USD:2'), 0n);
      assert.equal(balances.get('payee') ?? 0n, job.deliveredAmount);
      const fee = balances.get('fee:USD:2')!;
      assert.ok(fee * receive >= job.fee * job.deliveredAmount, 'less than its share of the fee');
      assert.ok((fee - 1n) * receive < job.fee * job.deliveredAmount, 'a whole unit more than its share of the fee');
      assert.equal(-balances.get('customer:payer')!, isComplete ? job.debit.value : job.sentAmount + fee);
      if (isComplete) assert.equal(job.sentAmount, sendable);
      assert.equal(
        [...balances.values()].reduce((sum, balance) => sum + balance, 0n),
        0n,
      );
    }),
    RUNS,
  );
});
