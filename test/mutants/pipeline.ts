/** Mutants of what all servers share: schema, token, signature, order of the steps (src/http). */
import type { Mutant } from './mutant.ts';

const pipeline = 'src/http/pipeline.ts';

/** Requests are taken as they come; a content type that no operation knows is refused all the same. */
export const withoutSchema = {
  file: pipeline,
  at: 'return «await server.validateRequest({ method, path, query, headers, body })»;',
  by: '((request) => server.validateRequest(request).catch((error) => { if (error.status === 415) throw error; return { params: {}, query, body }; }))({ method, path, query, headers, body })',
} as const;

export const pipelineMutants: readonly Mutant[] = [
  {
    id: 'pipeline.schema-not-enforced',
    ...withoutSchema,
    fails: [
      'resource.create-*-text-plain',
      'resource.create-*-no-content-type',
      'resource.create-*-array',
      'resource.create-*-empty',
      'resource.create-*-extra-member',
      'incoming-payment.refuses-amount-number',
      'incoming-payment.refuses-metadata-array',
      'list.*-without-wallet-address',
      'quote.refuses-two-amounts',
      'quote.refuses-no-method',
      'quote.refuses-method',
      'outgoing-payment.refuses-mixture',
    ],
  },
  {
    id: 'pipeline.malformed-body-is-our-fault',
    file: pipeline,
    at: "throw new Problem(«'malformed_body'»)",
    by: "'internal_error'",
    fails: ['resource.create-*-malformed-json'],
  },
  {
    id: 'pipeline.body-before-caller',
    file: pipeline,
    at: "if («server.validates === 'before-authentication'») request",
    by: 'true',
    fails: ['resource.create-*-authentication-first'],
  },
  {
    id: 'pipeline.caller-before-body',
    file: pipeline,
    at: "if («server.validates === 'before-authentication'») request",
    by: 'false',
    fails: [
      'grant.missing-client',
      'grant.number-client',
      'grant.null-client',
      'grant.jwk-alg',
      'grant.jwk-kty',
      'grant.jwk-crv',
      'grant.jwk-without-x',
      'grant.jwk-without-kid',
      'grant.malformed-json',
      'grant.no-body',
      'grant.array-body',
      'grant.null-body',
      'grant.text-plain',
      'grant.no-content-type',
      'grant.order-of-refusals',
    ],
  },
  {
    id: 'pipeline.signature-not-asked-for',
    file: pipeline,
    at: 'const signature = «signs(policy) && !isPublic» ?',
    by: "signs(policy) && !isPublic && headerLines(exchange, 'signature').length > 0",
    fails: ['continuation.*-unsigned', 'token.*-unsigned', 'signature.*-unsigned', 'resource.*-unsigned'],
  },
  {
    id: 'pipeline.signature-not-verified',
    file: pipeline,
    at: '  if («!verdict.ok») {',
    by: 'false',
    fails: ['continuation.*-broken-signature', 'token.*-broken-signature', 'resource.*-wrongly-signed'],
  },
  {
    id: 'pipeline.token-not-asked-for',
    file: pipeline,
    at: "throw «new Problem('missing_authorization')»;",
    by: "new Problem('not_found')",
    fails: ['continuation.*-no-token', 'resource.*-without-token'],
  },
  {
    id: 'resource.unknown-token-not-found',
    file: 'src/resource/server.ts',
    at: "if (!caller) throw resourceProblem(«'invalid_token'»);",
    by: "'not_found'",
    fails: ['resource.*-wrong-token'],
  },
  {
    id: 'resource.any-right-suffices',
    file: 'src/resource/caller.ts',
    function: 'allows',
    returns: 'true',
    fails: ['resource.*-insufficient'],
  },
  {
    id: 'resource.unknown-id-is-forbidden',
    file: 'src/resource/problem.ts',
    at: 'renderError(entries, «withPrefix(problem)», failureId)',
    by: "problem.code === 'not_found' ? resourceProblem('insufficient_access') : withPrefix(problem)",
    fails: ['resource.get-*-unknown', 'resource.complete-*-unknown'],
  },
  {
    id: 'pipeline.replies-not-validated',
    file: pipeline,
    at: '  if («!validator(body)») {',
    by: 'false',
    also: [
      { file: 'src/wallet-address/handlers.ts', at: 'assetScale: «row.asset_scale»,', by: 'String(row.asset_scale)' },
    ],
    after: ['wallet-address.document'],
    fails: ['answers.match-documents'],
  },
];
