/** Judges of HTTP and of security. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { deriveKey } from '../../../src/crypto/derived-keys.ts';
import { listKeyForms } from '../../../src/grade/state/secrets.ts';
import { ases, type ExchangeParts } from '../traced.ts';
import {
  accessToken,
  alice,
  bob,
  continuationToken,
  createIncomingPayment,
  createQuote,
  grant,
  interactiveGrant,
  list,
  otherToken,
  pay,
  readIncomingPayment,
  revocation,
  rotation,
  secrets,
  walletDocument,
} from './exchanges.ts';
import { findingsOf, testJudges } from './support.ts';

const failed = (parts: ExchangeParts = {}) => createQuote({}, { status: 500, ...parts });
const unavailable = (at: number, retryAfter: string, parts: ExchangeParts = {}) =>
  readIncomingPayment({ at, status: 503, token: accessToken, answerHeaders: { 'Retry-After': retryAfter }, ...parts });
const readAt = (at: number, parts: ExchangeParts = {}) => readIncomingPayment({ at, token: accessToken, ...parts });
/** Three seconds after the start of a test. */
const date = 'Fri, 15 Jan 2027 08:00:03 GMT';

const nonce = 'e1f3c5d7-9b2a-4c6e-8f10-a2b4c6d8e0f2';
const privateKey = deriveKey([createHash('sha256').update('client').digest('base64')], 'client')
  .export({ type: 'pkcs8', format: 'pem' })
  .toString();
const withHost = (host: string, url = 'http://localhost:4000/quotes'): ExchangeParts[] => [
  { operation: 'create-quote', url, key: null, headers: { Host: host }, body: {} },
];
const plain = (url: string) => createQuote({}, { url });
const local = ases.map((ase) => ({ ...ase, resourceServer: 'http://localhost:3001' }));
const other = 'the-reference-of-the-interaction';
const continuation: ExchangeParts = {
  operation: 'post-continue',
  body: { interact_ref: other },
  token: continuationToken,
};
const redirect: ExchangeParts = {
  operation: 'finish-interaction',
  status: 302,
  answerHeaders: { Location: `https://client.example/done?hash=h&interact_ref=${other}` },
};

