/** Mutants of the resource server: incoming payments, lists, quotes, outgoing payments (Open Payments resource-server). */
import type { Mutant } from './mutant.ts';
import { withoutSchema } from './pipeline.ts';

const incoming = 'src/resource/incoming-payment.ts';
const outgoing = 'src/resource/outgoing-payment.ts';
const quote = 'src/resource/quote.ts';
const quoteAmounts = 'src/payments/quote-amounts.ts';
const pagination = 'src/resource/pagination.ts';
const receiver = 'src/resource/receiver.ts';
const spending = 'src/resource/grant-spending.ts';
const caller = 'src/resource/caller.ts';

export const resourceMutants: readonly Mutant[] = [
  // ── All operations ──
  {
    id: 'resource.any-wallet-address',
    file: caller,
    at: '(«item.identifier === undefined || normaliseWalletAddress(item.identifier) === wanted»),',
    by: 'true',
    fails: ['resource.other-wallet-address'],
  },
  {
    id: 'resource.unknown-wallet-address-not-found',
    file: 'src/resource/problem.ts',
    at: 'const entry = catalogue[«problem.code as PipelineCode | ResourceCode»];',
    by: "problem.code === 'unknown_wallet_address' ? 'not_found' : problem.code",
    fails: ['resource.unknown-wallet-address'],
  },
  {
    id: 'resource.preflight-without-signature-headers',
    file: 'src/http/bind.ts',
    at: "'Access-Control-Allow-Headers':\n        «asked ?? 'Authorization, Content-Type, Content-Digest, Signature, Signature-Input, Web-Monetization-Id'»,",
    by: "'Authorization, Content-Type'",
    fails: ['resource.cors'],
  },
  {
    id: 'resource.quotes-are-listed',
    file: 'src/http/bind.ts',
    at: "const route = «routes.find(({ method }) => method === req.method || (method === 'GET' && req.method === 'HEAD'))»;",
    by: 'routes[0]',
    fails: ['resource.no-list-of-quotes'],
  },

  // ── Incoming payments ──
  {
    id: 'incoming-payment.secret-for-all',
    file: incoming,
    at: 'const { ilpAddress, sharedSecret } = deps.credentialsFor(«row.id»);',
    by: "'00000000-0000-4000-8000-000000000000'",
    fails: ['incoming-payment.create'],
  },
  {
    id: 'amounts.any-text',
    file: 'src/payments/amount.ts',
    at: 'const value = «UINT64.test(wire.value) ? BigInt(wire.value) : undefined»;',
    by: '5n',
    also: [
      withoutSchema,
      {
        file: 'src/http/request-validator.ts',
        at: 'validate: (value: string) => «/^(0|[1-9][0-9]{0,19})$/.test(value) && BigInt(value) <= UINT64_MAX»,',
        by: 'true',
      },
    ],
    fails: ['incoming-payment.refuses-amount-?', 'quote.refuses-value', 'quote.refuses-value-number'],
  },
  {
    id: 'incoming-payment.zero-asked-for',
    file: incoming,
    at: 'if («amount.value === 0n || !sameAsset(amount.asset, walletAsset)») throw',
    by: '!sameAsset(amount.asset, walletAsset)',
    fails: ['incoming-payment.refuses-zero'],
  },
  {
    id: 'incoming-payment.any-asset',
    file: incoming,
    at: 'if («amount.value === 0n || !sameAsset(amount.asset, walletAsset)») throw',
    by: 'amount.value === 0n',
    fails: ['incoming-payment.refuses-asset', 'incoming-payment.refuses-scale'],
  },
  {
    id: 'incoming-payment.any-expiry',
    file: incoming,
    at: 'if («!(expiry > now && expiry <= latest)») throw',
    by: 'Number.isNaN(expiry)',
    also: [withoutSchema],
    fails: ['past', 'far', 'date-only', 'no-zone'].map((kind) => `incoming-payment.refuses-${kind}`),
  },
  {
    id: 'incoming-payment.expiry-without-offset',
    file: incoming,
    at: 'expiresAt === undefined ? latest : «Date.parse(expiresAt)»',
    by: "Date.parse(expiresAt.replace(/[+-]\\d\\d:\\d\\d$/, 'Z'))",
    fails: ['incoming-payment.expiry-offset'],
  },
  {
    id: 'amounts.through-floating-point',
    file: 'src/payments/amount.ts',
    at: 'UINT64.test(wire.value) ? «BigInt(wire.value)» : undefined',
    by: 'BigInt(Math.min(Number(wire.value), 2 ** 63))',
    fails: ['incoming-payment.large-values'],
  },
  {
    id: 'incoming-payment.public-view-tells-the-rest',
    file: incoming,
    at: 'body: { authServer: deps.authServer, receivedAmount: «toBody(row).receivedAmount» }',
    by: "{ ...toBody(row).receivedAmount, value: row.incoming_amount ?? '0' }",
    fails: ['incoming-payment.public-view'],
  },
  {
    id: 'incoming-payment.unknown-is-gone',
    file: incoming,
    at: "    if (!row) throw new Problem(«'not_found'»);\n    return row;",
    by: "'incoming_payment_closed'",
    fails: ['incoming-payment.public-unknown'],
  },
  {
    id: 'incoming-payment.expired-is-open',
    file: incoming,
    at: 'return row.completed || «clock.businessNow() >= toMillis(row.expires_at)»;',
    by: 'false',
    fails: ['incoming-payment.expired'],
  },
  {
    id: 'incoming-payment.slash-is-part-of-the-id',
    file: 'src/http/bind.ts',
    at: "req.url = («path.replaceAll(/\\/{2,}/g, '/').replace(/(?<=.)\\/$/, '') || '/'») + query;",
    by: "path.replace(/(?<=[0-9a-f])\\/$/, '%2f')",
    fails: ['incoming-payment.trailing-slash'],
  },
  {
    id: 'incoming-payment.completed-twice',
    file: incoming,
    at: 'if («isClosed(row)») throw',
    by: 'false',
    fails: ['incoming-payment.complete'],
  },
  {
    id: 'incoming-payment.completion-without-content',
    file: 'src/http/pipeline.ts',
    at: "const body = «policy.body === 'read' ? parseBody(exchange) : undefined»;",
    by: "policy.body === 'read' || exchange.body.length === 0 ? parseBody(exchange) : (() => { throw new Problem('invalid_request'); })()",
    fails: ['incoming-payment.complete-with-body'],
  },

  // ── Lists ──
  {
    id: 'list.any-size',
    file: pagination,
    at: 'if («!/^[1-9][0-9]?$|^100$/.test(text)») throw',
    by: 'text === "never"',
    also: [withoutSchema, { file: pagination, at: 'return «Number(text)»;', by: 'Number(text) || 20' }],
    fails: [
      'list.refuses-first-zero',
      'list.refuses-first-101',
      'list.refuses-first-word',
      'list.refuses-first-fraction',
      'list.refuses-first-plus',
      'list.refuses-first-empty',
    ],
  },
  {
    id: 'list.repeated-parameter',
    file: pagination,
    at: 'const value = «query[name]»;',
    by: '[query[name]].flat()[0]',
    also: [withoutSchema],
    fails: ['list.refuses-first-twice'],
  },
  {
    id: 'list.last-without-cursor',
    file: pagination,
    at: 'if («last !== undefined && cursor === undefined») throw',
    by: 'false',
    fails: ['list.refuses-last-without-cursor'],
  },
  {
    id: 'list.first-and-last',
    file: pagination,
    at: 'if («first !== undefined && last !== undefined») throw',
    by: 'false',
    fails: ['list.refuses-first-and-last'],
  },
  {
    id: 'list.cursor-of-anything',
    file: pagination,
    at: 'cursor: «cursor === undefined ? undefined : parseCursor(cursor, scope)»,',
    by: 'undefined',
    also: [
      withoutSchema,
      { file: pagination, at: 'if («!/^[1-9][0-9]?$|^100$/.test(text)») throw', by: 'text.length > 3' },
    ],
    fails: ['list.refuses-cursor-*', 'list.refuses-last-zero', 'list.pages'],
  },
  {
    id: 'list.items-of-everybody',
    file: incoming,
    at: '.$if(«ownClientId !== undefined», (select) =>',
    by: 'false',
    fails: ['list.own-only'],
  },
  {
    id: 'list.items-with-methods',
    file: incoming,
    at: 'result: rows.map(«toBody»)',
    by: '(row) => ({ ...toBody(row), walletAddress: `${row.wallet_url}/` })',
    fails: ['list.items'],
  },

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
    at: 'const known = «Object.hasOwn(catalogue, problem.code)» &&',
    by: "!['invalid_receiver', 'receiver_unreachable'].includes(problem.code)",
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
        at: 'if («!isLocal && !(ilp && deps.canReach(ilp.address, receiver.asset))») throw',
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
    file: quote,
    at: 'if («ownClientId !== undefined && ownClientId !== row.client_id») throw',
    by: 'false',
    fails: ['quote.of-another-client'],
  },

  {
    id: 'quote.without-end',
    file: outgoing,
    at: 'if («clock.businessNow() >= toMillis(quote.expires_at)») throw',
    by: 'false',
    fails: ['quote.expired'],
  },

  // ── Outgoing payments ──
  {
    id: 'outgoing-payment.unknown-quote-is-invalid',
    file: outgoing,
    at: "if (row.id === null) throw new Problem(«'unknown_quote'»);",
    by: "'invalid_quote'",
    fails: ['outgoing-payment.refuses-unknown-quote'],
  },
  {
    id: 'outgoing-payment.quote-of-another-server',
    file: outgoing,
    at: "if (quoteId === undefined) throw new Problem(«'invalid_quote'»);",
    by: "'unknown_quote'",
    fails: ['outgoing-payment.refuses-foreign-quote'],
  },
  {
    id: 'outgoing-payment.quote-paid-twice',
    file: outgoing,
    at: 'if («numInsertedOrUpdatedRows === 0n») throw',
    by: 'false',
    fails: ['outgoing-payment.quote-once'],
  },
  {
    id: 'outgoing-payment.metadata-lost',
    file: outgoing,
    at: 'metadata: «body.metadata ?? null»,',
    by: 'null',
    fails: ['outgoing-payment.create'],
  },
  {
    id: 'outgoing-payment.quote-not-stored',
    file: outgoing,
    at: 'if («isNew») await insertQuote(tx, ase, quote);',
    by: 'isNew && await insertQuote(tx, ase, { ...quote, receive_amount: `${BigInt(quote.receive_amount) + 1n}` }) || false',
    fails: ['outgoing-payment.direct'],
  },
  {
    id: 'grant-spent.payments-not-added',
    file: spending,
    at: 'spent_debit: sql<string>`spent_debit + ${«`${debit.value}`»}::numeric`',
    by: "'0'",
    fails: ['grant-spent.totals'],
  },
];
