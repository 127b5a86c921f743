/** Judges of keys, grant requests, interaction and continuation. */
import { type ExchangeParts, keyNamed, recordedKey } from '../traced.ts';
import {
  accessToken,
  alice,
  continuationToken,
  continueUri,
  createIncomingPayment,
  createQuote,
  grant,
  incomingPayment,
  manageUri,
  otherToken,
  pay,
  readIncomingPayment,
  revocation,
  rotation,
  secrets,
  walletDocument,
} from './exchanges.ts';
import { type Row, testJudges } from './support.ts';

const wallet = 'https://client.example/client';
const client = keyNamed('client');
const other = keyNamed('other');
const { jwk } = recordedKey(client);
const set = (...keys: unknown[]) => ({ url: `${wallet}/jwks.json`, document: { keys } });
const fetched = (...keys: unknown[]) => [grant({}, { keySet: set(...keys) })];
const sent = (members: object) => [grant({}, { body: { client: { jwk: { ...jwk, ...members } }, access_token: {} } })];
const refused = (reason: string): ExchangeParts => ({
  keys: [],
  status: 400,
  answer: { error: { code: 'invalid_client', description: 'no' } },
  refusal: { code: 'unusable_client', reason, requirements: [] },
});
const pem = client.export({ format: 'pem', type: 'pkcs8' }).toString();
const seed = Buffer.from(String(client.export({ format: 'jwk' }).d), 'base64url');

const keyRows: Partial<Record<`CL-KEY-${string}`, Row>> = {
  'CL-KEY-01': {
    pass: { published: fetched(jwk) },
    violation: {
      'not there': [grant({}, refused('key_not_found'))],
      unreachable: [grant({}, refused('keys_unreachable'))],
      empty: fetched(),
    },
    silent: { 'client.jwk': sent({}) },
  },
  'CL-KEY-02': {
    pass: { 'all members': fetched(jwk), use: fetched({ ...jwk, use: 'sig' }), sent: sent({}) },
    violation: {
      'no alg': fetched({ ...jwk, alg: undefined }),
      'another use': fetched({ ...jwk, use: 'enc' }),
      'sent with another curve': sent({ crv: 'X25519' }),
      'another member of the set': [grant({}, { keySet: { ...set(), document: { keys: [jwk], owner: 'me' } } })],
    },
    silent: {
      'a set that Touchstone serves': [
        grant({}, { keySet: { url: 'https://granite.example/client/jwks.json', document: { keys: [{}] } } }),
      ],
    },
  },
  'CL-KEY-03': {
    pass: { base64url: fetched(jwk) },
    violation: {
      base64: fetched({ ...jwk, x: `${'ab+/'.repeat(10)}abc=` }),
      'too short': fetched({ ...jwk, x: 'abcd' }),
    },
  },
  'CL-KEY-04': {
    pass: { 'no private part': fetched(jwk) },
    violation: {
      published: fetched({ ...jwk, d: 'secret' }),
      sent: sent({ d: 'secret' }),
      'in metadata': [createIncomingPayment({ walletAddress: alice, metadata: { key: { ...jwk, d: 'secret' } } })],
    },
  },
  'CL-KEY-05': {
    pass: { 'two kids': fetched(jwk, recordedKey(other, 'key-2').jwk) },
    violation: { 'one kid': fetched(jwk, recordedKey(other, 'key-1').jwk) },
  },
  'CL-KEY-06': {
    pass: { 'no interaction': sent({}) },
    violation: {
      interact: [grant({}, { body: { client: { jwk }, access_token: {}, interact: { start: ['redirect'] } } })],
      'outgoing payments': [
        grant({}, { body: { client: { jwk }, access_token: { access: [{ type: 'outgoing-payment' }] } } }),
      ],
    },
    silent: { 'a wallet address': [grant()] },
  },
  'CL-KEY-07': {
    pass: {
      'one key': [grant(), createQuote()],
      'after a rotation': [grant(), rotation(), createQuote({}, { token: otherToken })],
    },
    violation: {
      'another key at the resource server': [grant(), createQuote({}, { key: other, kid: 'key-2' })],
      'another key for the continuation': [grant(), poll({ key: other, kid: 'key-2' })],
      'another key for the rotated token': [
        grant(),
        rotation(),
        createQuote({}, { token: otherToken, key: other, kid: 'key-2' }),
      ],
    },
    silent: {
      'a token of an unknown grant': [createQuote()],
      'a signature that does not verify': [grant(), createQuote({}, { signed: () => 'another text' })],
    },
  },
  'CL-KEY-08': {
    pass: { 'another key': [grant(), grant({ ase: 'basalt' }, { key: other, kid: 'key-2' })] },
    violation: { 'one key': [grant(), grant({ ase: 'basalt' }), grant({ ase: 'basalt' })] },
    silent: { 'one server': [grant(), grant()] },
  },
  'CL-KEY-10': {
    pass: { 'an output without it': { exchanges: [grant()], output: 'paid', privateKeys: [pem] } },
    violation: {
      ...Object.fromEntries(
        [
          pem,
          seed.toString('hex'),
          seed.toString('base64'),
          seed.toString('base64url'),
          pem.replaceAll('\n', '\\n'),
        ].map((text, i) => [`form ${i}`, { exchanges: [], output: `key: ${text}`, privateKeys: [pem] }]),
      ),
      'in a request': { exchanges: [createIncomingPayment({ metadata: { pem } })], privateKeys: [pem] },
    },
    silent: { 'no key handed out': { exchanges: [grant()], output: pem } },
  },
};

