/** Mutants of HTTP message signatures (RFC 9421): what Signature-Input says, what the base holds, what verifies. */
import type { Mutant } from './mutant.ts';

const input = 'src/http/signatures/signature-input.ts';
const base = 'src/http/signatures/signature-base.ts';
const components = 'src/http/signatures/components.ts';
const verify = 'src/http/signatures/verify.ts';
const fields = 'src/http/signatures/structured-fields.ts';
const exchange = 'src/http/received-request.ts';
const bind = 'src/http/router.ts';
const pipeline = 'src/http/pipeline.ts';

/** A header that is covered but absent counts as empty, as a signer has it who signs what is not there. */
const absentIsEmpty = {
  file: base,
  at: 'const value = «componentValue(exchange, name)»;',
  by: "componentValue(exchange, name) ?? ''",
} as const;
const anyComponent = { file: input, at: 'if («!isSupportedComponent(name)») return', by: 'false' } as const;
const anySignature = {
  file: verify,
  at: "if («!verify(null, Buffer.from(built.base, 'ascii'), key, read.signature)») {",
  by: 'false',
} as const;
const utf8 = { file: verify, at: "verify(null, Buffer.from(built.base, «'ascii'»), key", by: "'utf8'" } as const;

/** The reason that a refusal gives, exchanged for another: what the operator is shown. */
const otherReason = (id: string, at: string, ...fails: string[]): Mutant => ({
  id: `signature.reason-of-${id}`,
  file: input,
  at,
  by: "'missing_keyid'",
  fails,
});

