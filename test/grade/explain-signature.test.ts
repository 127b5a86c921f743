/** Each common mistake of a signing client is explained by its name, a correct signature by none; the work is bounded. */
import assert from 'node:assert/strict';
import { createHash, createPublicKey, sign } from 'node:crypto';
import { test } from 'node:test';
import { deriveKey } from '../../src/crypto/derived-keys.ts';
import { explainSignature, MAX_VERIFICATIONS, type SignedRequest } from '../../src/grade/explain-signature.ts';
import { createMasker } from '../../src/grade/mask-secrets.ts';
import { type MistakeName, signatureMistakes } from '../../src/grade/signature-mistakes.ts';
import type { ReceivedRequest } from '../../src/http/received-request.ts';
import { compat, strict } from '../../src/profile.ts';

const now = 1_800_000_000_000;
/** A fixed key: whether a signature in base64url differs from one in base64 depends on its bytes. */
function createKeys(name: string) {
  const privateKey = deriveKey([createHash('sha256').update(name).digest('base64')], 'client');
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
const client = createKeys('client');
const other = createKeys('other');
const token = 'TOKEN-3f8a1c9e7b5d';
const source = 'https://wallet.example/client/jwks.json';

interface Client {
  origin: string;
  target: string;
  method: string;
  body: string;
  headers: Record<string, string>;
  components: string[];
  /** Value of a component as the client sees it. */
  see(component: string, value: string): string;
  /** Parameters as sent, and as signed. */
  params: string;
  signedParams: (sent: string) => string;
  digest: (body: string) => string;
  format: (lines: [string, string][]) => string;
  finish: (base: string) => string | Buffer;
  inputField: (components: string) => string;
  signatureField: (signature: Buffer) => string;
  key: typeof client.privateKey;
  /** After signing. */
  change: (headers: Record<string, string>) => void;
}

const sha = (algorithm: string, text: string): Buffer => createHash(algorithm).update(text).digest();

const defaults: Client = {
  origin: 'https://ase.example:4000',
  target: '/alice/incoming-payments?wallet-address=https%3A%2F%2Fa.example%2Falice&first=2',
  method: 'POST',
  body: '{"a":1,"url":"https://b.example/","list":[1,{"b":"x y"}]}',
  headers: { 'Content-Type': 'application/json', Authorization: `GNAP ${token}` },
  components: ['@method', '@target-uri', 'authorization', 'content-digest', 'content-length', 'content-type'],
  see: (_, value) => value,
  params: `;created=${now / 1000};keyid="key-1"`,
  signedParams: (sent) => sent,
  digest: (body) => `sha-512=:${sha('sha512', body).toString('base64')}:`,
  format: (lines) => lines.map(([name, value]) => `"${name}": ${value}`).join('\n'),
  finish: (base) => base,
  inputField: (value) => `sig1=${value}`,
  signatureField: (signature) => `sig1=:${signature.toString('base64')}:`,
  key: client.privateKey,
  change: () => {},
};

function signAs(changes: Partial<Client>): ReceivedRequest {
  const made = { ...defaults, ...changes };
  const { origin, target, method, body, components } = made;
  const headers: Record<string, string> = { ...made.headers };
  if (body !== '') {
    headers['Content-Digest'] = made.digest(body);
    headers['Content-Length'] = `${Buffer.byteLength(body)}`;
  }
  const values: Record<string, string> = {
    '@method': method,
    '@target-uri': origin + target,
    '@authority': new URL(origin).host,
    '@request-target': target,
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
  };
  const sent = `(${components.map((name) => `"${name}"`).join(' ')})${made.params}`;
  const lines: [string, string][] = components.map((name) => [name, made.see(name, values[name.toLowerCase()] ?? '')]);
  const base = made.format([...lines, ['@signature-params', made.signedParams(sent)]]);
  headers['Signature-Input'] = made.inputField(sent);
  headers['Signature'] = made.signatureField(sign(null, Buffer.from(made.finish(base)), made.key));
  made.change(headers);
  return {
    method,
    rawTarget: target,
    targetUri: origin + target,
    rawHeaders: Object.entries(headers),
    body: Buffer.from(body),
  };
}

const keys = [
  { keyid: 'key-1', key: client.publicKey, source },
  { keyid: 'key-2', key: other.publicKey, source },
];

const explain = (request: ReceivedRequest, changes: Partial<SignedRequest> = {}) =>
  explainSignature({
    request,
    keys,
    origins: ['http://localhost:3000'],
    switches: strict,
    now,
    masker: createMasker({ request }),
    ...changes,
  });

const uri = (change: (url: string) => string): Partial<Client> => ({
  see: (name, value) => (name === '@target-uri' ? change(value) : value),
});
const see = (component: string, seen: (value: string) => string): Partial<Client> => ({
  see: (name, value) => (name === component ? seen(value) : value),
});
const digest = (of: (body: string) => string): Partial<Client> => ({ digest: (body) => defaults.digest(of(body)) });
const digestText = (text: (hash: Buffer) => string): Partial<Client> => ({
  digest: (body) => text(sha('sha512', body)),
});
const swapLines: Client['format'] = ([a, b, ...rest]) => defaults.format([b!, a!, ...rest]);
const bare = (signature: Buffer): string => signature.toString('base64');
const created = (value: number | string): string => `;created=${value};keyid="key-1"`;

/** Clients that make exactly one mistake; the key is its name, with a number for further forms. */
const clients: readonly [MistakeName, Partial<Client>][] = [
  ['base-hashed-first', { finish: (base) => sha('sha512', base) }],
  ['base-hashed-first', { finish: (base) => sha('sha256', base) }],
  ['base-hashed-first', { finish: (base) => sha('sha512', base).toString('hex') }],
  ['host-without-port', uri((url) => url.replace(':4000', ''))],
  [
    'host-without-port',
    { ...see('@authority', () => 'ase.example'), components: ['@authority', ...defaults.components] },
  ],
  ['default-port-added', { origin: 'https://ase.example', ...uri((url) => url.replace('.example/', '.example:443/')) }],
  ['slash-appended', uri((url) => url.replace('payments?', 'payments/?'))],
  ['slash-removed', { target: '/alice/', ...uri((url) => url.slice(0, -1)) }],
  ['query-decoded', uri(decodeURIComponent)],
  ['query-encoded-again', uri((url) => url.replaceAll('%', '%25'))],
  ['query-missing', uri((url) => url.split('?')[0]!)],
  ['path-decoded', { target: '/a%20b', ...uri(decodeURIComponent) }],
  ['other-scheme', uri((url) => url.replace('https:', 'http:'))],
  ['other-authority', uri((url) => url.replace('https://ase.example:4000', 'http://localhost:3000'))],
  ['upper-case-host', uri((url) => url.replace('ase.example', 'ASE.EXAMPLE'))],
  ['target-uri-is-request-target', uri((url) => url.replace(defaults.origin, ''))],
  [
    'request-target-is-target-uri',
    { components: ['@request-target', ...defaults.components], ...see('@request-target', (v) => defaults.origin + v) },
  ],
  ['method-lower-case', see('@method', (method) => method.toLowerCase())],
  ['authorization-without-scheme', see('authorization', () => token)],
  ['authorization-other-scheme', see('authorization', () => `Bearer ${token}`)],
  ['content-type-other', see('content-type', (type) => `${type}; charset=utf-8`)],
  [
    'content-type-other',
    {
      headers: { ...defaults.headers, 'Content-Type': 'application/json; charset=utf-8' },
      ...see('content-type', () => 'application/json'),
    },
  ],
  ['component-left-out', { format: (lines) => defaults.format(lines.filter(([name]) => name !== 'content-length')) }],
  ['component-order', { format: swapLines }],
  [
    'component-order',
    { signedParams: (sent) => sent.replace('"@method" "@target-uri"', '"@target-uri" "@method"'), format: swapLines },
  ],
  [
    'parameter-order',
    { signedParams: (sent) => sent.replace(/;created=(\d+);keyid="key-1"/, ';keyid="key-1";created=$1') },
  ],
  ['parameters-other-text', { signedParams: (sent) => sent.replaceAll(';', '; ') }],
  ['parameters-other-text', { inputField: (value) => `sig1=${value.replaceAll(';', '; ')}` }],
  ['parameter-left-out', { signedParams: (sent) => sent.replace(';keyid="key-1"', '') }],
  ['label-in-parameters', { signedParams: (sent) => `sig1=${sent}` }],
  ['wrong-created', { signedParams: (sent) => sent.replace(/created=\d+/, `created=${now / 1000 + 1}`) }],
  ['wrong-created', { params: created(now / 1000 - 86_400) }],
  ['wrong-created', { params: created(now / 1000 + 86_400) }],
  ['created-in-milliseconds', { params: created(now) }],
  ['created-in-milliseconds', { signedParams: (sent) => sent.replace(/created=\d+/, `created=${now}`) }],
  ['trailing-newline', { finish: (base) => `${base}\n` }],
  ['carriage-returns', { finish: (base) => base.replaceAll('\n', '\r\n') }],
  ['missing-quotes', { format: (lines) => lines.map(([name, value]) => `${name}: ${value}`).join('\n') }],
  ['missing-quotes', { inputField: (value) => `sig1=${value.replaceAll(/"(?=[^(]*\))/g, '')}` }],
  [
    'missing-quotes',
    {
      inputField: (value) => `sig1=${value.replaceAll(/"(?=[^(]*\))/g, '')}`,
      signedParams: (sent) => sent.replaceAll(/"(?=[^(]*\))/g, ''),
    },
  ],
  [
    'upper-case-names',
    {
      format: (lines) =>
        defaults.format(
          lines.map(([n, v]) => [
            n
              .replace('content-type', 'Content-Type')
              .replace('authorization', 'Authorization')
              .replace('content-digest', 'Content-Digest')
              .replace('content-length', 'Content-Length'),
            v,
          ]),
        ),
    },
  ],
  ['upper-case-names', { components: ['@method', '@target-uri', 'Authorization', 'Content-Digest'] }],
  ['missing-space', { format: (lines) => lines.map(([name, value]) => `"${name}":${value}`).join('\n') }],
  ['missing-signature-params', { format: (lines) => defaults.format(lines.slice(0, -1)) }],
  ['missing-label', { signatureField: bare }],
  ['missing-colons', { signatureField: (signature) => `sig1=${bare(signature)}` }],
  ['label-mismatch', { inputField: (value) => `sig2=${value}` }],
  ['signature-base64url', { signatureField: (signature) => `sig1=:${signature.toString('base64url')}:` }],
  ['wrong-alg', { params: `${defaults.params};alg="EdDSA"` }],
  ['wrong-tag', { params: `${defaults.params};tag="other"` }],
  ['component-not-covered', { components: ['@method', 'authorization', 'content-digest'] }],
  ['covered-header-absent', { change: (headers) => void Reflect.deleteProperty(headers, 'Content-Length') }],
  ['key-of-another-kid', { key: other.privateKey }],
  [
    'digest-missing',
    {
      change: (headers) => void Reflect.deleteProperty(headers, 'Content-Digest'),
      components: ['@method', '@target-uri', 'authorization'],
    },
  ],
  ['digest-of-pretty-printed-json', digest((body) => JSON.stringify(JSON.parse(body), null, 2))],
  ['digest-of-pretty-printed-json', digest((body) => JSON.stringify(JSON.parse(body), null, '\t'))],
  ['digest-of-other-serialisation', digest(() => '{"a": 1, "url": "https://b.example/", "list": [1, {"b": "x y"}]}')],
  ['digest-of-other-serialisation', digest((body) => body.replaceAll('/', '\\/'))],
  [
    'digest-of-other-serialisation',
    { body: JSON.stringify(JSON.parse(defaults.body), null, 2), ...digest(() => defaults.body) },
  ],
  ['digest-of-other-line-end', digest((body) => `${body}\n`)],
  ['digest-of-empty-body', digest(() => '')],
  ['digest-hex', digestText((hash) => `sha-512=:${Buffer.from(hash.toString('hex')).toString('base64')}:`)],
  ['digest-hex', digestText((hash) => `sha-512=:${hash.toString('hex')}:`)],
  ['digest-base64url', digestText((hash) => `sha-512=:${hash.toString('base64url')}:`)],
  ['digest-without-colons', digestText((hash) => `sha-512=${hash.toString('base64')}`)],
  ['digest-of-other-algorithm', { digest: (body) => `sha-512=:${sha('sha256', body).toString('base64')}:` }],
];

test('each mistake is explained by its name alone', () => {
  const wrong = clients.flatMap(([name, changes], i) => {
    const { mistakes, verifications } = explain(signAs(changes));
    assert.ok(verifications <= MAX_VERIFICATIONS, name);
    const names = mistakes.map((mistake) => mistake.name).join();
    return names === name ? [] : [`${i} ${name}: ${names}`];
  });
  assert.deepEqual(wrong, []);
  assert.deepEqual(new Set(clients.map(([name]) => name)), new Set(Object.keys(signatureMistakes)));
});

test('the result is explained wherever the signature verifies; a refusal comes with its reason', () => {
  const unverified: readonly MistakeName[] = ['covered-header-absent'];
  const wrong = clients.flatMap(([name, changes], i) => {
    const { result, refusal, key } = explain(signAs(changes));
    const keyid = name === 'key-of-another-kid' ? 'key-2' : 'key-1';
    const isRight = refusal !== undefined && key?.source === source && key.keyid === keyid;
    const expected = unverified.includes(name) ? 'unexplained' : 'explained';
    return isRight && result === expected ? [] : [`${i} ${name}: ${result} ${refusal?.reason} ${key?.keyid}`];
  });
  assert.deepEqual(wrong, []);
});

test('a correct signature is said to be correct, with one verification for the base and one for the verdict', () => {
  for (const changes of [{}, { method: 'GET', body: '', components: ['@method', '@target-uri', 'authorization'] }]) {
    const { result, mistakes, base, signed, firstDifference, verifications, refusal } = explain(signAs(changes));
    assert.deepEqual(
      [result, mistakes, verifications, firstDifference, refusal],
      ['correct', [], 2, undefined, undefined],
    );
    assert.deepEqual(signed, { encoding: 'text', value: base });
  }
});

test('a form that the profile tolerates is named as tolerated', () => {
  const { result, mistakes } = explain(signAs({ signatureField: bare }), { switches: compat });
  assert.deepEqual([result, mistakes.map(({ name }) => name)], ['tolerated', ['missing-label']]);
});

test('two mistakes at once are both named', () => {
  const names = (changes: Partial<Client>) => explain(signAs(changes)).mistakes.map(({ name }) => name);
  assert.deepEqual(names({ ...uri((url) => url.replace(':4000', '')), finish: (base) => `${base}\n` }), [
    'host-without-port',
    'trailing-newline',
  ]);
  assert.deepEqual(names({ signatureField: bare, ...digest(() => '') }), ['missing-label', 'digest-of-empty-body']);
});

test('the first difference has its byte, line and column; bytes of secrets are not shown', () => {
  const { base, signed, firstDifference } = explain(signAs(uri((url) => url.replace(':4000', ''))));
  const offset = base!.indexOf(':4000');
  assert.deepEqual(firstDifference, {
    offset,
    line: 2,
    column: offset - base!.indexOf('\n'),
    expected: '3a',
    signed: '2f',
  });
  assert.equal(signed?.value, base!.replace(':4000', ''));
  const secret = explain(signAs(see('authorization', () => token))).firstDifference!;
  assert.deepEqual([secret.line, secret.expected, secret.signed], [3, null, null]);
});

test('a signature that nothing explains costs a bounded number of verifications', () => {
  const components = ['@method', '@target-uri', ...Array.from({ length: 30 }, (_, i) => `x-${i}`)];
  const headers = Object.fromEntries(components.slice(2).map((name) => [name, 'value']));
  const request = signAs({ headers, components, body: '', key: createKeys('unknown').privateKey });
  const many = Array.from({ length: 500 }, (_, i) => ({ ...keys[1]!, keyid: `key-${i}` }));
  for (const candidates of [keys, many]) {
    const { result, mistakes, verifications } = explain(request, { keys: candidates });
    assert.deepEqual([result, mistakes], ['unexplained', []]);
    assert.ok(verifications > 100 && verifications <= MAX_VERIFICATIONS, `${verifications}`);
  }
});

test('without a key, the mistakes in the fields are named; without a signature, there is nothing to explain', () => {
  const { result, mistakes, verifications } = explain(signAs({ signatureField: bare }), { keys: [] });
  assert.deepEqual([result, mistakes.map(({ name }) => name), verifications], ['no-key', ['missing-label'], 0]);
  const late = explain(signAs({ params: created(now / 1000 - 86_400) }), { keys: [] });
  assert.deepEqual(
    [late.refusal?.reason, late.mistakes.map(({ name }) => name)],
    ['created_too_old', ['wrong-created']],
  );
  const unsigned = signAs({
    change(headers) {
      for (const name of ['Signature', 'Signature-Input']) Reflect.deleteProperty(headers, name);
    },
  });
  assert.equal(explain(unsigned).result, 'unsigned');
});

test('fields that no repair makes readable have the reason', () => {
  const { result, refusal, mistakes } = explain(signAs({ inputField: () => 'sig1=(((' }));
  assert.deepEqual([result, refusal?.reason, mistakes], ['unexplained', 'malformed_signature_input', []]);
});

test('no explanation contains the token, in text or in hexadecimal', () => {
  const notAscii: Partial<Client> = {
    target: '/%C3%A4',
    components: ['authorization', '@method', '@target-uri', 'content-digest'],
    ...uri(decodeURIComponent),
  };
  assert.equal(explain(signAs(notAscii)).mistakes[0]?.name, 'path-decoded');
  for (const [name, changes] of [...clients, ['not ASCII', notAscii] as const]) {
    const text = JSON.stringify(explain(signAs(changes)));
    assert.ok(!text.includes(token) && !text.includes(Buffer.from(token).toString('hex')), name);
  }
});