function poll(parts: ExchangeParts = {}): ExchangeParts {
  return { operation: 'post-continue', method: 'POST', url: continueUri, token: continuationToken, ...parts };
}

const quoteRight = { type: 'quote', actions: ['create'] };
const payRight = { type: 'outgoing-payment', actions: ['create'], identifier: alice };
const body = (members: object = {}) => ({
  client: { walletAddress: wallet },
  access_token: { access: [quoteRight] },
  ...members,
});
const ask = (members: object) => [grant({}, { body: body(members) })];
const rights = (...access: unknown[]) => ask({ access_token: { access } });
const interact = (finish?: unknown) => ({ start: ['redirect'], ...(finish !== undefined && { finish }) });
const finish = { method: 'redirect', uri: 'https://client.example/done/1', nonce: 'n0nce-of-the-client-1' };
const uri = (text: unknown) => ask({ interact: interact({ ...finish, uri: text }) });
const redirect = 'https://auth.granite.example/gnap/interact/i-1/secret-nonce?clientName=Shop';
const continueWith = (wait?: number, token = continuationToken, to = continueUri) => ({
  access_token: { value: token },
  uri: to,
  ...(wait !== undefined && { wait }),
});
/** A grant that waits for a person. */
const pending = (wait?: number, changed: object = {}): ExchangeParts =>
  grant(
    {},
    {
      body: body({ access_token: { access: [payRight] }, interact: interact({ ...finish, ...changed }) }),
      answer: { interact: { redirect, finish: 'server-nonce' }, continue: continueWith(wait) },
    },
  );
const polling = (wait?: number): ExchangeParts => ({
  ...pending(wait),
  body: body({ access_token: { access: [payRight] }, interact: interact() }),
});
const reference = 'reference-1-of-the-interaction';
const callback = (to = `${finish.uri}?hash=h&interact_ref=${reference}`): ExchangeParts => ({
  operation: 'finish-interaction',
  params: { id: 'i-1', nonce: 'secret-nonce' },
  url: 'https://auth.granite.example/gnap/interact/i-1/secret-nonce/finish',
  key: null,
  status: 302,
  answerHeaders: { Location: to },
});
const visit = (url: string): ExchangeParts => ({ ...callback(), operation: 'start-interaction', url });
const token = { value: accessToken, manage: manageUri, access: [payRight] };
const finished = (parts: ExchangeParts = {}): ExchangeParts =>
  poll({ body: { interact_ref: reference }, answer: { access_token: token, continue: continueWith() }, ...parts });
const stillPending = (parts: ExchangeParts = {}) => poll({ answer: { continue: continueWith(0) }, ...parts });
const error = (code: string, status = 400): ExchangeParts => ({ status, answer: { error: { code, description: '' } } });
const cancel = (parts: ExchangeParts = {}): ExchangeParts =>
  poll({ operation: 'delete-continue', method: 'DELETE', status: 204, ...parts });