testJudges(
  {
    'CL-HTTP-01': {
      pass: {
        JSON: [createQuote({}, { headers: { Accept: 'application/json' } })],
        anything: [createQuote({}, { headers: { Accept: 'text/*, */*;q=0.1' } })],
        'no field': [createQuote()],
      },
      violation: {
        'text only': [createQuote({}, { headers: { Accept: 'text/*' } })],
        'JSON with weight 0': [createQuote({}, { headers: { Accept: 'application/json;q=0, */*' } })],
      },
      silent: { 'a page': [{ operation: 'get-consent', headers: { Accept: 'text/html' } }] },
    },
    'CL-HTTP-02': {
      pass: { 'content with a type': [createQuote()], neither: [readIncomingPayment()] },
      violation: { 'content without a type': [createQuote({}, { headers: { 'Content-Type': undefined }, key: null })] },
      weak: { 'a type without content': [readIncomingPayment({ headers: { 'Content-Type': 'application/json' } })] },
      silent: { 'a page': [{ operation: 'post-sign-in', body: 'a=b', headers: { 'Content-Type': undefined } }] },
    },
    'CL-HTTP-03': {
      pass: {
        'with the port': withHost('localhost:4000'),
        'another name of the same port': withHost('127.0.0.1:4000'),
      },
      violation: {
        'without the port': withHost('localhost'),
        'another port': withHost('localhost:4001'),
        'another name without the port': withHost('127.0.0.1'),
      },
      silent: {
        'the default port': withHost('granite.example', 'https://granite.example/quotes'),
        'another name behind another port': withHost('proxy.example:8080'),
        'no URL at all': withHost('%%%'),
      },
    },
    'CL-HTTP-10': {
      pass: {
        'one revocation': [grant(), revocation()],
        'a revocation that a test repeats': [grant(), revocation(), revocation({ status: 401 })],
      },
      violation: {
        'a client that does not understand 204': [grant(), revocation(), revocation(), revocation()],
        'the same, of which the server tolerates only the first': [
          grant(),
          revocation(),
          revocation({ status: 401 }),
          revocation({ status: 401 }),
        ],
      },
      silent: { polls: [readIncomingPayment(), readIncomingPayment(), readIncomingPayment()] },
    },
    'CL-HTTP-13': {
      pass: {
        'a client that stops': [failed()],
        'another request in between': [failed(), readIncomingPayment(), failed()],
        'another content': [failed(), createQuote({ debitAmount: {} })],
        'two at once': [failed({ at: 0, took: 50 }), failed({ at: 10, took: 50 })],
        'a later attempt': [failed(), failed({ at: 20_000 })],
      },
      violation: {
        'a repetition after 500': [failed(), failed()],
        'a repetition after a broken connection': [failed({ status: null, answer: undefined }), createQuote()],
      },
      silent: {
        'a repetition after success': [createQuote(), createQuote()],
        'a GET': [readIncomingPayment({ status: 500 }), readIncomingPayment()],
      },
    },
    'CL-HTTP-14': {
      pass: {
        'none at all': [unavailable(0, '2')],
        'in time': [unavailable(0, '2'), readAt(2005)],
        'a little early': [unavailable(0, '2'), readAt(1910)],
        'a date': [unavailable(0, date), readAt(2000)],
        'a request on its way': [unavailable(0, '2', { took: 50 }), readAt(40)],
      },
      violation: {
        'too early': [unavailable(0, '2'), readAt(1000)],
        'before the date': [unavailable(0, date), readAt(1000)],
        'after 429': [unavailable(0, '2', { status: 429 }), readAt(100)],
      },
      weak: { 'without a token': [unavailable(0, '2', { token: undefined }), readAt(100, { token: undefined })] },
      silent: {
        'no field': [readAt(0, { status: 503 }), readAt(100)],
        'a field that is malformed': [unavailable(0, 'soon'), readAt(100)],
        'another status': [unavailable(0, '9', { status: 200 }), readAt(100)],
      },
    },
    'CL-HTTP-15': {
      pass: {
        'one repetition': [readAt(0, { status: 503 }), readAt(100)],
        'a success in between': [readAt(0, { status: 503 }), readAt(100), readAt(200, { status: 503 }), readAt(300)],
        'three at once': [0, 1, 2].map((at) => readAt(at, { status: 503, took: 50 })),
        'a poll with a pause': [0, 20_000, 40_000].map((at) => readAt(at, { status: 503 })),
      },
      violation: { 'two repetitions': [0, 100, 200].map((at) => readAt(at, { status: 503 })) },
      silent: { 'no failure': [readAt(0), readAt(100), readAt(200)] },
    },
    'CL-SEC-01': {
      pass: {
        'a UUID': [interactiveGrant({ nonce })],
        base64url: [interactiveGrant({ nonce: 'pK7v-Qz3_mX8bN2cRt5yWg' })],
      },
      violation: {
        short: [interactiveGrant({ nonce: 'pK7v-Qz3_mX' })],
        digits: [interactiveGrant({ nonce: '12345678901234567' })],
        'the time': [interactiveGrant({ nonce: '2027-01-15T08:00:00.000Z' })],
        'one character': [interactiveGrant({ nonce: 'aaaaaaaaaaaaaaaaaaaaaa' })],
        'a sequence': [interactiveGrant({ nonce: '0123456789abcdefghij' })],
        words: [interactiveGrant({ nonce: 'my-secret-client-nonce' })],
        'a counter': ['000001', '000002'].map((number) => interactiveGrant({ nonce: `kq8dj2mxk-${number}` })),
      },
      weak: { 'few characters': [interactiveGrant({ nonce: '---------a9f3c7b1' })] },
      silent: {
        'no interaction': [grant()],
        'a nonce that is a number': [interactiveGrant({ nonce: 7 })],
      },
    },
    'CL-SEC-02': {
      pass: { 'a random identifier': [interactiveGrant({ nonce, uri: 'https://client.example/done?id=8f10a2b4' })] },
      violation: {
        'the nonce': [interactiveGrant({ nonce, uri: `https://client.example/done?n=${nonce}` })],
        'a token': [grant(), interactiveGrant({ uri: `https://client.example/${encodeURIComponent(accessToken)}` })],
        'an e-mail address': [interactiveGrant({ uri: 'https://client.example/done?user=ann%40mail.example' })],
        'a wallet address': [interactiveGrant({ uri: `https://client.example/done?w=${encodeURIComponent(alice)}` })],
        'a wallet address in the fragment': [interactiveGrant({ uri: `https://client.example/done#${alice}` })],
      },
      silent: { 'no finish': [grant()] },
    },
    'CL-SEC-03': {
      pass: { 'nothing secret': { output: 'paid 10 USD\nwith token tok-ACCE…', exchanges: [grant()] } },
      violation: {
        'an access token': { output: `a\nb {"value":"${accessToken}"}`, exchanges: [grant()] },
        'a continuation token': { output: continuationToken, exchanges: [grant()] },
        'a reference': { output: `?interact_ref=${other}`, exchanges: [redirect] },
        'a reference that was sent': { output: other, exchanges: [continuation] },
        'a nonce': { output: nonce, exchanges: [interactiveGrant({ nonce })] },
        'a private key': { output: privateKey, exchanges: [grant()], privateKeys: [privateKey] },
        'a private key as JWK': {
          output: `{"d":"${listKeyForms(privateKey)[2]}"}`,
          exchanges: [grant()],
          privateKeys: [privateKey],
        },
      },
      silent: { 'no output': [grant()] },
    },
    'CL-SEC-04': {
      pass: {
        'its servers': [grant(), createQuote(), rotation()],
        'the whole payment': [
          grant({ ase: 'basalt', access: [{ type: 'incoming-payment', actions: ['read'] }] }),
          readIncomingPayment({ token: accessToken }),
        ],
        'a right that was not granted, which CL-TOK-04 judges': [
          grant({ ase: 'basalt', access: [{ type: 'incoming-payment', actions: ['create'] }] }),
          readIncomingPayment({ token: accessToken, status: 403 }),
        ],
      },
      violation: {
        'another provider': [grant(), createIncomingPayment({}, { token: accessToken })],
        'an unknown path of another provider': [grant(), { ase: 'basalt', token: accessToken, status: 404 }],
        'a grant request': [grant(), grant({ value: otherToken }, { token: accessToken })],
        'a wallet address': [grant(), walletDocument(alice, 'USD', { token: accessToken })],
        'a key set': [grant(), { operation: 'get-wallet-address-keys', token: accessToken }],
        'the public view, rejected': [
          grant(),
          readIncomingPayment({ ase: 'granite', token: accessToken, status: 401 }),
        ],
        'a continuation token': [grant(), createIncomingPayment({}, { token: continuationToken })],
      },
      tolerated: {
        'the public view in compat': {
          profile: 'compat',
          exchanges: [grant(), readIncomingPayment({ token: accessToken })],
        },
        'the public view of the same provider in compat': {
          profile: 'compat',
          exchanges: [grant(), readIncomingPayment({ ase: 'granite', token: accessToken })],
        },
      },
      silent: { 'an unknown token': [createQuote({}, { token: 'unknown' })] },
    },
    'CL-SEC-06': {
      pass: {
        TLS: [createQuote()],
        'a local finish URI': [interactiveGrant({ uri: 'http://localhost:3344/done' })],
      },
      violation: {
        'a plain request': [plain('http://granite.example/quotes')],
        'a plain finish URI': [interactiveGrant({ uri: 'http://client.example/done' })],
      },
      silent: { 'a world without TLS': { ases: local, exchanges: [plain('http://localhost:3001/quotes')] } },
    },
    'CL-SEC-08': {
      pass: {
        'URLs without': [createQuote()],
        'an address in metadata': [createIncomingPayment({ metadata: { contact: 'https://a@b.example' } })],
        'a path with @': [createQuote({ receiver: 'https://b.example/@bob' })],
      },
      violation: {
        'a finish URI': [interactiveGrant({ uri: 'https://key@client.example/' })],
        'a wallet address': [pay({ walletAddress: 'https://u:p@granite.example/alice' })],
        'a query': [list(`wallet-address=${encodeURIComponent('https://key@basalt.example/bob')}`)],
      },
      silent: { 'a page': [{ operation: 'post-consent', body: { to: 'https://a@b' } }] },
    },
  },
  [...secrets, nonce, other, 'u:p@', 'key@'],
);

test('a secret in the output is reported with its line and the exchange that it came from', () => {
  const output = `first\n${continuationToken}\n\n${accessToken}\n${accessToken}`;
  const findings = findingsOf('CL-SEC-03', { output, exchanges: [walletDocument(bob), grant()] });
  assert.deepEqual(
    findings.map(({ detail, exchange }) => [detail, exchange]),
    [
      ['Line 2 of the output shows the continuation token of exchange 2.', 2],
      ['Line 4 of the output shows the access token of exchange 2.', 2],
    ],
  );
});
