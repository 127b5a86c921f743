/** Judges of signatures and content digests. */
import { createHash } from 'node:crypto';
import { type ExchangeParts, keyNamed, recordedKey } from '../traced.ts';
import {
  accessToken,
  continuationToken,
  continueUri,
  createQuote,
  grant,
  list,
  readIncomingPayment,
  secrets,
  walletDocument,
} from './exchanges.ts';
import { type Row, testJudges } from './support.ts';

const ask = (parts: ExchangeParts = {}): ExchangeParts => grant({}, parts);
const poll = (parts: ExchangeParts = {}): ExchangeParts => ({
  operation: 'post-continue',
  method: 'POST',
  url: continueUri,
  token: continuationToken,
  ...parts,
});
/** A change of one signature field after signing. */
const field = (name: 'Signature' | 'Signature-Input', change: (value: string) => string): ExchangeParts => ({
  spoil(headers) {
    headers[name] = change(headers[name]!);
  },
});
const without = (...names: string[]): ExchangeParts => ({
  spoil(headers) {
    for (const name of names) Reflect.deleteProperty(headers, name);
  },
});
const signedLine = (from: string | RegExp, to: string): ExchangeParts => ({ signed: (base) => base.replace(from, to) });
const components = (...names: string[]): ExchangeParts => ({ components: names });
const full = ['@method', '@target-uri', 'content-digest', 'content-length', 'content-type'];
const nonce = (value: string): ExchangeParts => ({ parameters: `;nonce="${value}";tag="gnap"` });
const longNonce = 'b2f6c9d4e1a7';
const keySet = (...keys: unknown[]) => ({ url: 'https://client.example/client/jwks.json', document: { keys } });
const client = keyNamed('client');
const other = keyNamed('other');
const published = keySet(recordedKey(client).jwk, recordedKey(other, 'key-2').jwk);
const both = [recordedKey(client), recordedKey(other, 'key-2')];
const unquoted = field('Signature-Input', (input) => input.replaceAll(/"(?=[^(]*\))/g, ''));
const withoutColons = field('Signature', (value) => value.replaceAll(':', ''));
const withoutLabel = field('Signature', (value) => value.replace(/^sig1=:(.*):$/, '$1'));
const compat = (exchange: ExchangeParts) => ({ profile: 'compat', exchanges: [exchange] }) as const;

const signatureRows: Partial<Record<`CL-SIG-${string}`, Row>> = {
  'CL-SIG-01': {
    pass: { signed: [ask()] },
    violation: { unsigned: [ask({ key: null })], 'one field only': [ask(without('Signature-Input'))] },
    silent: { 'a wallet address': [walletDocument()] },
  },
  'CL-SIG-02': {
    pass: { signed: [createQuote()] },
    violation: { 'an unsigned DELETE': [poll({ operation: 'delete-continue', method: 'DELETE', key: null })] },
    tolerated: { 'a public GET with an old token': compat(readIncomingPayment({ token: accessToken, key: null })) },
    silent: { 'no token': [readIncomingPayment({ key: null })] },
  },
  'CL-SIG-03': {
    pass: { both: [ask()] },
    violation: { 'another component': [ask(components('@method', '@path', 'content-digest'))] },
    silent: { unsigned: [ask({ key: null })] },
  },
  'CL-SIG-04': {
    pass: { 'the URI as sent': [list('cursor=a%20b')] },
    violation: {
      'a decoded query': [list('cursor=a%20b', signedLine('a%20b', 'a b'))],
      'an appended slash': [createQuote({}, signedLine(/"@target-uri": .*/, '$&/'))],
    },
    silent: { 'another mistake': [ask({ signed: (base) => `${base}\n` })] },
  },
  'CL-SIG-05': {
    pass: { covered: [createQuote()] },
    violation: { 'not covered': [createQuote({}, components(...full))] },
    silent: { 'no token': [ask()] },
  },
  'CL-SIG-06': {
    pass: { covered: [ask()] },
    violation: { 'not covered': [ask(components('@method', '@target-uri'))] },
    silent: { 'no content': [poll()] },
  },
  'CL-SIG-07': {
    pass: { covered: [ask()] },
    violation: { 'not covered': [ask(components('@method', '@target-uri', 'content-digest'))] },
    silent: { 'no content': [poll()] },
  },
  'CL-SIG-08': {
    pass: { now: [ask()], 'twice in a second': [ask(), poll({ at: 900 })] },
    violation: {
      old: [ask({ created: 1_799_999_000 })],
      milliseconds: [ask({ created: 1_800_000_000_000 })],
      'a string': [ask(field('Signature-Input', (input) => input.replace(/created=(\d+)/, 'created="$1"')))],
      absent: [ask(field('Signature-Input', (input) => input.replace(/;created=\d+/, '')))],
    },
    weak: { 'the same as five seconds before': [ask(), poll({ at: 5000, created: 1_800_000_000 })] },
  },
  'CL-SIG-09': {
    pass: { 'a kid of the set': [ask({ keySet: published })], 'the kid of client.jwk': [directed('key-1')] },
    violation: {
      'the wallet address': [ask({ kid: 'https://client.example/client', keySet: published, keys: both })],
      absent: [ask(field('Signature-Input', (input) => input.replace(/;keyid="[^"]*"/, '')))],
      'the key of another kid': [ask({ key: other, keySet: published, keys: both })],
      'not that of client.jwk': [directed('key-9')],
    },
  },
  'CL-SIG-10': {
    pass: { gnap: [ask()] },
    violation: { absent: [ask({ parameters: '' })], another: [ask({ parameters: ';tag="other"' })] },
  },
  'CL-SIG-11': { pass: { absent: [ask()] }, violation: { present: [ask({ parameters: ';alg="ed25519"' })] } },
  'CL-SIG-12': {
    pass: {
      'new each time': [ask(nonce(longNonce)), poll(nonce(`${longNonce}2`))],
      'one request that came twice': [ask(nonce(longNonce)), ask({ ...nonce(longNonce), at: 20 })],
    },
    violation: { absent: [ask({ parameters: '' })], repeated: [ask(nonce(longNonce)), poll(nonce(longNonce))] },
    weak: { short: [ask(nonce('1a2b'))] },
    silent: { 'no signature': [ask({ key: null })] },
  },
  'CL-SIG-13': {
    pass: { 'a list of strings': [ask()] },
    violation: {
      'no quotes': [ask(unquoted)],
      'no list': [ask(field('Signature-Input', () => 'sig1="@method"'))],
      'half a list': [ask(field('Signature-Input', (input) => input.replace(')', '')))],
    },
    tolerated: { 'no quotes': compat(ask(unquoted)) },
    silent: { 'a label twice': [ask(field('Signature-Input', (input) => `${input}, ${input}`))] },
  },
  'CL-SIG-14': {
    pass: { 'a byte sequence': [ask()] },
    violation: { 'no colons': [ask(withoutColons)], 'a string': [ask(field('Signature', () => 'sig1="abc"'))] },
    tolerated: { 'no colons': compat(ask(withoutColons)), 'no label': compat(ask(withoutLabel)) },
  },
  'CL-SIG-15': {
    pass: { 'one label': [ask()] },
    violation: {
      'another label': [ask(field('Signature', (value) => value.replace('sig1', 'sig2')))],
      'a label twice': [ask(field('Signature-Input', (input) => `${input}, ${input}`))],
      'a component twice': [ask(components(...full, '@method'))],
      capitals: [ask(components(...full.slice(0, 4), 'Content-Type'))],
      '@signature-params': [ask(components(...full, '@signature-params'))],
      'no label': [ask(withoutLabel)],
    },
    tolerated: { 'no label': compat(ask(withoutLabel)) },
  },
  'CL-SIG-16': {
    pass: { verifies: [ask()], 'verifies in spite of its form': compat(ask(withoutColons)) },
    violation: {
      'a hash of the base': [ask({ signed: (base) => createHash('sha512').update(base).digest() })],
      'a line break at the end': [ask({ signed: (base) => `${base}\n` })],
      'another order of parameters': [ask(signedLine(/;(created=\d+);(keyid="[^"]*")/, ';$2;$1'))],
      'an unknown text': [ask({ signed: () => 'something else' })],
    },
    silent: {
      'a mistake in the URI': [createQuote({}, signedLine(/"@target-uri": .*/, '$&/'))],
      'no known key': [ask({ keys: [] })],
    },
  },
  'CL-SIG-17': {
    pass: { 'signed anew': [poll(nonce('first-nonce')), poll({ at: 3000, ...nonce('second-nonce') })] },
    violation: { 'sent again': [poll(), poll({ at: 3000, created: 1_800_000_000 })] },
    silent: { 'no repetition': [ask(), poll()], 'a connection that repeats': [poll(), poll({ at: 20 })] },
  },
  'CL-SIG-18': {
    pass: { verifies: [ask(), walletDocument(undefined, undefined, { key: client })] },
    violation: { 'another key': [walletDocument(undefined, undefined, { key: other, keys: [] }), ask()] },
    silent: { unsigned: [ask(), walletDocument()] },
  },
};

/** A grant request of a client that is only a key. */
function directed(kid: string): ExchangeParts {
  const { jwk } = recordedKey(client);
  return ask({ kid, body: { client: { jwk }, access_token: { access: [] } }, keys: [{ jwk, keySet: undefined }] });
}

const digest = (value: (body: Buffer) => string, body = '{"a": 1}'): ExchangeParts =>
  ask({ body, headers: { 'Content-Digest': value(Buffer.from(body)) } });
const sha512 = (bytes: Buffer | string): string => createHash('sha512').update(bytes).digest('base64');
const compact = digest((body) => `sha-512=:${sha512(JSON.stringify(JSON.parse(body.toString())))}:`);

const digestRows: Partial<Record<`CL-DIG-${string}`, Row>> = {
  'CL-DIG-01': {
    pass: { present: [ask()] },
    violation: { absent: [ask({ headers: { 'Content-Digest': undefined } })] },
    silent: {
      'no content': [poll()],
      'a form of a page': [{ operation: 'post-consent', body: 'decision=accept', key: null }],
    },
  },
  'CL-DIG-02': {
    pass: { 'the bytes sent': [digest((body) => `sha-512=:${sha512(body)}:`)] },
    violation: {
      'another serialisation': [compact],
      'another text': [digest(() => `sha-512=:${sha512('x')}:`)],
      'one of two': [digest((body) => `sha-512=:${sha512(body)}:, sha-256=:${sha512(body)}:`)],
    },
    tolerated: { 'compact JSON': compat(compact) },
    silent: {
      'content that was not read': [ask({ isBodyUnread: true, body: '', headers: { 'Content-Digest': 'x' } })],
    },
  },
  'CL-DIG-03': {
    pass: { 'a byte sequence': [ask()] },
    violation: {
      'no colons': [digest((body) => `sha-512=${sha512(body)}`)],
      capitals: [digest((body) => `SHA-512=:${sha512(body)}:`)],
    },
  },
  'CL-DIG-04': {
    pass: { 'sha-512': [ask()] },
    violation: { md5: [digest(() => `md5=:${createHash('md5').update('x').digest('base64')}:`)] },
  },
  'CL-DIG-05': {
    pass: { 'sha-512 and another': [digest((body) => `sha-512=:${sha512(body)}:, other=:AAAA:`)] },
    violation: { 'only another': [digest(() => 'other=:AAAA:')] },
  },
  'CL-DIG-06': {
    pass: { 'the right length': [ask()], 'no content': [poll()] },
    violation: {
      'a digest of nothing': [poll({ headers: { 'Content-Digest': `sha-512=:${sha512('')}:` } })],
      'characters counted': [ask({ body: '{"name":"Jürgen"' })],
    },
  },
};

testJudges({ ...signatureRows, ...digestRows }, secrets);
