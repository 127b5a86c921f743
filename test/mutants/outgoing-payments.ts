/** Mutants of outgoing payments, from their creation to their end. */
import { type Mutant, noticedBy } from './mutant.ts';

const outgoing = 'src/resource/outgoing-payment.ts';
const creation = 'src/resource/new-outgoing-payments.ts';
const quoteAmounts = 'src/payments/quote-amounts.ts';
const spending = 'src/payments/outgoing/grant-spending.ts';

export const outgoingPaymentMutants: readonly Mutant[] = [
  // ── Outgoing payments ──
  {
    id: 'outgoing-payment.of-everybody',
    file: outgoing,
    at: '«checkVisible(call, row)»;',
    by: 'undefined',
    fails: ['outgoing-payment.of-another-client'],
  },
  {
    id: 'outgoing-payment.read-is-created-now',
    file: outgoing,
    at: 'checkVisible(call, row);\n      return { status: 200, body: «toBody(deps, row)» };',
    by: '{ ...toBody(deps, row), createdAt: new Date(deps.clock.businessNow() + 1000).toISOString() }',
    fails: ['outgoing-payment.create', 'list.outgoing-items'],
  },
  {
    id: 'resource.answers-may-be-stored',
    file: 'src/ase/apps.ts',
    at: "const resourceOptions = { ...originsOf(urls.resourceServer, 'resource'), cors: true, headers: «noStore» };",
    by: "{ 'Cache-Control': 'public, max-age=60' }",
    from: 'founding',
    fails: ['resource.not-stored'],
  },
  {
    id: 'outgoing-payment.unknown-quote-is-invalid',
    file: 'src/resource/payable-quote.ts',
    at: "if (row.id === null) throw resourceProblem(«'unknown_quote'»);",
    by: "'invalid_quote'",
    fails: ['outgoing-payment.refuses-unknown-quote'],
  },
  {
    id: 'outgoing-payment.quote-of-another-server',
    file: 'src/resource/payable-quote.ts',
    at: "if (quoteId === undefined) throw resourceProblem(«'invalid_quote'»);",
    by: "'unknown_quote'",
    fails: ['outgoing-payment.refuses-foreign-quote'],
  },
  {
    id: 'outgoing-payment.quote-paid-twice',
    file: creation,
    at: "throw «isViolation(error, 'unique', 'outgoing_payment')» ?",
    by: 'false',
    fails: ['outgoing-payment.quote-once'],
  },
  {
    id: 'outgoing-payment.metadata-lost',
    file: creation,
    at: 'metadata: «metadata.shown»,',
    by: 'null',
    fails: ['outgoing-payment.create'],
  },
  {
    id: 'outgoing-payment.quote-not-stored',
    file: creation,
    at: 'isNew && «insertQuote(tx, ase, quote)»),',
    by: 'insertQuote(tx, ase, { ...quote, receive_amount: `${BigInt(quote.receive_amount) + 1n}` })',
    fails: ['outgoing-payment.direct'],
  },
  {
    id: 'grant-spent.payments-not-added',
    file: spending,
    at: 'spent_debit: sql<string>`spent_debit + ${«use.debit»}::numeric`',
    by: "'0'",
    fails: ['grant-spent.totals'],
  },

  // ── Ends of payments ──
  {
    id: 'outgoing-payment.fee-for-nothing',
    file: 'src/payments/fees.ts',
    at: 'return «ceilDivide(principal * BigInt(fee.basisPoints), WHOLE)» + fee.fixed;',
    by: '(principal * BigInt(fee.basisPoints)) / WHOLE',
    fails: ['outgoing-payment.given-debit'],
  },
  {
    id: 'outgoing-payment.fee-not-charged',
    file: quoteAmounts,
    at: 'return checkQuote({ debitAmount: «net + fee», fee, receiveAmount });',
    by: 'net',
    fails: ['outgoing-payment.delivered'],
  },
  {
    id: 'outgoing-payment.rest-kept',
    file: 'src/payments/outgoing/fail.ts',
    at: 'if («job.funded») await bookRefund(tx, job, businessNow)',
    by: 'false',
    fails: ['outgoing-payment.partly-delivered'],
  },
  {
    id: 'outgoing-payment.limit-kept-by-a-failure',
    file: 'src/payments/outgoing/fail.ts',
    at: '    «await returnSpending(tx, job)»;',
    by: 'undefined',
    fails: ['outgoing-payment.without-money', 'outgoing-payment.partly-delivered'],
  },
  {
    id: 'outgoing-payment.not-to-oneself',
    file: creation,
    at: 'limits: item.limits, receiver: «quote.receiver», now }',
    by: 'quote.debit_asset_code === quote.receive_asset_code ? (() => { throw resourceProblem("invalid_receiver"); })() : quote.receiver',
    fails: ['outgoing-payment.to-itself'],
  },
  {
    id: 'outgoing-payment.one-for-one-receiver',
    file: creation,
    at: 'map((payment) => ({ ...payment, id: «ids.rowId()» }))',
    by: 'payment.quote.receiver.slice(-36)',
    fails: ['outgoing-payment.idempotency-key'],
  },
  {
    id: 'outgoing-payment.key-ignored',
    file: 'src/resource/idempotency.ts',
    at: '...(«given === undefined» ? [] :',
    by: 'true',
    fails: ['outgoing-payment.idempotency-key'],
  },
  {
    id: 'outgoing-payment.quote-not-repeated',
    file: outgoing,
    at: 'if (!row || «!isDeepStrictEqual(row.metadata, body.metadata ?? null)») return undefined;',
    by: 'true',
    fails: ['outgoing-payment.quote-once'],
  },
  {
    id: 'outgoing-payment.last-unit-refused',
    file: 'src/payments/incoming/credit.ts',
    at: 'if («needed > room») return',
    by: 'needed >= room',
    fails: ['outgoing-payment.competing'],
  },
  {
    id: 'outgoing-payment.credited-to-another',
    file: 'src/payments/incoming/credit.ts',
    at: 'ids: credited.map(({ payment }) => «payment.id»),',
    by: "'00000000-0000-4000-8000-000000000000'",
    fails: ['outgoing-payment.two-accounts-of-one-payee'],
  },
  ...noticedBy('test/resource/idempotency.test.ts', outgoing, [
    {
      id: 'outgoing-payment.quote-repeated-without-key',
      title: 'uses up the key of its request',
      at: 'await «keepReply(deps, { request, reply: repeated })»',
      by: 'undefined',
    },
  ]),
  ...noticedBy('test/resource/idempotency.test.ts', 'src/resource/idempotency.ts', [
    {
      id: 'outgoing-payment.repetition-not-kept',
      title: 'a repetition is repeated itself',
      at: 'if (!first || «keys.length === 0») return',
      by: 'true',
    },
    {
      id: 'outgoing-payment.signature-that-cannot-be-kept',
      title: 'a repetition of which nothing can be stored',
      at: 'answered.request.keys.some(«isGiven»)',
      by: '() => true',
    },
    {
      id: 'outgoing-payment.key-that-cannot-be-kept',
      title: 'a repetition of which nothing can be stored',
      at: 'answered.request.keys.some(«isGiven»)',
      by: '() => false',
    },
    {
      id: 'outgoing-payment.signature-before-key',
      title: 'the answer is that to the key',
      at: 'return «keys».flatMap((key) => rows.find',
      by: 'keys.toReversed()',
    },
  ]),
];