const requestRows: Partial<Record<`CL-GNAP-${string}`, Row>> = {
  'CL-GNAP-01': {
    pass: {
      JSON: [grant()],
      'with a charset': [grant({}, { headers: { 'Content-Type': 'application/json; charset=utf-8' } })],
    },
    violation: {
      'a form': [grant({}, { body: 'client=x', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })],
      'an array': [grant({}, { body: [] })],
      'another method': [{ operation: 'unknown', method: 'PUT', url: 'https://auth.granite.example/gnap/', body: {} }],
    },
    silent: { 'content that was not read': [grant({}, { body: '', isBodyUnread: true })] },
  },
  'CL-GNAP-02': {
    pass: { 'an address': ask({}), 'a URL': ask({ client: wallet }), 'a key': sent({}) },
    violation: {
      missing: ask({ client: undefined }),
      both: ask({ client: { walletAddress: wallet, jwk } }),
      'no URL': ask({ client: 'me' }),
      number: ask({ client: 1 }),
    },
  },
  'CL-GNAP-03': {
    pass: { 'an object': ask({}) },
    violation: { 'a URL': ask({ client: wallet }) },
    silent: { missing: ask({ client: undefined }) },
  },
  'CL-GNAP-04': {
    pass: { access: ask({}), subject: ask({ access_token: undefined, subject: {}, interact: interact() }) },
    violation: {
      nothing: ask({ access_token: undefined }),
      'no interact': ask({ access_token: undefined, subject: {} }),
    },
  },
  'CL-GNAP-05': {
    pass: {
      rights: rights(quoteRight, payRight),
      subject: ask({ access_token: undefined, subject: { sub_ids: [{ id: alice, format: 'uri' }] }, interact: {} }),
    },
    violation: {
      'limits of a quote': rights({ ...quoteRight, limits: {} }),
      'an unknown action': rights({ type: 'quote', actions: ['delete'] }),
      'an unknown type': rights({ type: 'account', actions: [] }),
      'the same right twice': rights(quoteRight, quoteRight),
      'four rights': rights(quoteRight, payRight, { type: 'quote', actions: [] }, { type: 'quote', actions: ['read'] }),
      'another format': ask({ subject: { sub_ids: [{ id: 'a@b', format: 'email' }] } }),
    },
  },
  'CL-GNAP-06': {
    pass: { both: [pending()] },
    violation: {
      'no identifier': ask({
        access_token: { access: [{ ...payRight, identifier: undefined }] },
        interact: interact(),
      }),
      'no interact': rights(payRight),
    },
    silent: { quotes: ask({}) },
  },
  'CL-GNAP-07': {
    pass: { redirect: [pending()], polling: [polling()] },
    violation: {
      'another mode': ask({ interact: { start: ['app'] } }),
      'null as finish': ask({ interact: interact(null) }),
      'no nonce': ask({ interact: interact({ ...finish, nonce: undefined }) }),
      push: ask({ interact: interact({ ...finish, method: 'push' }) }),
    },
    silent: { absent: ask({}) },
  },
  'CL-GNAP-08': {
    pass: {
      https: uri('https://client.example/'),
      local: uri('http://127.0.0.1:3000/'),
      app: uri('com.example.app:/done'),
    },
    violation: {
      relative: uri('/callback'),
      fragment: uri('https://client.example/#x'),
      'http elsewhere': uri('http://client.example/'),
      script: uri('javascript:alert(1)'),
    },
  },
  'CL-GNAP-09': {
    pass: {
      'two nonces': [pending(), pending(0, { nonce: 'n0nce-of-the-client-2' })],
      'again after a lost answer': [{ ...pending(), status: null }, pending()],
    },
    violation: { 'one nonce': [pending(), pending(0, { uri: 'https://client.example/done/2' })] },
    silent: { 'no finish': [polling()] },
  },
  'CL-GNAP-10': {
    pass: { 'two URIs': [pending(), pending(0, { uri: 'https://client.example/done/2' })] },
    violation: { 'one URI': [pending(), pending()] },
    silent: { 'one after the other': [pending(), callback(), pending()] },
  },
  'CL-GNAP-11': {
    pass: { finish: [pending()] },
    violation: { polling: [polling()] },
    silent: { 'no interaction': [grant()] },
  },
  'CL-GNAP-12': {
    pass: { unchanged: [pending(), visit(redirect)] },
    violation: { 'another parameter': [pending(), visit(`${redirect}&lang=en`)] },
    silent: { 'an unknown grant': [visit(redirect)] },
  },
  'CL-GNAP-13': {
    pass: {
      continuation: [pending(), poll()],
      rotation: [grant(), rotation()],
      payment: [createIncomingPayment(), readIncomingPayment()],
      completion: [createIncomingPayment(), complete(`${incomingPayment}/complete`)],
    },
    violation: {
      'a slash': [pending(), poll({ url: `${continueUri}/` })],
      'a query': [grant(), rotation({ url: `${manageUri}?a=b` })],
      'a double slash': [createIncomingPayment(), complete(`${incomingPayment}//complete`)],
      'another URI for the revocation': [grant(), revocation({ url: `${manageUri}/` })],
    },
    silent: { 'a payment of another run': [readIncomingPayment()] },
  },
  'CL-GNAP-19': {
    pass: { 'after the callback': [pending(), callback(), finished()] },
    violation: { before: [pending(), poll()] },
    silent: { 'a cancellation': [pending(), cancel()], polling: [polling(), poll()] },
  },
};

function complete(url: string): ExchangeParts {
  return {
    operation: 'complete-incoming-payment',
    ase: 'basalt',
    method: 'POST',
    url,
    params: { id: 'ip-1' },
    token: 'some-token-at-basalt',
  };
}

