/** Mutants of the resource server: what holds for all operations, and incoming payments (Open Payments resource-server). */
import type { Mutant } from './mutant.ts';
import { withoutSchema } from './pipeline.ts';

const incoming = 'src/resource/incoming-payment.ts';
const caller = 'src/resource/caller.ts';

export const resourceMutants: readonly Mutant[] = [
  // ── All operations ──
  {
    id: 'resource.any-wallet-address',
    file: caller,
    at: '(«item.identifier === undefined || canonicalWalletAddress(item.identifier) === wanted»),',
    by: 'true',
    fails: ['resource.other-wallet-address'],
  },
  {
    id: 'resource.unknown-wallet-address-not-found',
    file: 'src/resource/problem.ts',
    at: 'renderError(entries, «withPrefix(problem)», failureId)',
    by: "problem.code === 'unknown_wallet_address' ? resourceProblem('not_found') : withPrefix(problem)",
    fails: ['resource.unknown-wallet-address'],
  },
  {
    id: 'resource.unknown-paths-without-preflight',
    file: 'src/http/router.ts',
    at: "«options.cors && isPreflight(req, ['OPTIONS'])» ?",
    by: 'false',
    fails: ['resource.cors'],
  },
  {
    id: 'resource.preflight-without-signature-headers',
    file: 'src/http/cors.ts',
    at: "'Access-Control-Allow-Headers':\n        «requested ?? 'Authorization, Content-Type, Content-Digest, Signature, Signature-Input, Web-Monetization-Id'»,",
    by: "'Authorization, Content-Type'",
    fails: ['resource.cors'],
  },
  {
    id: 'resource.quotes-are-listed',
    file: 'src/http/router.ts',
    at: 'const route = «routes.find((candidate) => accepts(candidate, req.method))»;',
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
    file: 'src/open-payments/amount.ts',
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
    file: 'src/open-payments/amount.ts',
    at: 'UINT64.test(wire.value) ? «BigInt(wire.value)» : undefined',
    by: 'BigInt(Math.min(Number(wire.value), 2 ** 63))',
    fails: ['incoming-payment.large-values'],
  },
  {
    id: 'incoming-payment.public-view-tells-the-rest',
    file: incoming,
    at: 'body: «{ authServer: deps.authServer, receivedAmount: receivedAmountOf(row) }»',
    by: '{ authServer: deps.authServer, receivedAmount: receivedAmountOf(row), completed: false }',
    fails: ['incoming-payment.public-view'],
  },
  {
    id: 'incoming-payment.unknown-is-gone',
    file: 'src/resource/resource-url.ts',
    at: "if (!row) throw resourceProblem(«'not_found'»);\n  return row;",
    by: "'incoming_payment_closed'",
    fails: ['incoming-payment.public-unknown'],
  },
  {
    id: 'incoming-payment.expired-is-open',
    file: 'src/payments/incoming/credit.ts',
    at: 'payment.completed || «businessNow >= payment.expiresAt»;',
    by: 'false',
    fails: ['incoming-payment.expired'],
  },
  {
    id: 'incoming-payment.slash-is-part-of-the-id',
    file: 'src/http/received-request.ts',
    at: "return authority + («path.replaceAll(/\\/{2,}/g, '/').replace(/(?<=.)\\/$/, '') || '/'») + query;",
    by: "path.replace(/(?<=[0-9a-f])\\/$/, '%2f')",
    fails: ['incoming-payment.trailing-slash'],
  },
  {
    id: 'incoming-payment.completed-twice',
    file: incoming,
    at: 'if («isRowClosed(row, deps)») throw',
    by: 'false',
    fails: ['incoming-payment.complete'],
  },
  {
    id: 'incoming-payment.completion-without-content',
    file: 'src/http/pipeline.ts',
    at: 'const body = «route.hasBody ? resolveAliases(context, parseBody(exchange)) : undefined»;',
    by: "route.hasBody || exchange.body.length === 0 ? parseBody(exchange) : (() => { throw new Problem('invalid_request'); })()",
    fails: ['incoming-payment.complete-with-body'],
  },
];
