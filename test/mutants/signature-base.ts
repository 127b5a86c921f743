/** Mutants of the signature base: components, the target URI, and the forms that clients in use send. */
import type { Mutant } from './mutant.ts';

const input = 'src/http/signatures/signature-input.ts';
const base = 'src/http/signatures/signature-base.ts';
const components = 'src/http/signatures/components.ts';
const verify = 'src/http/signatures/verify.ts';
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
/** The reason that a refusal gives, exchanged for another: what the operator is shown. */
const otherReason = (id: string, at: string, ...fails: string[]): Mutant => ({
  id: `signature.reason-of-${id}`,
  file: input,
  at,
  by: "'missing_keyid'",
  fails,
});

export const signatureBaseMutants: readonly Mutant[] = [
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
