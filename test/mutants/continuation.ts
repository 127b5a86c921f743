/** Mutants of continuations, token management and injected faults (RFC 9635 §4.2, §5, §6). */
import type { Mutant } from './mutant.ts';

const continuation = 'src/auth/continuation.ts';
const token = 'src/auth/access-token.ts';
const faults = 'src/http/inject-fault.ts';

const waitEnforced = 'if («isOpen(grant) && now < grant.continuedAt + grant.wait * 1000») throw';
const tokenChecked = "if («!grant || !matchesDigest(token, grant.continueDigest) || grant.state === 'revoked'») {";

export const continuationMutants: readonly Mutant[] = [
  // ── Ownership of a continuation ──
  {
    id: 'continuation.any-token',
    file: continuation,
    at: tokenChecked,
    by: "!grant || grant.state === 'revoked'",
    fails: ['continuation.*-wrong-token', 'continuation.token-kinds', 'continuation.token-renewed'],
  },
  {
    id: 'continuation.unknown-id-is-a-bad-request',
    file: continuation,
    at: "throw authProblem(«'unknown_continuation'»);\n  }\n  return grant;",
    by: "'invalid_request'",
    fails: ['continuation.*-wrong-id', 'continuation.*-wrong-token'],
  },
  // ── Continuing ──
  {
    id: 'continuation.reference-unchecked',
    file: continuation,
    at: 'if («!matchesDigest(interactRef, grant.interaction?.interactRefDigest)») throw',
    by: 'false',
    fails: ['interaction.references-differ', 'continuation.unknown-reference'],
  },
  {
    id: 'continuation.reference-is-unknown-before-consent',
    file: continuation,
    at: "if («grant.state === 'pending'») throw authProblem('grant_denied');\n          if (!matches",
    by: 'false',
    fails: ['continuation.reference-before-consent'],
  },
  {
    id: 'continuation.no-token',
    file: continuation,
    at: '...(«issued» && { access_token: issued.wire }),',
    by: 'false',
    fails: ['continuation.accepted', 'continuation.subject', 'continuation.poll'],
  },
  {
    id: 'continuation.token-of-no-rights',
    file: continuation,
    at: 'const issued = «grant.access.length > 0» ?',
    by: 'true',
    fails: ['continuation.subject'],
  },
  {
    id: 'continuation.no-subject',
    file: continuation,
    at: '...(«grant.subject» && { subject',
    by: 'false',
    fails: ['continuation.subject', 'interaction.foreign-holder'],
  },
  {
    id: 'continuation.reference-not-needed',
    file: continuation,
    at: 'if («grant.interaction?.finish») throw',
    by: 'false',
    fails: ['continuation.finish-demands-reference'],
  },
  {
    id: 'continuation.again',
    file: continuation,
    at: "if («!isOpen(grant)») throw authProblem('grant_denied');",
    by: 'false',
    also: [{ file: continuation, at: 'if («grant.interaction?.finish») throw', by: 'false' }],
    fails: ['continuation.nothing-left', 'token.revoked-is-not-continued'],
  },
  {
    id: 'continuation.poll-before-consent-fetches',
    file: continuation,
    at: "if («grant.state === 'approved'») return issueApproved(call, deps, grant, token);\n  if (grant.interaction && now",
    by: 'true',
    fails: ['continuation.poll', 'interaction.decision-takes-effect', 'interaction.forged-decision'],
  },
  {
    id: 'continuation.expired-poll',
    file: continuation,
    at: 'if («grant.interaction && now >= grant.interaction.expiresAt») {',
    by: 'false',
    fails: ['interaction.expired', 'interaction.ends-expired'],
  },
  {
    id: 'continuation.slash-unknown',
    file: 'src/http/received-request.ts',
    at: "return authority + («path.replaceAll(/\\/{2,}/g, '/').replace(/(?<=.)\\/$/, '') || '/'») + query;",
    by: "/continue\\/[^/]+\\/$/.test(path) ? path + 'x' : path.replaceAll(/\\/{2,}/g, '/').replace(/(?<=.)\\/$/, '') || '/'",
    fails: ['continuation.trailing-slash'],
  },
  {
    id: 'continuation.method-not-found',
    file: 'src/http/router.ts',
    at: "return endpoint.reject(req, res, «new Problem('method_not_allowed')», { Allow",
    by: "new Problem('not_found')",
    fails: ['continuation.patch', 'interaction.head'],
  },
  // ── Waiting ──
  { id: 'continuation.wait-ignored', file: continuation, at: waitEnforced, by: 'false', fails: ['continuation.wait'] },
  {
    id: 'continuation.wait-for-polls-only',
    file: continuation,
    at: waitEnforced,
    by: 'interactRef === undefined && isOpen(grant) && now < grant.continuedAt + grant.wait * 1000',
    fails: ['continuation.wait'],
  },
  {
    id: 'continuation.wait-unannounced',
    file: continuation,
    at: waitEnforced,
    by: 'isOpen(grant) && now < grant.continuedAt + 5000',
    fails: ['continuation.too-fast', 'continuation.poll'],
  },
  {
    id: 'continuation.wait-not-renewed',
    file: continuation,
    at: '{ ...rotated, continuedAt: «now» }',
    by: 'grant.continuedAt',
    fails: ['continuation.wait'],
  },
  // ── Continuation tokens ──
  {
    id: 'continuation.token-always-renewed',
    file: continuation,
    at: 'if («!switches.rotateContinuation») return { rotated',
    by: 'false',
    fails: ['continuation.token-constant'],
  },
  {
    id: 'continuation.token-never-renewed',
    file: continuation,
    at: 'if («!switches.rotateContinuation») return { rotated',
    by: 'true',
    fails: ['continuation.token-renewed'],
  },
  {
    id: 'continuation.token-renewed-and-both-good',
    file: continuation,
    at: 'continueDigest: «digestSecret(continueToken)» }',
    by: 'grant.continueDigest',
    fails: ['continuation.token-renewed'],
  },
  // ── Cancelling ──
  {
    id: 'continuation.cancelled-goes-on',
    file: continuation,
    at: tokenChecked,
    by: '!grant || !matchesDigest(token, grant.continueDigest)',
    fails: ['continuation.cancel-pending', 'interaction.ends-revoked'],
  },
  {
    id: 'continuation.cancelled-tokens-live',
    file: 'src/auth/caller.ts',
    at: ".where('g.finalization', '=', «'issued'»)",
    by: "(eb) => eb.ref('g.finalization')",
    fails: ['continuation.cancel-issued'],
  },
  // ── Tokens ──
  {
    id: 'token.unknown-is-a-bad-request',
    file: token,
    at: "if (!row) throw authProblem(«'unknown_token'»);",
    by: "'token_replaced'",
    fails: ['token.*-unknown-id', 'token.revoke'],
  },
  {
    id: 'token.rotation-keeps-url',
    file: token,
    at: 'const manageId = «ids.rowId()»;',
    by: "'00000000-0000-4000-8000-000000000000'",
    fails: ['token.rotate'],
  },
  {
    id: 'token.rotation-keeps-value',
    file: token,
    at: 'changeManaged(db, managed, «columns»)',
    by: '{ manage_id: columns.manage_id }',
    fails: ['token.rotate', 'token.rotate-expired'],
  },
  {
    id: 'token.rotation-replaces-nothing',
    file: token,
    at: 'changeManaged(db, managed, «columns»)',
    by: '{ created_at: columns.created_at }',
    fails: ['token.rotate', 'token.rotate-in-parallel'],
  },
  {
    id: 'token.digest-of-nothing-to-be-covered',
    file: 'src/http/signatures/signature-input.ts',
    at: "if («exchange.body.length > 0») required.push('content-digest');",
    by: "headerLines(exchange, 'content-digest').length > 0",
    fails: ['token.rotate-empty-body', 'continuation.trailing-slash'],
  },
  {
    id: 'token.may-be-uncovered',
    file: 'src/http/signatures/signature-input.ts',
    at: "if («headerLines(exchange, 'authorization').length > 0») required",
    by: 'false',
    fails: ['token.*-uncovered-token'],
  },
  {
    id: 'token.expired-is-lost',
    file: token,
    at: "if («!row») throw authProblem('unknown_token');\n  const showsToken",
    by: '!row || new Date(row.expires_at).getTime() <= deps.clock.businessNow()',
    also: [
      {
        file: token,
        at: ".select(«['t.id', 't.manage_id', 't.value_digest', 'g.client_wallet_address', 'g.client_jwk', 'g.access']»)",
        by: "['t.id', 't.manage_id', 't.value_digest', 'g.client_wallet_address', 'g.client_jwk', 'g.access', 't.expires_at']",
      },
    ],
    fails: ['token.rotate-expired'],
  },
  {
    id: 'token.revoked-lives',
    file: 'src/auth/caller.ts',
    // This column is null for all clients with a wallet address.
    at: ".where(«'t.revoked_at'», 'is', null)",
    by: "'g.client_jwk'",
    fails: ['token.revoke'],
  },
  {
    id: 'token.rotation-begins-anew',
    file: 'src/payments/outgoing/grant-spending.ts',
    at: ".where('grant_id', '=', «item.grantId»)",
    by: "'another'",
    fails: ['token.rotation-keeps-totals'],
  },
  // ── Injected faults ──
  {
    id: 'faults.always-with-a-code',
    file: faults,
    at: "codes = «form === 'error'» ? { code",
    by: 'true',
    fails: ['faults.forms'],
  },
  {
    id: 'faults.never-as-text',
    file: faults,
    at: "if («form === 'text'») {",
    by: 'false',
    fails: ['faults.forms'],
  },
  {
    id: 'faults.internal-in-other-words',
    file: 'src/auth/problem.ts',
    at: "internal_error: { status: 500, code: «'request_denied'», description: 'internal error' },",
    by: "'invalid_request'",
    from: 'loading',
    fails: ['faults.internal'],
  },
  {
    id: 'faults.internal-tells-all',
    file: 'src/http/error-catalogue.ts',
    at: 'entry === catalogue.internal_error ? «`internal error ${failureId}`» :',
    by: 'String(problem.cause)',
    fails: ['faults.internal'],
  },
  {
    id: 'faults.no-retry-after',
    file: faults,
    at: '...(«(status === 429 || status === 503)» && {',
    by: 'false',
    fails: ['faults.too-many-requests'],
  },
];
