/** Judges of quotes, outgoing payments and lists. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequirementId } from '../../../src/grade/catalogue.ts';
import type { ExchangeParts } from '../traced.ts';
import {
  alice,
  bob,
  createIncomingPayment,
  createQuote,
  eur,
  grant,
  grantFor,
  incomingPayment,
  list,
  pay,
  quote,
  readIncomingPayment,
  secrets,
  usd,
  walletDocument,
} from './exchanges.ts';
import { findingsOf, testJudges } from './support.ts';

const limited = (limits: unknown): ExchangeParts[] => [
  grantFor([{ type: 'outgoing-payment', actions: ['create'], identifier: alice, limits }]),
];

testJudges(
  {
    'CL-Q-01': {
      pass: {
        'no amount': [createQuote()],
        'an amount': [createQuote({ debitAmount: usd() })],
        'both amounts, which CL-Q-02 judges': [createQuote({ debitAmount: usd(), receiveAmount: eur() })],
      },
      violation: {
        'no method': [createQuote({ method: undefined })],
        'another method': [createQuote({ method: 'ILP' })],
        'no receiver': [createQuote({ receiver: undefined })],
        'an undeclared member': [createQuote({ metadata: {} })],
        'no object': [createQuote('7')],
      },
      silent: { 'another request': [createIncomingPayment()] },
    },
    'CL-Q-02': {
      pass: { 'one amount': [createQuote({ debitAmount: usd() })] },
      violation: { both: [createQuote({ debitAmount: usd(), receiveAmount: eur() })] },
      silent: { 'no object': [createQuote('[]')] },
    },
    'CL-Q-03': {
      pass: {
        'an amount': [createIncomingPayment(), createQuote({ debitAmount: usd() })],
        'an amount of the receiver': [withAmount(), createQuote()],
      },
      violation: { 'no amount at all': [createIncomingPayment(), createQuote()] },
      silent: { 'a receiver that is not known': [createQuote()] },
    },
    'CL-Q-04': {
      pass: {
        'the asset of the payer': [walletDocument(), createQuote({ debitAmount: usd() })],
        'the asset of the receiver': [createIncomingPayment(), createQuote({ receiveAmount: eur() })],
      },
      violation: {
        'debitAmount in that of the receiver': [walletDocument(), createQuote({ debitAmount: eur() })],
        'receiveAmount in that of the payer': [createIncomingPayment(), createQuote({ receiveAmount: usd() })],
      },
      silent: { 'assets that are not known': [createQuote({ debitAmount: eur() })] },
    },
    'CL-Q-05': {
      pass: {
        'in time': [createQuote(), pay({ walletAddress: alice, quoteId: quote }, { at: 299_000 })],
        'late, but accepted by the clock of the world': [createQuote(), latePay({ status: 201 })],
      },
      weak: {
        'late once': [createQuote(), latePay()],
        'late twice at once': [createQuote(), latePay({ took: 50 }), latePay({ at: 301_010, took: 50 })],
      },
      violation: { 'late again': [createQuote(), latePay(), latePay({ at: 302_000 })] },
      silent: { 'a quote that is not known': [latePay()] },
    },
    'CL-Q-06': {
      pass: { 'the id': [createQuote(), pay()] },
      violation: {
        'the last segment': [createQuote(), pay({ walletAddress: alice, quoteId: 'q-1' })],
        'a slash at the end': [createQuote(), pay({ walletAddress: alice, quoteId: `${quote}/` })],
        'no URL': [pay({ walletAddress: alice, quoteId: 'q-9' })],
        'no string': [pay({ walletAddress: alice, quoteId: { id: quote } })],
      },
      silent: { 'a quote that was made elsewhere': [pay({ walletAddress: alice, quoteId: `${quote}00` })] },
    },
    'CL-OP-01': {
      pass: {
        'a quote': [pay({ walletAddress: alice, quoteId: quote, metadata: {} })],
        'an amount': [pay({ walletAddress: alice, incomingPayment, debitAmount: usd() })],
      },
      violation: {
        both: [pay({ walletAddress: alice, quoteId: quote, debitAmount: usd() })],
        neither: [pay({ walletAddress: alice })],
        'no amount': [pay({ walletAddress: alice, incomingPayment })],
        'no wallet address': [pay({ quoteId: quote })],
        'an undeclared member': [pay({ walletAddress: alice, quoteId: quote, description: 'tea' })],
        'no object': [pay('null')],
      },
      silent: { 'another request': [createQuote()] },
    },
    'CL-OP-02': {
      pass: { 'the asset': [walletDocument(), pay({ walletAddress: alice, incomingPayment, debitAmount: usd() })] },
      violation: {
        'another scale': [
          walletDocument(),
          pay({ walletAddress: alice, incomingPayment, debitAmount: { ...usd(), assetScale: 0 } }),
        ],
      },
      silent: { 'a quote': [walletDocument(), pay()] },
    },
    'CL-OP-03': {
      pass: {
        'the largest amount': [createQuote({ debitAmount: usd('18446744073709551615') })],
        'amounts of limits': limited({ debitAmount: usd('0') }),
      },
      violation: {
        'a number': [createQuote({ debitAmount: usd(10) })],
        'a fraction': [createQuote({ receiveAmount: usd('10.5') })],
        'a sign': [createIncomingPayment({ walletAddress: bob, incomingAmount: usd('-1') })],
        'more than 2^64−1': [createQuote({ debitAmount: usd('18446744073709551616') })],
        'a scale of 256': [createQuote({ debitAmount: { ...usd(), assetScale: 256 } })],
        'a scale that is a text': [createQuote({ debitAmount: { ...usd(), assetScale: '2' } })],
        'no asset': [pay({ walletAddress: alice, incomingPayment, debitAmount: { value: '1', assetScale: 2 } })],
        'a limit': limited({ receiveAmount: usd('1e3') }),
        'a text': [createQuote({ debitAmount: '10' })],
      },
      weak: { 'leading zeros': [createQuote({ debitAmount: usd('007') })] },
      silent: { 'no amount': [createQuote()] },
    },
    'CL-OP-04': {
      pass: {
        'well-formed limits': limited({
          receiver: incomingPayment,
          interval: 'R12/2027-01-01T00:00:00Z/P1M',
          debitAmount: usd(),
        }),
        'an endless interval': limited({ interval: 'R/2027-01-01T00:00:00Z/P1M' }),
        'no limits in limits': limited({}),
      },
      violation: {
        'an interval that does not repeat': limited({ interval: 'P1M' }),
        'an interval that is a number': limited({ interval: 12 }),
        'a wallet address as receiver': limited({ receiver: bob }),
        'an amount that is a text': limited({ debitAmount: '100' }),
        'limits that are a text': limited('100 USD'),
      },
      silent: { 'no limits': [grant()] },
    },
    'CL-OP-05': {
      pass: { 'one amount': limited({ debitAmount: usd() }) },
      violation: { 'both amounts': limited({ debitAmount: usd(), receiveAmount: eur() }) },
      silent: { 'no amount': limited({ interval: 'R/2027-01-01T00:00:00Z/P1M' }) },
    },
    'CL-LST-01': {
      pass: {
        'encoded once': [list(`wallet-address=${encodeURIComponent(bob)}`)],
        'reserved characters as they are': [list(`wallet-address=${bob}`)],
      },
      violation: {
        'encoded twice': [list(`wallet-address=${encodeURIComponent(encodeURIComponent(bob))}`)],
        missing: [list('first=10')],
        'sent twice': [list(`wallet-address=${bob}&wallet-address=${bob}`)],
        'no URL': [list('wallet-address=bob')],
        'a query that is not signed': [
          list(`wallet-address=${bob}`, { signed: (base) => base.replace(/\?wallet-address=[^\n]*/, '') }),
        ],
      },
      silent: { 'a read': [readIncomingPayment()] },
    },
    'CL-LST-02': {
      pass: { 'a hundred': [list('first=100')], one: [list('last=1')] },
      violation: {
        'too many': [list('first=500')],
        none: [list('first=0')],
        'a word': [list('last=all')],
        empty: [list('first=')],
        'sent twice': [list('first=1&first=2')],
      },
      silent: { 'no size': [list('')] },
    },
    'CL-LST-03': {
      pass: { forwards: [list('first=10')], backwards: [list('last=10&cursor=a')] },
      violation: { both: [list('first=10&last=10&cursor=a')], 'no cursor': [list('last=10')] },
      silent: { 'no size': [list('cursor=a')] },
    },
    'CL-LST-04': {
      pass: {
        'encoded once': [list(''), list(`cursor=${encodeURIComponent('a b+c/=&#%25')}`)],
        'a plus for the space of a form': [list(''), list('cursor=xyz+0123')],
      },
      violation: {
        'sent raw': [list(''), list('cursor=xyz0123')],
        'encoded twice': [list(''), list(`cursor=${encodeURIComponent(encodeURIComponent('xyz 0123'))}`)],
      },
      silent: {
        'a cursor of another list': [
          list(''),
          list('cursor=xyz', {
            operation: 'list-outgoing-payments',
            url: 'https://basalt.example/outgoing-payments?cursor=xyz',
          }),
        ],
        'a cursor that was never handed out': [list(''), list('cursor=invented')],
      },
    },
  },
  [...secrets, 'u:p@'],
);

