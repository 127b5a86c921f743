/** Mutants of content digests (RFC 9530), of clients' keys, and of what the profiles do differently. */
import type { Mutant } from './mutant.ts';

const digest = 'src/http/signatures/content-digest.ts';
const keys = 'src/http/signatures/client-keys.ts';
const instance = 'src/auth/client-instance.ts';
const pipeline = 'src/http/pipeline.ts';
const accessToken = 'src/auth/access-token.ts';
const amount = 'src/resource/request-amount.ts';

export const digestMutants: readonly Mutant[] = [
  {
    id: 'digest.not-compared',
    file: digest,
    at: "const mismatch = «claimed.find(({ hashName, digest }) => !digest.equals(hash(hashName, exchange.body, 'buffer')))»;",
    by: 'undefined',
    fails: [
      'signature.*-other-body',
      'signature.*-other-digest',
      'signature.*-mislabelled-digest',
      'signature.*-one-of-two-digests-wrong',
      'vector.body-changed',
      'vector.digest-of-body-that-is-not',
    ],
  },
  {
    id: 'digest.of-compact-json-only',
    file: digest,
    at: "!digest.equals(«hash(hashName, exchange.body, 'buffer')»));",
    by: "hash(hashName, serializeCompactJson(exchange.body) ?? exchange.body, 'buffer')",
    fails: ['signature.*-pretty-printed', 'vector.pretty-printed', 'vector.whitespace-changed'],
  },
  {
    id: 'digest.of-compact-json-in-strict',
    file: digest,
    at: 'const compact = «switches.digestOfCompactJson» ?',
    by: 'true',
    profile: 'strict',
    fails: ['vector.whitespace-changed'],
  },
  {
    id: 'digest.sha-512-only',
    file: digest,
    at: 'algorithm is DigestAlgorithm => «Object.hasOwn(hashNames, algorithm)»;',
    by: "algorithm === 'sha-512'",
    fails: ['signature.*-sha-256', 'vector.sha-256'],
  },
  {
    id: 'digest.first-of-two',
    file: digest,
    at: 'if («claimed.length === 0») return',
    by: 'claimed.length !== 1',
    fails: ['vector.two-digests'],
  },
  {
    id: 'digest.any-syntax',
    file: digest,
    at: "if (!dictionary.ok) return «refusal('digest_malformed', `Content-Digest: ${dictionary.detail}`)»;",
    by: '{ ok: true, lenient: [] }',
    also: [
      {
        file: digest,
        at: "return «refusal('digest_malformed', `${key} is not a byte sequence`)»;",
        by: '{ ok: true, lenient: [] }',
      },
    ],
    fails: ['signature.*-malformed-digest', 'vector.digest-malformed'],
  },
  {
    id: 'digest.any-algorithm',
    file: digest,
    at: "if (claimed.length === 0) return «refusal('digest_unsupported', 'Content-Digest names neither sha-512 nor sha-256')»;",
    by: '{ ok: true, lenient: [] }',
    fails: ['signature.*-unknown-digest', 'vector.digest-unknown'],
  },
];

