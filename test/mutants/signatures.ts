/** Mutants of HTTP message signatures (RFC 9421): which signature counts, its parameters, and what verifies. */
import type { Mutant } from './mutant.ts';

const input = 'src/http/signatures/signature-input.ts';
const verify = 'src/http/signatures/verify.ts';
const fields = 'src/http/signatures/structured-fields.ts';
const exchange = 'src/http/received-request.ts';
const pipeline = 'src/http/pipeline.ts';

const anySignature = {
  file: verify,
  at: "if («!verify(null, Buffer.from(built.base, 'ascii'), key, read.signature)») {",
  by: 'false',
} as const;
const utf8 = { file: verify, at: "verify(null, Buffer.from(built.base, «'ascii'»), key", by: "'utf8'" } as const;

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
    at: 'const number = «this.take(NUMBER)»;',
    by: "this.take(/@?-?[0-9]+(?:\\.[0-9]+)?/y)?.replace('@', '')",
    fails: ['vector.replayed-date'],
  },
  {
    id: 'signature.display-strings',
    file: fields,
    at: 'const string = this.take(«STRING»);',
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
    at: 'const string = this.take(«STRING»);',
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
];