export const signatureMutants: readonly Mutant[] = [
  // ── Selection of the signature ──
  {
    id: 'signature.any-signature',
    ...anySignature,
    fails: [
      'signature.*-broken',
      'signature.*-prehashed',
      'signature.percent-encoding',
      'signature.published-url',
      'vector.method-changed',
      'vector.method-lower-case',
      'vector.target-changed',
      'vector.target-reencoded',
      'vector.token-changed',
      'client-keys.other-key',
      'client-keys.bound-to-grant',
      'client-keys.exchanged-key',
    ],
  },
  {
    id: 'signature.label-sig1-only',
    file: input,
    at: 'if (candidates.length === 1) return «candidates[0]!»;',
    by: "inputs.find(({ key }) => key === 'sig1') ?? refusal('ambiguous_label', '')",
    fails: ['signature.*-label', 'vector.other-label', 'vector.gnap-tag-chosen'],
  },
  {
    id: 'signature.first-label',
    file: input,
    at: "const candidates = «[tagged('gnap'), tagged(undefined), inputs].find(({ length }) => length > 0) ?? []»;",
    by: 'inputs.slice(0, 1)',
    fails: ['vector.further-label', 'vector.two-lines', 'vector.gnap-tag-chosen', 'vector.labels-ambiguous'],
  },
  {
    id: 'signature.first-of-gnap-tags',
    file: input,
    at: "const candidates = «[tagged('gnap'), tagged(undefined), inputs].find(({ length }) => length > 0) ?? []»;",
    by: "[tagged('gnap').slice(0, 1), tagged(undefined), inputs].find(({ length }) => length > 0) ?? []",
    fails: ['vector.gnap-tag-twice'],
  },
  {
    id: 'signature.label-before-tag',
    file: input,
    at: "const candidates = «[tagged('gnap'), tagged(undefined), inputs].find(({ length }) => length > 0) ?? []»;",
    by: "[inputs.filter(({ key }) => key === 'sig1'), tagged('gnap'), inputs].find(({ length }) => length > 0) ?? []",
    fails: ['vector.gnap-tag-before-label', 'vector.label-not-preferred'],
  },
  {
    id: 'signature.foreign-tag-counts',
    file: input,
    at: "[tagged('gnap'), «tagged(undefined)», inputs]",
    by: '[]',
    fails: ['vector.further-label', 'vector.two-lines'],
  },
  {
    id: 'signature.labels-need-not-agree',
    file: input,
    at: 'if («unmatched !== undefined») {',
    by: 'false',
    also: [
      {
        file: input,
        at: 'signature: «signatures.byLabel.get(member.key)!»,',
        by: '[...signatures.byLabel.values()][0]!',
      },
    ],
    fails: ['signature.*-labels-differ', 'vector.label-in-one-field', 'vector.php-label-in-one-field'],
  },
  {
    id: 'signature.last-of-equal-keys',
    file: fields,
    at: 'if («members.has(key)») throw',
    by: 'false',
    fails: ['signature.*-label-twice', 'signature.*-digest-twice', 'vector.label-twice', 'vector.replayed-label-first'],
  },
  {
    // test/http/signatures/one-parse.property.test.ts starts with it: the text of another member than the one checked.
    id: 'signature.text-of-first-equal-key',
    file: fields,
    at: 'raw: «this.text.slice(start, this.at)»,',
    by: "this.text.slice(this.text.indexOf(key + '=') + key.length + 1).split(',')[0]",
    also: [{ file: fields, at: 'if («members.has(key)») throw', by: 'false' }],
    fails: ['signature.captured-request'],
  },
  {
    id: 'signature.first-line-wins',
    file: exchange,
    at: "undefined : «lines.join(', ')»;",
    by: 'lines[0]!',
    fails: ['vector.two-lines', 'signature.*-label-twice'],
  },

  // ── Parameters ──
  {
    id: 'signature.keyid-by-default',
    file: input,
    at: 'const params: Partial<SignatureParameters> = «Object.fromEntries(values)»;',
    by: "{ keyid: 'test-key-1', ...Object.fromEntries(values) }",
    fails: ['signature.*-no-keyid', 'vector.keyid-missing'],
  },
  {
    id: 'signature.keyid-ends-at-semicolon',
    file: input,
    at: 'const params: Partial<SignatureParameters> = «Object.fromEntries(values)»;',
    by: "{ ...Object.fromEntries(values), keyid: String(new Map(values).get('keyid')).split(';')[0] }",
    fails: ['signature.quoted-keyid'],
  },
  {
    id: 'signature.keyid-of-any-type',
    file: input,
    at: "if («type !== undefined && type !== 'string'»)",
    by: 'false',
    fails: ['vector.keyid-token'],
  },
  {
    id: 'signature.created-not-asked-for',
    file: input,
    at: 'if («created === undefined») return',
    by: 'false',
    fails: ['signature.*-no-created', 'vector.created-missing'],
  },
  {
    id: 'signature.created-of-any-type',
    file: input,
    at: "if («item !== undefined && (item.type !== 'integer' || item.value < 0)») {",
    by: 'false',
    fails: [
      'signature.*-text-created',
      'signature.*-decimal-created',
      'vector.created-decimal',
      'vector.created-string',
    ],
  },
  {
    id: 'signature.date-is-a-number',
    file: fields,
    at: 'const number = «this.take(/-?[0-9]+(?:\\.[0-9]+)?/y)»;',
    by: "this.take(/@?-?[0-9]+(?:\\.[0-9]+)?/y)?.replace('@', '')",
    fails: ['vector.replayed-date'],
  },
  {
    id: 'signature.display-strings',
    file: fields,
    at: 'const string = this.take(«/"(?:[ !#-[\\]-~]|\\\\["\\\\])*"/y»);',
    by: '/%"[^"]*"|"(?:[ !#-[\\]-~]|\\\\["\\\\])*"/y',
    fails: ['vector.replayed-in-display-string'],
  },
  {
    id: 'signature.created-within-a-string',
    file: input,
    at: 'const params: Partial<SignatureParameters> = «Object.fromEntries(values)»;',
    by: '{ ...Object.fromEntries(values), ...Object.fromEntries(values.flatMap(([, value]) => [...String(value).matchAll(/(created)=(\\d+)/g)].map(([, name, seconds]) => [name, Number(seconds)]))) }',
    fails: ['vector.replayed-in-string'],
  },
  {
    id: 'signature.parameter-twice',
    file: fields,
    at: 'if («parameters.has(key)») throw',
    by: 'false',
    fails: ['signature.*-parameter-twice', 'vector.created-twice', 'vector.replayed-parameter'],
  },
  {
    id: 'signature.any-age',
    file: input,
    at: 'if («created * 1000 < now - switches.signatureMaxAgeMs») {',
    by: 'false',
    fails: ['signature.*-old'],
  },
  {
    id: 'signature.any-future',
    file: input,
    at: 'if («created * 1000 > now + switches.signatureSkewMs») {',
    by: 'false',
    fails: ['signature.*-future'],
  },
  {
    id: 'signature.expires-ignored',
    file: input,
    at: 'if («expires !== undefined && expires * 1000 < now») return',
    by: 'false',
    fails: ['signature.*-expired', 'vector.expired'],
  },
  {
    id: 'signature.expires-refused',
    file: input,
    at: 'if («expires !== undefined && expires * 1000 < now») return',
    by: 'expires !== undefined',
    fails: ['signature.*-expires', 'vector.expires-ahead'],
  },
  {
    id: 'signature.any-alg',
    file: input,
    at: "if («alg !== undefined && alg !== 'ed25519'») return",
    by: 'false',
    fails: ['signature.*-other-alg', 'vector.alg-rsa'],
  },
  {
    id: 'signature.no-alg',
    file: input,
    at: "if («alg !== undefined && alg !== 'ed25519'») return",
    by: 'alg !== undefined',
    fails: ['signature.grant-alg', 'signature.payment-alg', 'vector.go-*', 'vector.dotnet-*'],
  },
  {
    id: 'signature.any-tag',
    file: input,
    at: "if («tag === undefined ? switches.requireTagGnap : tag !== 'gnap'») return",
    by: 'false',
    fails: ['signature.*-other-tag', 'signature.switches', 'vector.tag-gnap-rotate'],
  },
  {
    id: 'signature.no-tag',
    file: input,
    at: "if («tag === undefined ? switches.requireTagGnap : tag !== 'gnap'») return",
    by: 'tag !== undefined',
    fails: ['signature.grant-tag', 'signature.payment-tag', 'vector.gnap-tag', 'vector.gnap-tag-chosen'],
  },
  {
    id: 'signature.parameters-in-our-order',
    file: input,
    at: 'signatureParams: «member.raw»,',
    by: "member.raw.replace(/^(\\([^)]*\\))(.*)$/s, (_, list, rest) => list + rest.split(/(?=;)/).sort().join(''))",
    fails: ['vector.node-*', 'signature.*-parameter-order', 'vector.expires-ahead', 'vector.php-*'],
  },
  {
    id: 'signature.syntax-tolerant',
    file: fields,
    at: 'const string = this.take(«/"(?:[ !#-[\\]-~]|\\\\["\\\\])*"/y»);',
    by: '/"(?:[^"\\\\]|\\\\.)*"|\\(+/y',
    also: [utf8],
    fails: ['signature.*-deep-list', 'signature.*-not-ascii'],
  },
  {
    id: 'signature.nonce-not-remembered',
    file: pipeline,
    at: 'if («once !== undefined && (await rememberNonce(thumbprint, once))») {',
    by: 'once !== undefined && (await rememberNonce(thumbprint, once)) && false',
    fails: ['signature.nonce', 'signature.nonce-at-both-servers', 'signature.nonce-in-parallel', 'signature.switches'],
  },
  {
    id: 'signature.nonce-used-up-unverified',
    file: pipeline,
    at: '  if («!verdict.ok») {',
    by: "await rememberNonce(thumbprint, signature.params.nonce ?? ''), !verdict.ok",
    fails: ['signature.nonce'],
  },
  {
    id: 'signature.nonce-of-all-keys',
    file: 'src/database/signature-nonces.ts',
    at: 'key_thumbprint: «keyThumbprint»,',
    by: "'all'",
    fails: ['signature.nonce-at-both-servers'],
  },
  {
    // test/database/signature-nonces.race.test.ts starts with it.
    id: 'signature.nonce-looked-up-first',
    file: 'src/database/signature-nonces.ts',
    at: 'return «numInsertedOrUpdatedRows === 0n»;',
    by: 'globalThis.seenNonce',
    also: [
      {
        file: 'src/database/signature-nonces.ts',
        at: 'const now = «clock.wallNow()»;',
        by: "await db.query.selectFrom('signature_nonce').select('nonce').where('nonce', '=', hash('sha256', nonce, 'base64url')).execute().then((rows) => { globalThis.seenNonce = rows.length > 0; return clock.wallNow(); })",
      },
    ],
  },
  {
    id: 'signature.repetition-is-replay',
    file: verify,
    at: 'return params.nonce ?? («switches.rejectRepeatedSignatures» ?',
    by: 'true',
    fails: ['signature.repeated'],
  },

  // ── Components ──
  {
    id: 'signature.method-and-target-optional',
    file: input,
    at: "const required = «['@method', '@target-uri']»;",
    by: '[]',
    fails: [
      'signature.*-no-method',
      'signature.*-no-target',
      'vector.method-not-covered',
      'vector.target-uri-not-covered',
    ],
  },
  {
    id: 'signature.content-length-required',
    file: input,
    at: "const required = «['@method', '@target-uri']»;",
    by: "['@method', '@target-uri', ...(exchange.body.length > 0 ? ['content-length'] : [])]",
    fails: ['signature.*-few-components', 'vector.digest-only'],
  },
  {
    id: 'signature.token-optional',
    file: input,
    at: "if («headerLines(exchange, 'authorization').length > 0») required",
    by: 'false',
    fails: [
      'signature.uncovered-token',
      'token.*-uncovered-token',
      'vector.authorization-not-covered',
      'vector.rust-authorization-not-covered',
    ],
  },
  {
    id: 'signature.digest-optional',
    file: input,
    at: "if («exchange.body.length > 0») required.push('content-digest')",
    by: 'false',
    also: [
      {
        file: 'src/http/signatures/content-digest.ts',
        at: 'return «exchange.body.length === 0»',
        by: 'true',
      },
    ],
    fails: [
      'signature.*-uncovered-digest',
      'signature.*-no-digest',
      'vector.body-without-digest',
      'vector.digest-not-covered',
      'vector.digest-covered-absent',
    ],
  },
  {
    id: 'signature.digest-of-nothing-covered',
    file: input,
    at: "if («exchange.body.length > 0») required.push('content-digest')",
    by: "headerLines(exchange, 'content-digest').length > 0",
    fails: ['signature.content-type-without-body', 'vector.php-get', 'vector.php-host-without-port'],
  },
  {
    id: 'signature.component-of-any-case',
    ...anyComponent,
    also: [{ file: base, at: 'componentValue(exchange, «name»);', by: 'name.toLowerCase()' }],
    fails: ['signature.*-upper-case', 'vector.component-upper-case'],
  },
  {
    id: 'signature.any-derived-component',
    ...anyComponent,
    also: [absentIsEmpty],
    fails: ['signature.*-unknown-derived', 'vector.component-unknown'],
  },
  {
    id: 'signature.component-twice',
    file: input,
    at: 'if («components.includes(name)») return',
    by: 'false',
    fails: ['signature.*-component-twice', 'vector.component-twice'],
  },
  {
    id: 'signature.component-parameters-ignored',
    file: input,
    at: 'if («parameters.size > 0») return',
    by: 'false',
    fails: ['signature.*-ignored-parameter', 'vector.component-parameter'],
  },
  {
    id: 'signature.component-parameters-allowed',
    file: input,
    at: 'if («parameters.size > 0») return',
    by: 'false',
    also: [anySignature],
    fails: ['signature.*-component-parameter'],
  },
  {
    id: 'signature.component-is-no-string',
    file: input,
    at: "if («bare.type !== 'string'») return",
    by: 'false',
    fails: ['vector.component-number'],
  },
  {
    id: 'signature.any-number-of-components',
    file: input,
    at: 'if («items.length > MAX_COMPONENTS») return',
    by: 'false',
    also: [absentIsEmpty],
    fails: ['signature.*-long-list', 'vector.components-33'],
  },
  {
    id: 'signature.any-length',
    file: input,
    at: 'if («inputText.length > MAX_FIELD_LENGTH || signatureText.length > MAX_FIELD_LENGTH») {',
    by: 'false',
    fails: ['vector.input-too-large'],
  },
  {
    id: 'signature.absent-header-is-empty',
    ...absentIsEmpty,
    fails: ['signature.*-absent-header', 'vector.field-absent'],
  },
  {
    id: 'signature.components-in-our-order',
    file: base,
    at: 'for (const name of «components») {',
    by: '[...components].sort()',
    fails: ['signature.*-component-order', 'vector.components-in-another-order', 'vector.rust-post'],
  },
  {
    id: 'signature.authority-without-port',
    file: components,
    at: "'@authority': ({ targetUri }) => «new URL(targetUri).host»,",
    by: 'new URL(targetUri).hostname',
    fails: ['signature.*-authority', 'vector.authority-with-port'],
  },
  {
    id: 'signature.no-query-is-empty',
    file: components,
    at: "return mark < 0 ? «'?'» :",
    by: "''",
    fails: ['vector.no-query'],
  },
  {
    id: 'signature.usual-headers-only',
    file: components,
    at: ": «/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)»;",
    by: '/^(authorization|content-[a-z]+)$/.test(name)',
    fails: ['signature.*-any-header', 'vector.field-absent'],
  },

  // ── The target URI ──
  {
    id: 'signature.query-encoded-by-us',
    file: exchange,
    at: 'targetUri: «createTargetUri(publicOrigin, rawTarget)»,',
    by: "createTargetUri(publicOrigin, rawTarget.replace(/\\?.*/, (query) => query.replaceAll(':', '%3A').replaceAll('/', '%2F')))",
    fails: ['signature.query', 'vector.dotnet-list', 'vector.query-unencoded'],
  },
  {
    id: 'signature.target-decoded-by-us',
    file: exchange,
    at: 'targetUri: «createTargetUri(publicOrigin, rawTarget)»,',
    by: 'createTargetUri(publicOrigin, decodeURIComponent(rawTarget))',
    fails: ['signature.query', 'signature.percent-encoding', 'vector.query-encoded'],
  },
  {
    id: 'signature.slashes-joined-by-us',
    file: exchange,
    at: 'targetUri: «createTargetUri(publicOrigin, rawTarget)»,',
    by: "createTargetUri(publicOrigin, rawTarget.replace(/^[^?]*/, (path) => path.replaceAll(/\\/{2,}/g, '/').replace(/(?<=.)\\/$/, '')))",
    fails: ['vector.dotnet-complete', 'vector.dotnet-post-grant', 'vector.php-*'],
  },
  {
    id: 'signature.origin-from-host',
    file: bind,
    at: 'return «named» ?? (knownHostsOnly',
    by: '`http://${req.headers.host}`',
    fails: ['signature.published-url', 'vector.php-host-without-port', 'vector.authority-with-port'],
  },
  {
    id: 'signature.origin-from-forwarded-host',
    file: bind,
    at: 'return «named» ?? (knownHostsOnly',
    by: "req.headers['x-forwarded-host'] ? `http://${req.headers['x-forwarded-host']}` : origin",
    fails: ['signature.forwarded-headers'],
  },

  // ── Forms of clients in use ──
  {
    id: 'signature.unquoted-refused',
    file: input,
    at: 'unquotedNames: «switches.lenientSignatureForms» }',
    by: 'false',
    fails: ['signature.grant-rust', 'signature.payment-rust', 'vector.rust-*'],
  },
  {
    id: 'signature.bare-refused',
    file: input,
    at: 'const bare = «switches.lenientSignatureForms» ?',
    by: 'false',
    fails: ['signature.grant-php', 'signature.payment-php', 'vector.php-*', 'target.profiles'],
  },
  {
    id: 'signature.loose-in-strict',
    file: input,
    at: 'unquotedNames: «switches.lenientSignatureForms» }',
    by: 'true',
    also: [{ file: input, at: 'const bare = «switches.lenientSignatureForms» ?', by: 'true' }],
    profile: 'strict',
    fails: ['signature.*-strict-php', 'signature.*-strict-rust', 'vector.php-*', 'vector.rust-*'],
  },
  otherReason('syntax', "faultReasons[parsed.fault] ?? «'malformed_signature_input'»;", 'vector.input-malformed'),
  otherReason('no-list', "if (stray) return refusal(«'malformed_signature_input'»,", 'vector.input-not-a-list'),
  otherReason(
    'no-bytes',
    "return refusal(«'malformed_signature'», `Signature: ${key} is",
    'vector.signature-not-bytes',
  ),
  otherReason('no-input', "if (!inputText) return refusal(«'missing_signature_input'»,", 'vector.input-missing'),
  otherReason('no-signature', "if (!signatureText) return refusal(«'missing_signature'»,", 'vector.signature-missing'),
  otherReason('two-tokens', "return refusal(«'duplicate_authorization'»,", 'vector.authorization-twice'),

  // ── Authorization, and the rest of the message ──
  {
    id: 'signature.two-authorizations-read',
    file: pipeline,
    at: "exec(«onlyHeaderLine(exchange, 'authorization')» ?? '')",
    by: "headerLines(exchange, 'authorization')[0]",
    also: [{ file: input, at: "if («headerLines(exchange, 'authorization').length > 1») {", by: 'false' }],
    fails: ['signature.two-authorizations'],
  },
  {
    id: 'signature.bearer-taken',
    file: pipeline,
    at: '«/^GNAP +([\\x21-\\x7e]+)$/i».exec',
    by: '/^(?:GNAP|Bearer) +([\\x21-\\x7e]+)$/i',
    fails: ['signature.bearer'],
  },
  {
    id: 'signature.no-token-on-grant-requests',
    file: pipeline,
    at: 'if («token === undefined && requiresToken(policy, context.switches) && !isPublic») {',
    by: "policy.caller === 'client' ? token !== undefined : token === undefined && requiresToken(policy, context.switches) && !isPublic",
    fails: ['vector.php-grant-with-token'],
  },
  {
    id: 'signature.coded-content-taken',
    file: 'src/http/raw-body.ts',
    at: "if («encoding !== undefined && encoding.trim().toLowerCase() !== 'identity'») {",
    by: 'false',
    fails: ['signature.coded-content'],
  },
  {
    id: 'signature.answers-signed',
    file: 'src/http/send-reply.ts',
    at: '    ...«headers»,\n    ...(content !== undefined && {',
    by: "{ ...headers, Signature: 'sig1=:AA==:' }",
    fails: ['signature.answers'],
  },
];
