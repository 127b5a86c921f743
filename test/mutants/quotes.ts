/** Mutants of quotes and of what payments keep of them: terms, metadata and the words of errors. */
import type { Mutant } from './mutant.ts';
import { withoutSchema } from './pipeline.ts';

const incoming = 'src/resource/incoming-payment.ts';
const outgoing = 'src/resource/outgoing-payment.ts';
const quote = 'src/resource/quote.ts';
const quoteAmounts = 'src/payments/quote-amounts.ts';
const pagination = 'src/resource/pagination.ts';
const receiver = 'src/resource/receiver.ts';
const caller = 'src/resource/caller.ts';

export const quoteMutants: readonly Mutant[] = [
  // ── Quotes ──
  {
    id: 'quote.debit-not-kept',
    file: quoteAmounts,
    at: 'return checkQuote(«{ debitAmount, fee, receiveAmount }»);',
    by: '{ debitAmount: debitAmount + 1n, fee, receiveAmount }',
    fails: ['quote.fixed-send'],
  },
  {
    id: 'quote.rounds-the-debit-down',
    file: quoteAmounts,
    at: 'const net = «convertUp(receiveAmount, invertRate(rate))»;',
    by: 'convertDown(receiveAmount, invertRate(rate))',
    fails: ['quote.fixed-receive'],
  },
  {
    id: 'quote.half-of-what-remains',
    file: quote,
    at: ': «receiver.remaining»;\n  if (debitAmount === undefined',
    by: 'receiver.remaining === undefined ? undefined : (receiver.remaining + 1n) / 2n',
    fails: ['quote.from-incoming-amount', 'settlement.remaining'],
  },
  {
    id: 'quote.without-amount',
    file: quote,
    at: 'if («debitAmount === undefined && receiveAmount === undefined») throw',
    by: 'false',
    fails: ['quote.refuses-no-amount'],
  },
  {
    id: 'quote.zero',
    file: quote,
    at: 'if («amount.value === 0n || !sameAsset(amount.asset, asset)») throw',
    by: '!sameAsset(amount.asset, asset)',
    also: [{ file: quoteAmounts, at: 'if («receiveAmount <= 0n») throw', by: 'false' }],
    fails: ['quote.refuses-debit-zero', 'quote.refuses-receive-zero'],
  },
  {
    id: 'quote.any-asset',
    file: quote,
    at: 'if («amount.value === 0n || !sameAsset(amount.asset, asset)») throw',
    by: 'amount.value === 0n',
    fails: ['quote.refuses-debit-asset', 'quote.refuses-receive-asset', 'outgoing-payment.refuses-direct-asset'],
  },
  {
    id: 'quote.receiver-problems-are-ours',
    file: 'src/resource/problem.ts',
    at: 'renderError(entries, «withPrefix(problem)», failureId)',
    by: "['invalid_receiver', 'receiver_unreachable'].includes(problem.code) ? new Problem('internal_error') : withPrefix(problem)",
    also: [withoutSchema],
    fails: [
      'quote.refuses-receiver-*',
      'outgoing-payment.refuses-direct-unknown-receiver',
      'outgoing-payment.refuses-direct-wallet-address',
      'outgoing-payment.refuses-direct-without-amount',
      'outgoing-payment.refuses-nothing',
    ],
  },
  {
    id: 'quote.more-than-asked',
    file: quote,
    at: 'if («receiver.remaining !== undefined && amounts.receiveAmount > receiver.remaining»)',
    by: 'false',
    fails: ['quote.more-than-asked'],
  },
  {
    id: 'quote.completed-receiver',
    file: receiver,
    at: 'if («receiver.completed || (remaining !== undefined && remaining <= 0n)») throw',
    by: 'false',
    also: [
      { file: receiver, at: 'if («payment.completed || !ilp») throw', by: 'false' },
      {
        file: receiver,
        at: 'if («!isLocal && !peer») throw',
        by: 'false',
      },
    ],
    fails: ['quote.completed-receiver', 'outgoing-payment.closed-receiver'],
  },
  {
    id: 'quote.smallest-amount-too-small',
    file: quoteAmounts,
    at: 'const value = «minimumDebit(rate, fee)»;',
    by: 'minimumDebit(rate, fee) - 1n',
    fails: ['quote.too-little'],
  },
  {
    id: 'quote.of-everybody',
    file: caller,
    at: 'if («ownClientId !== undefined && ownClientId !== row.client_id») throw',
    by: 'false',
    fails: ['quote.of-another-client', 'outgoing-payment.of-another-client', 'client-keys.own-resources-only'],
  },

  {
    id: 'quote.without-end',
    file: outgoing,
    at: 'if («now >= toMillis(payable.quote.expires_at)») throw',
    by: 'false',
    fails: ['quote.expired'],
  },

  // ── Terms of quotes, metadata, words ──
  {
    id: 'quote.rate-of-today',
    file: quote,
    at: 'return { status: 200, body: «toBody(deps, row, row.wallet_url)» };\n    },\n  } satisfies',
    by: '{ ...toBody(deps, row, row.wallet_url), receiveAmount: toWireAmount({ ...receiveAmountOf(row), value: quoteFixedSend({ debitAsset: debitAmountOf(row).asset, rate: await deps.rate(debitAmountOf(row).asset, receiveAmountOf(row).asset), fee: { basisPoints: 0, fixed: 0n }, debitAmount: debitAmountOf(row).value }).receiveAmount }) }',
    fails: ['quote.keeps-its-terms'],
  },
  {
    id: 'quote.outlives-its-receiver',
    file: quote,
    at: 'expires_at: toInstant(«Math.min(end, receiver.expiresAt ?? end)»),',
    by: 'end',
    fails: ['quote.ends-with-its-receiver'],
  },
  {
    id: 'quote.rate-upside-down',
    file: quote,
    at: 'rate: «await deps.rate(wallet.asset, receiver.asset)»,',
    by: 'await deps.rate(receiver.asset, wallet.asset)',
    fails: ['quote.payers-ase-converts', 'quote.scales'],
  },
  {
    id: 'amounts.beyond-uint64',
    file: 'src/open-payments/amount.ts',
    at: 'if («value < 0n || value > MAX_AMOUNT») throw',
    by: 'false',
    fails: ['quote.out-of-range'],
  },
  {
    id: 'quote.from-any-wallet-address',
    file: 'src/resource/payable-quote.ts',
    at: '«quote.wallet_address_id === row.wallet_id && quote.account_id === row.wallet_account_id»;',
    by: 'true',
    fails: ['quote.of-another-wallet-address'],
  },
  {
    id: 'metadata.empty-is-none',
    file: incoming,
    at: '...(«row.metadata !== null» && { metadata: row.metadata }),',
    by: 'row.metadata !== null && Object.keys(row.metadata).length > 0',
    fails: ['metadata.kept'],
  },
  {
    id: 'metadata.numbers-rounded',
    file: 'src/resource/metadata.ts',
    at: "if («typeof value === 'number' && source !== undefined && !isKept(source, value)») {",
    by: 'false',
    fails: ['metadata.nothing-lost'],
  },
  {
    id: 'metadata.any-depth',
    file: 'src/http/parse-body.ts',
    at: 'if («isTooDeep(text)»)',
    by: 'false',
    fails: ['metadata.size'],
  },
  {
    id: 'metadata.any-size',
    file: 'src/resource/metadata.ts',
    at: 'if («Buffer.byteLength(text) > MAX_BYTES»)',
    by: 'false',
    fails: ['metadata.size'],
  },
  {
    id: 'metadata.numbers-of-any-length',
    file: 'src/resource/metadata.ts',
    at: '«written.length <= MAX_NUMBER_LENGTH» && canonicalNumber(written)',
    by: 'true',
    fails: ['metadata.size'],
  },
  {
    id: 'resource.closed-payment-is-a-bad-request',
    file: 'src/resource/problem.ts',
    at: "incoming_payment_closed: { status: 409, code: «'conflict'»,",
    by: "'Conflict'",
    from: 'loading',
    fails: ['resource.words-of-errors'],
  },

  {
    id: 'list.cursor-of-any-list',
    file: pagination,
    at: '«bytes.subarray(POSITION_LENGTH).equals(bindCursor(position, scope))»;',
    by: 'true',
    fails: ['list.cursor-of-another-list', 'list.*cursor-of-another-client'],
  },
  {
    id: 'quote.only-its-client-pays',
    file: 'src/resource/payable-quote.ts',
    at: "'quoteId' in body ? «findPayableQuote(deps, body)» :",
    by: "findPayableQuote(deps, body).then((taken) => { if (taken.quote.client_id !== clientId) throw resourceProblem('invalid_quote'); return taken; })",
    fails: ['quote.paid-by-another-client'],
  },
];