const continuationRows: Partial<Record<`CL-GNAP-${string}`, Row>> = {
  'CL-GNAP-21': {
    pass: {
      content: [pending(), callback(), finished()],
      'polls afterwards': [pending(), callback(), stillPending({ body: { interact_ref: reference } }), poll()],
    },
    violation: {
      query: [pending(), callback(), poll({ url: `${continueUri}?interact_ref=x` })],
      'no content': [pending(), callback(), poll()],
      'a form': [pending(), callback(), poll({ body: `interact_ref=${reference}` })],
    },
    silent: { 'a poll of a client without a callback': [polling(0), poll()] },
  },
  'CL-GNAP-22': {
    pass: {
      once: [pending(), callback(), finished()],
      'again after too_fast': [pending(), callback(), finished(error('too_fast')), finished()],
      'again after a lost answer': [pending(), callback(), finished({ status: null, answer: undefined }), finished()],
    },
    violation: { twice: [pending(), callback(), finished(), finished()] },
  },
  'CL-GNAP-23': {
    pass: { 'its token': [pending(), poll()], cancellation: [pending(), cancel()] },
    violation: {
      'another token': [pending(), poll({ token: otherToken })],
      'no token': [pending(), poll({ token: undefined })],
      'another scheme': [
        pending(),
        poll({ token: undefined, headers: { Authorization: `Bearer ${continuationToken}` } }),
      ],
    },
  },
  'CL-GNAP-24': {
    pass: { 'after the wait': [polling(2), poll({ at: 2100 })], 'a little early': [polling(2), poll({ at: 1950 })] },
    violation: { early: [polling(2), poll({ at: 1000, ...error('too_fast') })] },
    weak: { 'early by the wall only': [polling(2), poll({ at: 1000 })] },
    silent: { 'no wait': [polling(0), poll({ at: 100 })], cancellation: [polling(9), cancel()] },
  },
  'CL-GNAP-27': {
    pass: { newest: [polling(0), rotated(), poll({ at: 100, token: otherToken })] },
    violation: {
      'the old token': [polling(0), rotated(), poll({ at: 100 })],
      'the old URI': [polling(0), rotated(`${continueUri}-2`), poll({ at: 100, token: otherToken })],
    },
    silent: { 'nothing new': [polling(0), stillPending(), poll({ at: 100 })] },
  },
  'CL-GNAP-28': {
    pass: { stops: [polling(0), poll(error('request_denied', 401))] },
    violation: { 'goes on': [polling(0), poll(error('request_denied', 401)), poll()] },
    silent: { 'goes on after too_fast': [polling(0), poll(error('too_fast')), stillPending()] },
  },
  'CL-GNAP-29': {
    pass: { 'no content': [polling(0), poll()], 'a reference': [pending(), callback(), finished()] },
    violation: {
      client: [polling(0), poll({ body: { client: wallet } })],
      'client with a reference': [
        pending(),
        callback(),
        finished({ body: { interact_ref: reference, client: wallet } }),
      ],
      'other content': [polling(0), poll({ body: { a: 1 } })],
    },
    tolerated: { 'an empty object': [polling(0), poll({ body: {} })] },
  },
  'CL-GNAP-31': {
    pass: { cancelled: [grant(), cancel()] },
    violation: { open: [grant()] },
    silent: { 'no grants': [walletDocument()] },
  },
  'CL-GNAP-32': {
    pass: { cancelled: [grant(), cancel()] },
    violation: { continued: [grant(), cancel(), poll()] },
    weak: { 'a token used': [grant(), cancel(), createQuote()] },
    silent: { 'not cancelled': [grant(), pay()] },
  },
  'CL-GNAP-34': {
    pass: { stops: [subjectRequest(), answered()] },
    violation: { 'polls on': [subjectRequest(), answered(), poll({ at: 100 })] },
    silent: { 'a token': [pending(), callback(), finished()] },
  },
};

function rotated(to = continueUri): ExchangeParts {
  return poll({ answer: { continue: continueWith(0, otherToken, to) } });
}

function subjectRequest(): ExchangeParts {
  const subject = { sub_ids: [{ id: alice, format: 'uri' }] };
  return { ...polling(0), body: body({ access_token: undefined, subject, interact: interact() }) };
}

function answered(): ExchangeParts {
  const subject = { sub_ids: [{ id: alice, format: 'uri' }] };
  return poll({ answer: { subject, continue: continueWith(0) } });
}

testJudges({ ...keyRows, ...requestRows, ...continuationRows }, [
  ...secrets,
  reference,
  finish.nonce,
  seed.toString('base64url'),
]);