export const clientKeyMutants: readonly Mutant[] = [
  {
    id: 'client-keys.spelling-is-identity',
    file: 'src/open-payments/wallet-address-url.ts',
    at: "return «`${url.protocol}//${authority}${path === '/' ? '' : path}`»;",
    by: 'url.origin + url.pathname',
    fails: ['client-keys.one-identity'],
  },
  {
    id: 'client-keys.private-part-dropped',
    file: keys,
    at: 'if («exposed !== undefined») {',
    by: 'false',
    fails: ['client-keys.unusable-jwk'],
  },
  {
    id: 'client-keys.any-base64url',
    file: keys,
    at: "if (typeof x !== 'string' || «!/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(x)») {",
    by: '!/^[A-Za-z0-9_-]{43}$/.test(x)',
    fails: ['client-keys.unusable-jwk'],
  },
  {
    id: 'client-keys.of-another-address',
    file: keys,
    at: "url: «`${clientWalletAddress.replace(/\\/$/, '')}/jwks.json`»",
    by: 'new URL(clientWalletAddress).origin',
    fails: ['client-keys.fetched', 'client-keys.ambiguous', 'client-keys.removed-key', 'client-keys.bounded-fetches'],
  },
  {
    id: 'client-keys.first-key-counts',
    file: keys,
    at: 'importOnlyEntry(«entries.get(keyid)»)',
    by: 'entries.get(keyid) ?? [...entries.values()][0]',
    fails: ['client-keys.unknown-keyid'],
  },
  {
    id: 'client-keys.not-found-is-our-fault',
    file: instance,
    at: 'if («!(error instanceof ClientKeyError)») return error;',
    by: 'true',
    fails: [
      'client-keys.unknown-keyid',
      'client-keys.not-found',
      'client-keys.server-error',
      'client-keys.html',
      'client-keys.no-keys-member',
      'client-keys.unreachable',
      'client-keys.redirect-elsewhere',
    ],
  },
  {
    id: 'client-keys.last-of-a-kid',
    file: keys,
    at: 'if («entries.length !== 1») throw',
    by: 'false',
    fails: ['client-keys.ambiguous'],
  },
  {
    id: 'client-keys.no-second-fetch',
    file: keys,
    at: 'if («!set.entries.has(keyid) && wasCached») {',
    by: 'false',
    fails: ['client-keys.added-key'],
  },
  {
    id: 'client-keys.fetched-without-end',
    file: keys,
    at: 'wallNow() - cached.refetchedAt >= «minRefetchMs»)',
    by: '0',
    fails: ['client-keys.bounded-fetches'],
  },
  {
    id: 'client-keys.kept-for-ever',
    file: keys,
    at: 'let set = before && «wallNow() - before.fetchedAt < ttlMs» ?',
    by: 'true',
    fails: ['client-keys.removed-key', 'client-keys.exchanged-key'],
  },
  {
    id: 'client-keys.kid-of-a-jwk-ignored',
    file: keys,
    at: 'if («key.keyid !== keyid»)',
    by: 'false',
    fails: ['client-keys.keyid-of-jwk-client'],
  },
  {
    id: 'client-keys.jwk-looked-up',
    file: instance,
    at: 'return «importClientJwk(client.jwk)»;',
    by: 'keys.keyFor(client.jwk.kid, keyid)',
    fails: ['client-keys.jwk-is-not-looked-up'],
  },
  {
    id: 'client-keys.redirects-followed-anywhere',
    file: 'src/net/outbound.ts',
    at: '|| «target?.origin !== url.origin») {',
    by: 'target === null',
    fails: ['client-keys.redirect-elsewhere'],
  },
  {
    id: 'client-keys.resources-of-all-clients',
    file: 'src/resource/caller.ts',
    at: "if («ownClientId !== undefined && ownClientId !== row.client_id») throw resourceProblem('not_found');",
    by: 'false',
    fails: ['client-keys.own-resources-only'],
  },
  {
    id: 'client-keys.name-not-needed',
    file: instance,
    at: "if («clientWithoutName === 'show-address'») return",
    by: 'true',
    fails: ['client-keys.display-name'],
  },
];

export const profileMutants: readonly Mutant[] = [
  {
    id: 'profile.management-wants-its-token',
    file: pipeline,
    at: "(caller === 'management' && «!switches.rotateWithForeignToken»);",
    by: 'true',
    also: [{ file: accessToken, at: 'if (!showsToken && «!deps.switches.rotateWithForeignToken») {', by: 'true' }],
    fails: ['profile.compat-r*'],
  },
  {
    id: 'profile.management-takes-any-token',
    file: pipeline,
    at: "(caller === 'management' && «!switches.rotateWithForeignToken»);",
    by: 'false',
    also: [{ file: accessToken, at: 'if (!showsToken && «!deps.switches.rotateWithForeignToken») {', by: 'false' }],
    fails: ['profile.strict-r*'],
  },
  {
    id: 'profile.leniency-not-reported',
    file: 'src/auth/server.ts',
    at: '...(«withoutToken» && { lenient:',
    by: 'false',
    fails: ['profile.compat-r*'],
  },
  {
    id: 'profile.old-token-refused',
    file: pipeline,
    at: 'return «switches.publicGetWithForeignToken» &&',
    by: 'false',
    fails: ['profile.compat-old-token-on-public-read'],
  },
  {
    id: 'profile.old-token-passed-over',
    file: pipeline,
    at: 'return «switches.publicGetWithForeignToken» &&',
    by: 'true',
    fails: ['profile.strict-old-token-on-public-read'],
  },
  {
    id: 'profile.amounts-are-closed',
    file: amount,
    at: "unknown !== undefined && «unknownAmountMembers === 'refuse'»)",
    by: 'true',
    fails: ['profile.compat-unknown-member-of-amount'],
  },
  {
    id: 'profile.amounts-are-open',
    file: amount,
    at: "unknown !== undefined && «unknownAmountMembers === 'refuse'»)",
    by: 'false',
    fails: ['profile.strict-unknown-member-of-amount'],
  },
  {
    id: 'profile.unknown-query-parameters-refused',
    file: pipeline,
    at: "if («context.switches.unknownQueryParameters === 'refuse'») {",
    by: 'true',
    fails: ['profile.compat-unknown-query-parameter'],
  },
  {
    id: 'profile.unknown-query-parameters-ignored',
    file: pipeline,
    at: "if («context.switches.unknownQueryParameters === 'refuse'») {",
    by: 'false',
    fails: ['profile.strict-unknown-query-parameter'],
  },
  {
    id: 'profile.unknown-query-parameters-not-reported',
    file: pipeline,
    at: "reportLeniency(«['unknown_query_parameter']», context, notes);",
    by: '[]',
    fails: ['profile.compat-unknown-query-parameter'],
  },
];
