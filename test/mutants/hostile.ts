/** Mutants of the guards against hostile clients, of internal errors, and of secrecy. */
import { type Mutant, noticedBy } from './mutant.ts';

const listener = 'src/net/listener.ts';
const requestLine = 'src/net/request-line.ts';
const rawBody = 'src/http/raw-body.ts';
const trace = 'src/http/request-trace.ts';

export const hostileMutants: readonly Mutant[] = [
  {
    id: 'hostile.any-announced-length',
    file: rawBody,
    at: 'if («announced !== undefined && Number(announced) > limitBytes»)',
    by: 'false',
    fails: ['hostile.body-too-large'],
  },
  {
    id: 'hostile.any-chunked-length',
    file: rawBody,
    at: 'if («size > limitBytes») settle',
    by: 'size > 100 * limitBytes',
    fails: ['hostile.body-too-large'],
  },
  {
    id: 'hostile.two-hosts',
    file: requestLine,
    at: "if («hosts.length > 1 || (hosts.length === 0 && httpVersion !== '1.0')») return",
    by: 'false',
    fails: ['hostile.framing'],
  },
  {
    id: 'hostile.any-target',
    file: requestLine,
    at: 'if («!TARGET_CHARACTERS.test(url)») return',
    by: 'false',
    fails: ['hostile.request-target'],
  },
  {
    id: 'hostile.target-of-any-form',
    file: requestLine,
    at: 'if («!isKnownForm») return',
    by: 'false',
    fails: ['hostile.request-target'],
  },
  {
    id: 'hostile.absolute-target-keeps-its-authority',
    file: 'src/ase/public-app.ts',
    at: 'const [path, query] = «splitTarget(withoutSpareSlashes(route ? route(req) : req.url))»;',
    by: "[withoutSpareSlashes(route ? route(req) : req.url), '']",
    fails: ['hostile.absolute-target'],
  },
  {
    id: 'hostile.parser-refuses-in-silence',
    file: listener,
    at: "if («socket.writable && isOfThisRequest && error.code !== 'ECONNRESET'»)",
    by: 'false',
    fails: ['hostile.framing'],
  },
  {
    id: 'hostile.control-characters-in-receivers',
    file: 'src/resource/receiver.ts',
    at: 'if («/[\\s\\p{Cc}]/u.test(url)») throw',
    by: 'false',
    fails: ['hostile.json'],
  },
  {
    id: 'hostile.byte-order-mark',
    file: 'src/http/parse-body.ts',
    at: 'utf8.decode(«exchange.body»)',
    by: 'exchange.body[0] === 0xef ? exchange.body.subarray(3) : exchange.body',
    fails: ['hostile.json'],
  },
  {
    id: 'hostile.key-sets-of-any-size',
    file: 'src/net/outbound.ts',
    at: "if («size > options.maxBytes») rejectWith('too_large'",
    by: 'false',
    fails: ['hostile.key-set-megabyte'],
  },
  {
    id: 'hostile.repetition-is-replay',
    file: 'src/http/signatures/verify.ts',
    at: 'return params.nonce ?? («switches.rejectRepeatedSignatures» ?',
    by: 'true',
    fails: ['hostile.repeated-request'],
  },
  {
    id: 'hostile.failure-without-object',
    file: 'src/resource/problem.ts',
    at: 'const reply = «renderError(entries, withPrefix(problem), failureId)»;',
    by: "Object.hasOwn(catalogue, problem.code) && problem.code !== 'internal_error' ? renderError(entries, withPrefix(problem), failureId) : { status: 500, body: 'something broke' }",
    fails: ['hostile.resource-failure'],
  },
  {
    id: 'hostile.other-urls-published',
    file: 'src/auth/access-token.ts',
    at: 'manage: «`${authServer}token/${manageId}`»,',
    by: '`http://ase.example/auth/token/${manageId}`',
    fails: ['hostile.published-urls'],
  },
  {
    id: 'hostile.target-shown',
    file: trace,
    at: 'target: boundTarget(«redactTarget(call.target, call.params)»)',
    by: 'call.target',
    fails: ['hostile.secrets'],
  },
  {
    id: 'hostile.token-logged',
    file: 'src/http/pipeline.ts',
    at: "keyid: «signature?.keyid ?? ''»,",
    by: "(context.log.debug({ shown: token }), signature?.keyid ?? '')",
    test: 'test/end-to-end/secrets.test.ts',
  },
  {
    id: 'hostile.values-of-statements-logged',
    file: 'src/world/deployment.ts',
    at: 'options.log.child({}, «{ serializers: { err: describeError } }»)',
    by: '{}',
    test: 'test/end-to-end/secrets.test.ts',
  },
  {
    id: 'hostile.key-sets-without-bound',
    title: 'a flood of clients with large key sets',
    file: 'src/http/signatures/client-keys.ts',
    at: 'if («bytes <= maxBytes») return;',
    by: 'true',
    test: 'test/end-to-end/hostile-key-servers.test.ts',
  },
  {
    id: 'hostile.key-set-fetched-for-each-kid',
    title: 'a flood of unknown key ids',
    file: 'src/http/signatures/client-keys.ts',
    at: '«wallNow() - cached.refetchedAt >= minRefetchMs»',
    by: 'true',
    test: 'test/end-to-end/hostile-key-servers.test.ts',
  },
  {
    id: 'hostile.long-targets-kept',
    title: 'a target full of replacement',
    file: trace,
    at: 'bytes.length > «MAX_BYTES» ?',
    by: 'Number.POSITIVE_INFINITY',
    test: 'test/http/request-trace.test.ts',
  },
  {
    id: 'hostile.body-without-end',
    title: 'a body that does not end',
    file: rawBody,
    at: "settle(new WireError(«'body_timeout'»",
    by: "'body_too_large'",
    test: 'test/http/raw-body.test.ts',
  },
  {
    id: 'hostile.content-type-twice',
    file: 'src/http/pipeline.ts',
    at: "if («headerLines(exchange, 'content-type').length > 1») {",
    by: 'false',
    fails: ['hostile.content-type-twice'],
  },
  ...noticedBy('test/http/received-request.test.ts', 'src/http/received-request.ts', [
    {
      id: 'hostile.plus-is-a-space',
      title: 'a plus in a query is a plus',
      at: "parseForm(«splitTarget(rawTarget)[1].slice(1).replaceAll('+', '%2B')»,",
      by: 'splitTarget(rawTarget)[1].slice(1)',
    },
    {
      id: 'hostile.thousandth-parameter-ignored',
      title: 'a plus in a query is a plus',
      at: "'&', '=', «{ maxKeys: 0 }»",
      by: '{}',
    },
  ]),
  ...noticedBy('test/auth/grant-request.test.ts', 'src/database/columns.ts', [
    {
      // The escapes of JSON are not part of the value.
      id: 'hostile.backslash-is-an-escape',
      title: 'a nonce that looks like an escape sequence',
      at: "«typeof value === 'string' && !(isStorableText(value) && value.isWellFormed())») return false;",
      by: "typeof value === 'string' && JSON.stringify(value).includes('\\\\u')",
    },
  ]),
  ...noticedBy('test/control/administration.test.ts', 'src/control/server.ts', [
    {
      id: 'hostile.unstorable-text-of-the-operator',
      title: 'text that cannot be stored',
      at: 'if («!isStorableJson(request.body)») throw',
      by: 'false',
    },
  ]),
  ...noticedBy('test/auth/grant-request.test.ts', 'src/auth/grant-request.ts', [
    {
      id: 'hostile.finish-host-of-any-characters',
      title: 'in a CSP',
      at: '«/^([\\w.-]+|\\[[\\da-f:]+\\])$/.test(uri.hostname)»;',
      by: 'true',
    },
    {
      id: 'hostile.finish-with-credentials',
      title: 'a URI with credentials',
      at: 'if («uri.username || uri.password») throw',
      by: 'false',
    },
  ]),
  ...noticedBy('test/http/request-validator.test.ts', 'src/http/request-validator.ts', [
    {
      // The validator compiles and keeps a schema for each of them.
      id: 'hostile.content-type-with-parameters',
      title: 'a Content-Type with new parameters',
      at: "'application/json' : «mediaTypeOf(request.headers)»,",
      by: "request.headers['content-type'] as string",
    },
    {
      id: 'hostile.parameters-in-quadratic-time',
      title: 'takes linear time',
      at: "'application/json' : «mediaTypeOf(request.headers)»,",
      by: "request.headers['content-type'] as string",
    },
  ]),
  ...noticedBy('test/http/signatures/client-keys.test.ts', 'src/http/signatures/client-keys.ts', [
    {
      id: 'hostile.long-clients-kept',
      title: 'a long URL of a client',
      at: 'if («clientWalletAddress.length > MAX_LENGTH») {',
      by: 'false',
    },
    {
      id: 'hostile.long-key-ids-stored',
      title: 'a presented key is imported',
      at: 'if («kid.length > MAX_LENGTH») throw',
      by: 'false',
    },
  ]),
  ...noticedBy('test/auth/access.test.ts', 'src/auth/access.ts', [
    {
      id: 'hostile.long-asset-codes-shown',
      title: 'an asset code of 33',
      at: 'if («assetCode.length > MAX_ASSET_CODE_LENGTH») throw',
      by: 'false',
    },
  ]),
  ...noticedBy('test/resource/receiver.test.ts', 'src/resource/receiver.ts', [
    {
      id: 'hostile.long-authorization-servers-kept',
      title: 'is invalid if it names long URLs',
      at: 'validIncomingPayment(body) && «isShortText((body as { authServer?: unknown }).authServer)»;',
      by: "Object.hasOwn(body as object, 'authServer')",
    },
    {
      id: 'hostile.long-wallet-addresses-kept',
      title: 'is invalid if it names long URLs',
      at: '«isShortText((body as FullIncomingPayment).walletAddress)»;',
      by: 'true',
    },
    {
      id: 'hostile.long-tokens-kept',
      title: 'is invalid if a response is unusable',
      at: '«isShortText((body as IssuedGrant).access_token.value)» &&',
      by: 'true',
    },
  ]),
];