test('findings say what was expected and what came', () => {
  const texts = (id: RequirementId, exchanges: readonly ExchangeParts[]) =>
    findingsOf(id, { exchanges }).map(({ detail, expected, actual }) => [detail, expected, actual]);
  const interval = (text: string) => texts('CL-OP-04', limited({ interval: text }));
  assert.deepEqual(interval('R1/2027-01-01T00:00:00Z/P1M'), [
    [undefined, undefined, 'R1/2027-01-01T00:00:00Z/P1M: 1 period'],
  ]);
  assert.match(interval('R12/2027-01-01T00:00:00Z/P1M')[0]![2]!, /: 12 periods$/);
  assert.match(interval('R/2027-01-01T00:00:00Z/P1M')[0]![2]!, /: periods without end$/);
  assert.deepEqual(texts('CL-Q-06', [createQuote(), pay({ walletAddress: alice, quoteId: 'q-1' })]), [
    ['`quoteId` is not the `id` of the quote.', quote, '"q-1"'],
  ]);
  assert.deepEqual(texts('CL-IP-02', [createIncomingPayment({ walletAddress: bob, 'a/b': 1 })]), [
    ['The schema does not declare `/a~1b`.', 'only incomingAmount, expiresAt, metadata, walletAddress', undefined],
  ]);
});

function withAmount(): ExchangeParts {
  const answer = { id: incomingPayment, walletAddress: bob, incomingAmount: eur(), receivedAmount: eur('0') };
  return createIncomingPayment({ walletAddress: bob, incomingAmount: eur() }, { answer });
}

function latePay(parts: ExchangeParts = {}): ExchangeParts {
  return pay({ walletAddress: alice, quoteId: quote }, { at: 301_000, status: 400, ...parts });
}
