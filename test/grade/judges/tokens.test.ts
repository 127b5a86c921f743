/** Judges of access tokens. */
import {
  accessToken,
  alice,
  bob,
  continuationToken,
  continueUri,
  createIncomingPayment,
  createQuote,
  grant,
  list,
  manageUri,
  otherToken,
  pay,
  readIncomingPayment,
  revocation,
  rotation,
  secrets,
  walletDocument,
} from './exchanges.ts';
import { testJudges } from './support.ts';

const letters = 'tokenoflettersonly';
const incoming = (actions: string[]) => [{ type: 'incoming-payment', actions }];
const continuation = { operation: 'post-continue', method: 'POST', url: continueUri, token: continuationToken };
const authorization = (value: string) => ({ token: undefined, key: null, headers: { Authorization: value } });
const forbidden = Array.from({ length: 4 }, () => createQuote({}, { status: 403 }));

testJudges(
  {
    'CL-TOK-01': {
      pass: {
        'a token as it came': [grant(), createQuote()],
        'the scheme in lower case': [grant(), createQuote({}, authorization(`gnap ${accessToken}`))],
      },
      violation: {
        'another scheme': [grant(), createQuote({}, authorization(`Bearer ${accessToken}`))],
        'no scheme': [grant(), createQuote({}, authorization(accessToken))],
        'no scheme before letters': [grant(), createQuote({}, authorization(letters))],
        'an encoded value': [grant(), createQuote({}, { token: encodeURIComponent(accessToken) })],
        'a value without its padding': [grant(), createQuote({}, { token: accessToken.replace(/=+$/, '') })],
        'another field': [grant(), createQuote({}, { token: undefined, headers: { 'X-Token': accessToken } })],
        'a scheme only': [grant(), createQuote({}, authorization('GNAP'))],
      },
      silent: {
        'no token': [walletDocument()],
        'a token of which nothing is known': [createQuote({}, { token: 'invented-by-a-test' })],
      },
    },
    'CL-TOK-02': {
      pass: {
        'the token in its field': [grant(), createQuote()],
        'a manage URI that contains the token': [
          grant({ manage: `https://auth.granite.example/gnap/token/${accessToken}` }),
          revocation({ url: `https://auth.granite.example/gnap/token/${accessToken}` }),
        ],
      },
      violation: {
        'in the query': [
          grant(),
          createQuote({}, { token: undefined, url: `https://granite.example/quotes?access_token=${accessToken}` }),
        ],
        'in the query, encoded': [grant(), list(`wallet-address=${bob}&token=${encodeURIComponent(accessToken)}`)],
        'in the content': [grant(), createQuote({ metadata: { note: `bearer:${accessToken}` } })],
        'in JSON with escaped slashes': [
          grant(),
          createQuote(JSON.stringify({ token: accessToken }).replaceAll('/', '\\/')),
        ],
        'a continuation token in a form': [grant(), { ...continuation, body: `token=${continuationToken}` }],
        'at an unknown path': [grant(), { url: `https://granite.example/nothing/${encodeURIComponent(accessToken)}` }],
      },
      silent: {
        'a page of the identity provider': [
          grant(),
          { operation: 'post-sign-in', body: { password: accessToken }, key: null },
        ],
      },
    },
    'CL-TOK-03': {
      pass: {
        'an access token at the resource server': [grant(), createQuote()],
        'an access token at its manage URI': [grant(), rotation()],
        'a continuation token at its URI': [grant(), continuation],
      },
      violation: {
        'a continuation token at the resource server': [grant(), createQuote({}, { token: continuationToken })],
        'a continuation token at a manage URI': [grant(), rotation({ token: continuationToken })],
        'an access token at a continuation URI': [grant(), { ...continuation, token: accessToken }],
        'an access token with a grant request': [grant(), grant({ value: otherToken }, { token: accessToken })],
      },
      silent: { 'an unknown token': [createQuote({}, { token: 'unknown' })] },
    },
    'CL-TOK-04': {
      pass: {
        'a right that was granted': [grant(), createQuote()],
        'read-all covers read': [
          grant({ ase: 'basalt', access: incoming(['read-all']) }),
          readIncomingPayment({ token: accessToken }),
        ],
        'any spelling of the identifier': [
          grant({
            ase: 'basalt',
            access: [{ type: 'incoming-payment', actions: ['create'], identifier: 'https://BASALT.example/bob/' }],
          }),
          createIncomingPayment({ walletAddress: bob }, { token: accessToken }),
        ],
      },
      violation: {
        'the other of two tokens': [
          grant(),
          grant({ value: otherToken, ase: 'basalt', access: incoming(['create']) }),
          createIncomingPayment({ walletAddress: bob }, { token: accessToken }),
        ],
      },
      weak: {
        'a right that was not granted': [grant(), pay({}, { token: accessToken })],
        'another wallet address': [
          grant({ access: [{ type: 'quote', actions: ['create'], identifier: `${alice}-2` }] }),
          createQuote(),
        ],
        'another token that has been revoked': [
          grant(),
          grant({ value: otherToken, ase: 'basalt', access: incoming(['create']), manage: `${manageUri}-b` }),
          revocation({ ase: 'basalt', token: otherToken, url: `${manageUri}-b` }),
          createIncomingPayment({ walletAddress: bob }, { token: accessToken }),
        ],
      },
      silent: { 'a rotation needs no right': [grant(), rotation()] },
    },
    'CL-TOK-05': {
      pass: {
        'in time': [grant({ expires_in: 2 }), createQuote({}, { at: 2900 })],
      },
      violation: { 'too late': [grant({ expires_in: 2 }), createQuote({}, { at: 3100 })] },
      silent: {
        'a token that does not expire': [grant(), createQuote({}, { at: 1e9 })],
        'a rotation of an expired token': [grant({ expires_in: 2 }), rotation({ at: 10_000 })],
        'a token that has been rotated': [grant({ expires_in: 2 }), rotation(), createQuote({}, { at: 10_000 })],
      },
    },
    'CL-TOK-09': {
      pass: { 'the managed token': [grant(), rotation()] },
      violation: {
        'the continuation token': [grant(), rotation({ token: continuationToken })],
        'the token of another grant': [
          grant(),
          grant({ value: otherToken, manage: 'https://auth.granite.example/2' }),
          rotation({ token: otherToken }),
        ],
        'an unknown token': [grant(), rotation({ token: 'unknown' })],
        'no token': [grant(), rotation({ token: undefined })],
        content: [grant(), rotation({ body: { access_token: {} } })],
        'a foreign token, rejected in compat': {
          profile: 'compat',
          exchanges: [grant(), rotation({ token: continuationToken, status: 401 })],
        },
      },
      weak: { 'an empty object': [grant(), rotation({ body: {} })] },
      tolerated: {
        'a foreign token in compat': {
          profile: 'compat',
          exchanges: [grant(), rotation({ token: continuationToken })],
        },
      },
      silent: { 'a revocation': [grant(), revocation()] },
    },
    'CL-TOK-10': {
      pass: {
        'the new value': [grant(), rotation(), createQuote({}, { token: otherToken, at: 1000 })],
        'a request on its way': [grant(), rotation({ at: 10 }), createQuote({}, { at: 100 })],
        'after a lost answer': [grant(), rotation({ status: null, answer: undefined }), createQuote({}, { at: 1000 })],
        'after a rejected rotation': [grant(), rotation({ status: 401 }), createQuote({}, { at: 1000 })],
      },
      violation: {
        'the old value': [grant(), rotation(), createQuote({}, { at: 1000 })],
        'the old value at the new manage URI': [grant(), rotation(), rotation({ url: `${manageUri}-2`, at: 1000 })],
      },
      silent: { 'the old value at its own manage URI': [grant(), rotation(), rotation({ at: 1000 })] },
    },
    'CL-TOK-11': {
      pass: {
        'the new URI': [grant(), rotation(), revocation({ token: otherToken, url: `${manageUri}-2`, at: 1000 })],
        'two rotations at once': [grant(), rotation(), rotation({ at: 50 })],
        'a URI that stays': [grant(), rotation({}, otherToken, manageUri), rotation({ token: otherToken, at: 1000 })],
      },
      violation: {
        'the old URI': [grant(), rotation(), revocation({ token: otherToken, at: 1000 })],
      },
      silent: { 'a URI of which nothing is known': [rotation()] },
    },
    'CL-TOK-14': {
      pass: {
        'a revocation': [grant(), revocation()],
        'a revocation that is repeated': [grant(), revocation(), revocation({ at: 1000 })],
        'a request on its way': [grant(), revocation(), createQuote({}, { at: 100 })],
        'use after a rejected revocation': [grant(), revocation({ status: 500 }), createQuote({}, { at: 1000 })],
      },
      violation: {
        'use after the revocation': [grant(), revocation(), createQuote({}, { at: 1000 })],
        'another token': [grant(), revocation({ token: continuationToken })],
        'no token': [grant(), revocation({ token: undefined })],
        'another method': [grant(), { operation: 'unknown', method: 'PATCH', url: manageUri, token: accessToken }],
        content: [grant(), revocation({ body: { reason: 'done' } })],
      },
      tolerated: {
        'a foreign token in compat': { profile: 'compat', exchanges: [grant(), revocation({ token: otherToken })] },
      },
      silent: { 'another call': [grant(), createQuote()] },
    },
    'CL-TOK-15': {
      pass: {
        'a client that stops': forbidden.slice(0, 1),
        'requests that differ': [1, 2, 3, 4, 5].map((i) => createQuote({ metadata: { i } }, { status: 403 })),
        'another token': [...forbidden.slice(0, 3), createQuote({}, { token: otherToken })],
        'requests at once': [1, 2, 3, 4, 5].map((at) => createQuote({}, { at, status: 403, took: 50 })),
        'a bounded poll': Array.from({ length: 10 }, () => readIncomingPayment({ status: 403 })),
      },
      violation: {
        'a loop': forbidden,
        'an unbounded poll': Array.from({ length: 11 }, () => readIncomingPayment({ status: 403 })),
      },
      silent: { 'no 403': [createQuote()] },
    },
  },
  [...secrets, letters],
);
