/** Mutants of discovery and of the validation of grant requests (RFC 9635 §2, §9). */
import type { Mutant } from './mutant.ts';

const access = 'src/auth/access.ts';
const grantRequest = 'src/auth/grant-request.ts';
const server = 'src/auth/server.ts';

/** Accepts requests that do not match the schema. */
const withoutSchema = {
  file: server,
  at: "return «validateAgainstDocument({\n    ...request,\n    headers: request.body === undefined ? { ...headers, 'content-type': 'application/json' } : headers,\n  })»;",
  by: "validateAgainstDocument({ ...request, headers: { ...headers, 'content-type': 'application/json' } }).catch(() => ({ params: {}, query: {}, body: request.body }))",
} as const;

const anyWalletAddress = {
  file: grantRequest,
  at: 'if («!named.every((url) => hosted.has(url))») throw',
  by: 'false',
} as const;

const anyFinishUri = {
  file: grantRequest,
  at: 'return { uri: «parseFinishUri(finish.uri, allowHttp)»,',
  by: 'finish.uri',
} as const;

export const authMutants: readonly Mutant[] = [
  // ── Discovery ──
  {
    id: 'discovery.endpoint-without-slash',
    file: 'src/auth/discovery.ts',
    at: 'grant_request_endpoint: «authServer»',
    by: "authServer.replace(/\\/$/, '')",
    fails: ['discovery.answers'],
  },
  {
    id: 'discovery.answers-preflights',
    file: 'src/http/cors.ts',
    function: 'isPreflight',
    returns: "method === 'OPTIONS' && !methods.includes('OPTIONS')",
    fails: ['discovery.preflight'],
  },
  // ── Rejected requests ──
  {
    id: 'grant.schema-not-enforced',
    ...withoutSchema,
    fails: [
      'grant.access-object',
      'grant.four-items',
      'grant.same-item-twice',
      'grant.two-clients',
      'grant.foreign-client-member',
      'grant.type',
      'grant.incoming-action',
      'grant.incoming-limits',
      'grant.quote-list',
      'grant.outgoing-without-identifier',
      'grant.outgoing-complete',
      'grant.actions-twice',
      'grant.actions-missing',
      'grant.limit-receiver',
      'grant.no-subject-id',
      'grant.start-user-code',
      'grant.start-missing',
      'grant.finish-push',
      'grant.finish-no-nonce',
      'continuation.malformed',
    ],
  },
  {
    id: 'grant.nothing-asked-for',
    ...withoutSchema,
    also: [{ file: grantRequest, at: 'if («access.length === 0 && !subject») throw', by: 'false' }],
    fails: ['grant.no-purpose', 'grant.no-items'],
  },
  {
    id: 'grant.access-token-in-other-forms',
    ...withoutSchema,
    also: [
      {
        file: grantRequest,
        at: 'parseAccess(«access_token?.access ?? []»,',
        by: "typeof access_token === 'string' ? [{ type: 'quote', actions: ['create'] }] : [access_token].flat()[0]?.access ?? []",
      },
    ],
    fails: ['grant.access-token-array', 'grant.access-token-text'],
  },
  {
    id: 'grant.subjects-anywhere',
    ...withoutSchema,
    also: [{ ...anyWalletAddress }],
    fails: ['grant.two-subject-ids'],
  },
  {
    id: 'grant.subject-needs-no-interact',
    ...withoutSchema,
    also: [{ file: grantRequest, at: 'if («!request.interact») throw', by: 'false' }],
    fails: ['grant.subject-without-interact'],
  },
  {
    id: 'grant.finish-anywhere',
    ...withoutSchema,
    also: [{ ...anyFinishUri }],
    fails: [
      'grant.finish-no-uri',
      'grant.finish-uri-5',
      'grant.finish-uri-6',
      'grant.finish-uri-10',
      'grant.finish-uri-11',
    ],
  },
  {
    id: 'grant.client-url-unchecked',
    file: server,
    at: "if («typeof url === 'string' && !URL.canParse(url)») throw",
    by: 'false',
    fails: ['grant.word-client'],
  },
  {
    id: 'grant.no-actions',
    file: access,
    at: 'if («item.actions.length === 0») throw',
    by: 'false',
    fails: ['grant.no-actions'],
  },
  {
    id: 'grant.foreign-wallet-addresses',
    ...anyWalletAddress,
    fails: ['grant.foreign-identifier'],
  },
  {
    id: 'grant.consent-of-nobody',
    file: access,
    at: 'if («needsConsent(access, rules.grants) && !access.identifier») throw',
    by: 'false',
    fails: ['grant.list-all-without-identifier', 'grant.consent-for-all'],
  },
  {
    id: 'grant.limit-value-unchecked',
    file: access,
    at: "if («typeof value !== 'string' || !/^[1-9][0-9]{0,19}$/.test(value) || BigInt(value) > UINT64_MAX») {",
    by: 'false',
    fails: ['grant.limit-value-*', 'grant.limit-zero'],
  },
  {
    id: 'grant.limit-of-no-asset',
    file: access,
    at: "if («typeof assetCode !== 'string' || assetCode === ''») throw",
    by: 'false',
    also: [
      {
        file: access,
        at: 'if («!Number.isInteger(assetScale) || (assetScale as number) < 0 || (assetScale as number) > 255») {',
        by: 'false',
      },
    ],
    fails: ['grant.limit-without-asset'],
  },
  {
    id: 'grant.two-limits',
    file: access,
    at: 'if («debitAmount !== undefined && receiveAmount !== undefined») throw',
    by: 'false',
    fails: ['grant.two-limits'],
  },
  {
    id: 'grant.interval-unchecked',
    file: access,
    at: "if («interval !== undefined && !(typeof interval === 'string' && isInterval(interval))») {",
    by: 'false',
    fails: ['grant.interval-?', 'grant.repetitions-?'],
  },
  {
    id: 'grant.interval-by-its-letters',
    file: access,
    at: "if («interval !== undefined && !(typeof interval === 'string' && isInterval(interval))») {",
    by: 'interval !== undefined && !/^R\\d*\\/[\\dTZ:-]+\\/P/.test(interval as string)',
    fails: ['grant.intervals'],
  },
  {
    id: 'grant.not-attributable',
    file: access,
    at: 'if («new Set(payers).size < payers.length») throw',
    by: 'false',
    fails: ['grant.same-identifier-twice'],
  },
  {
    id: 'grant.interact-not-needed',
    file: grantRequest,
    at: 'if («!request.interact») throw',
    by: 'false',
    fails: ['grant.no-interact', 'grant.subject-and-token-without-interact'],
  },
  {
    id: 'grant.start-of-no-mode',
    file: grantRequest,
    at: 'if («start.length === 0») throw',
    by: 'false',
    fails: ['grant.start-empty'],
  },
  {
    id: 'grant.nonce-unchecked',
    file: grantRequest,
    at: 'if («!/^[\\x21-\\x7e]+$/.test(finish.nonce)») throw',
    by: 'false',
    fails: ['grant.finish-empty-nonce'],
  },
  {
    id: 'grant.hash-method-unchecked',
    file: grantRequest,
    at: "if («hashMethod !== undefined && hashMethod !== 'sha-256'»)\n",
    by: 'false',
    fails: ['grant.hash-method'],
  },
  {
    id: 'grant.hash-method-refused',
    file: grantRequest,
    at: "if («hashMethod !== undefined && hashMethod !== 'sha-256'»)\n",
    by: 'hashMethod !== undefined',
    fails: ['grant.hash-method-sha-256'],
  },
  {
    id: 'grant.finish-uri-unchecked',
    ...anyFinishUri,
    fails: ['grant.finish-uri-1', 'grant.finish-uri-2', 'grant.finish-uri-3', 'grant.finish-uri-4'],
  },
  {
    id: 'grant.finish-uri-of-any-characters',
    file: grantRequest,
    at: '«FINISH_URI.test(text)» ?',
    by: "!text.includes('#')",
    fails: ['grant.finish-uri-7'],
  },
  {
    id: 'grant.finish-uri-without-slashes',
    file: grantRequest,
    at: 'const hasHost = «/^https?:\\/\\/[^/]/i.test(text)» &&',
    by: 'true',
    fails: ['grant.finish-uri-8'],
  },
  {
    id: 'grant.finish-uri-with-credentials',
    file: grantRequest,
    at: 'if («uri.username || uri.password») throw',
    by: 'false',
    fails: ['grant.finish-uri-9'],
  },
  {
    id: 'grant.finish-uri-of-any-scheme',
    file: grantRequest,
    at: 'isPlain || «FORBIDDEN_FINISH.has(scheme)» ||',
    by: 'false',
    fails: ['grant.finish-uri-2', 'grant.finish-uri-12'],
  },
  {
    id: 'interaction.closed-link-redirects-anyone',
    file: 'src/auth/interaction.ts',
    at: 'if (!finish || «!isStarter») throw',
    by: 'false',
    fails: ['interaction.no-open-redirect'],
  },
  {
    id: 'grant.finish-uri-http-only',
    file: grantRequest,
    at: "const isPlain = «uri.protocol === 'http:' && !allowHttp && !isLoopback(uri.hostname)»;",
    by: '!/^https?:$/.test(uri.protocol)',
    fails: ['interaction.private-use-scheme'],
  },
  {
    id: 'grant.jwk-may-interact',
    file: grantRequest,
    function: 'expectDisplayName',
    returns: "'jwk' in client ? 'A client' : parseDisplayName('The Shop', client, deps.switches)",
    fails: ['grant.jwk-interactive'],
  },
];
