/** The amounts of a quote (RS-Q-10…13, RS-29, SET-05, SET-13). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../../src/errors.ts';
import { MAX_AMOUNT } from '../../src/open-payments/amount.ts';
import { feeFor, noFee } from '../../src/payments/fees.ts';
import { minimumDebit, quoteFixedReceive, quoteFixedSend } from '../../src/payments/quote-amounts.ts';
import { rateBetween } from '../../src/payments/rates.ts';
import fc from '../support/fast-check.ts';

const debitAsset = { code: 'USD', scale: 2 };
const par = { numerator: 1n, denominator: 1n };
const fee = { basisPoints: 100, fixed: 100n };

function problemOf(quote: () => unknown): Problem {
  try {
    quote();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  assert.fail('no problem');
}

test('fixed send: the fee is inside the debit, the rest is rounded down', () => {
  assert.deepEqual(quoteFixedSend({ debitAsset, debitAmount: 10_000n, rate: par, fee }), {
    debitAmount: 10_000n,
    fee: 200n,
    receiveAmount: 9_800n,
  });
  const rate = rateBetween({ USD: '1', EUR: '1.08' }, debitAsset, { code: 'EUR', scale: 2 });
  assert.equal(quoteFixedSend({ debitAsset, debitAmount: 1_000n, rate, fee: noFee }).receiveAmount, 925n);
});

test('fixed receive: the countervalue is rounded up, the fee comes on top; not the inverse of fixed send', () => {
  assert.deepEqual(quoteFixedReceive({ debitAsset, receiveAmount: 9_800n, rate: par, fee }), {
    debitAmount: 9_998n,
    fee: 198n,
    receiveAmount: 9_800n,
  });
  const rate = rateBetween({ USD: '1', EUR: '1.08' }, debitAsset, { code: 'EUR', scale: 2 });
  assert.equal(quoteFixedReceive({ debitAsset, receiveAmount: 925n, rate, fee: noFee }).debitAmount, 999n);
});

test('a fee of the debit or more, or a result below one unit, names the smallest sufficient debit', () => {
  const tooSmall = problemOf(() => quoteFixedSend({ debitAsset, debitAmount: 50n, rate: par, fee }));
  assert.equal(tooSmall.code, 'non_positive_receive_amount');
  assert.deepEqual(tooSmall.details, { minSendAmount: { value: '103', assetCode: 'USD', assetScale: 2 } });
  const toYen = rateBetween({ USD: '1', JPY: '0.0067' }, { code: 'USD', scale: 9 }, { code: 'JPY', scale: 0 });
  assert.equal(minimumDebit(toYen, noFee), 6_700_000n);
  assert.throws(() => quoteFixedSend({ debitAsset, debitAmount: 6_699_999n, rate: toYen, fee: noFee }), {
    code: 'non_positive_receive_amount',
  });
  assert.equal(quoteFixedSend({ debitAsset, debitAmount: 6_700_000n, rate: toYen, fee: noFee }).receiveAmount, 1n);
});

test('a payment of nothing, sent or received, is refused', () => {
  const code = 'non_positive_receive_amount';
  assert.throws(() => quoteFixedSend({ debitAsset, debitAmount: 0n, rate: par, fee: noFee }), { code });
  assert.throws(() => quoteFixedReceive({ debitAsset, receiveAmount: 0n, rate: par, fee: noFee }), { code });
});

test('where no uint64 is enough, none is suggested', () => {
  const rate = { numerator: 1n, denominator: 10n ** 30n };
  const problem = problemOf(() => quoteFixedSend({ debitAsset, debitAmount: MAX_AMOUNT, rate, fee: noFee }));
  assert.equal(problem.code, 'non_positive_receive_amount');
  assert.equal(problem.details, undefined);
});

test('amounts beyond uint64 are refused on either side', () => {
  const double = { numerator: 2n, denominator: 1n };
  const half = { numerator: 1n, denominator: 2n };
  const most = 2n ** 63n - 1n;
  assert.equal(quoteFixedSend({ debitAsset, debitAmount: most, rate: double, fee: noFee }).receiveAmount, most * 2n);
  const code = 'invalid_amount';
  assert.throws(() => quoteFixedSend({ debitAsset, debitAmount: most + 1n, rate: double, fee: noFee }), { code });
  assert.throws(() => quoteFixedReceive({ debitAsset, receiveAmount: most + 1n, rate: half, fee: noFee }), { code });
  assert.throws(() => quoteFixedReceive({ debitAsset, receiveAmount: MAX_AMOUNT, rate: par, fee }), { code });
});

const terms = fc.record({
  debitAsset: fc.constant(debitAsset),
  rate: fc.record({
    numerator: fc.bigInt({ min: 1n, max: 10n ** 12n }),
    denominator: fc.bigInt({ min: 1n, max: 10n ** 12n }),
  }),
  fee: fc.record({ basisPoints: fc.integer({ min: 0, max: 9_999 }), fixed: fc.bigInt({ min: 0n, max: 1_000n }) }),
});

test('the suggested debit delivers something, and one unit less delivers nothing', () => {
  fc.assert(
    fc.property(terms, (given) => {
      const debitAmount = minimumDebit(given.rate, given.fee);
      fc.pre(debitAmount <= MAX_AMOUNT);
      try {
        assert.ok(quoteFixedSend({ ...given, debitAmount }).receiveAmount >= 1n);
      } catch (error) {
        // One unit of a dear asset may be more than uint64 of a cheap one.
        assert.equal((error as Problem).code, 'invalid_amount');
      }
      assert.throws(() => quoteFixedSend({ ...given, debitAmount: debitAmount - 1n }), {
        code: 'non_positive_receive_amount',
      });
    }),
  );
});

test('every quote conserves money: what is left after the fee covers what is received, by less than one unit more', () => {
  fc.assert(
    fc.property(terms, fc.bigInt({ min: 1n, max: 10n ** 12n }), fc.boolean(), (given, amount, fixedSend) => {
      try {
        const quote = fixedSend
          ? quoteFixedSend({ ...given, debitAmount: amount })
          : quoteFixedReceive({ ...given, receiveAmount: amount });
        const net = quote.debitAmount - quote.fee;
        const { numerator, denominator } = given.rate;
        assert.equal(fixedSend ? quote.debitAmount : quote.receiveAmount, amount);
        assert.equal(quote.fee, feeFor(fixedSend ? quote.debitAmount : net, given.fee));
        assert.ok(net * numerator >= quote.receiveAmount * denominator);
        // Sender and receiver cannot both keep a spare unit.
        if (fixedSend) assert.ok(net * numerator < (quote.receiveAmount + 1n) * denominator);
        else assert.ok((net - 1n) * numerator < quote.receiveAmount * denominator);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        assert.ok(['non_positive_receive_amount', 'invalid_amount'].includes(error.code));
      }
    }),
  );
});
