/** Judges of wallet addresses and incoming payments. */
import { ases, type ExchangeParts } from '../traced.ts';
import {
  accessToken,
  alice,
  bob,
  createIncomingPayment,
  createQuote,
  eur,
  grant,
  grantFor,
  incomingPayment,
  list,
  pay,
  readIncomingPayment,
  secrets,
  usd,
  walletDocument,
} from './exchanges.ts';
import { testJudges } from './support.ts';

const accept = (value: string | undefined, parts: ExchangeParts = {}) => [
  walletDocument(alice, 'USD', { headers: { Accept: value }, ...parts }),
];
const keySet = (url: string, parts: ExchangeParts = {}): ExchangeParts[] => [
  { operation: 'get-wallet-address-keys', url, key: null, ...parts },
];
/** A world whose servers have different URLs, http and ports. */
const apart = ases.map((ase) => ({ ...ase, resourceServer: `https://rs.${ase.name}.example/op` }));
const local = ases.map((ase) => ({ ...ase, walletAddressServer: 'http://localhost:3001' }));
const times = (count: number, make: (i: number) => ExchangeParts) => Array.from({ length: count }, (_, i) => make(i));

testJudges(
  {
    'CL-WA-01': {
      pass: {
        'a proper address': [walletDocument()],
        'addresses of a grant request': [grantFor([{ type: 'quote', actions: ['create'], identifier: alice }])],
        'http and a port in a test world': {
          ases: local,
          exchanges: [createQuote({ walletAddress: 'http://localhost:3001/a' })],
        },
        'http and a port on loopback': [createQuote({ walletAddress: 'http://127.0.0.1:3001/a' })],
      },
      violation: {
        'user information': [createQuote({ walletAddress: 'https://u:p@granite.example/alice' })],
        'a user name only': [createQuote({ walletAddress: 'https://u@granite.example/alice' })],
        http: [createQuote({ walletAddress: 'http://granite.example/alice' })],
        'a port': [createQuote({ walletAddress: 'https://granite.example:8443/alice' })],
        'a query': [walletDocument(`${alice}?x=1`)],
        'a fragment': [grantFor([{ type: 'quote', actions: ['create'], identifier: `${alice}#1` }])],
        'a payment pointer': [list(`wallet-address=${encodeURIComponent('$basalt.example/bob')}`)],
        'the client': [{ ...grantFor([]), body: { client: 'https://client.example/c?x' } }],
      },
      silent: {
        'an address that is a number': [createQuote({ walletAddress: 7 })],
        'a request that names none': [readIncomingPayment()],
      },
    },
    'CL-WA-02': {
      pass: {
        JSON: accept('application/json'),
        anything: accept('*/*'),
        'no field': accept(undefined),
        'JSON before HTML': accept('application/json, text/html;q=0.9'),
      },
      violation: {
        HTML: accept('text/html'),
        'HTML before JSON': accept('text/html, application/json;q=0.9'),
      },
      weak: { 'a token': accept('application/json', { token: accessToken }) },
      silent: {
        'a page that a person opens': [
          walletDocument(alice, 'USD', { headers: { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' } }),
        ],
      },
    },
    'CL-WA-03': {
      pass: { 'the servers of the document': [grant(), createQuote()] },
      violation: {
        'a resource below the wallet address': {
          ases: apart,
          exchanges: [
            {
              operation: 'unknown',
              url: 'https://basalt.example/incoming-payments',
              ase: 'basalt',
              body: {},
              status: 404,
            },
          ],
        },
        'a list below the wallet address': {
          ases: apart,
          exchanges: [
            { operation: 'get-wallet-address', url: 'https://granite.example/outgoing-payments?first=1', status: 404 },
          ],
        },
        'a grant request below the wallet address': [
          { ...grantFor([]), operation: 'unknown', url: 'https://granite.example/', status: 405 },
        ],
      },
      silent: {
        'a wallet address': { ases: apart, exchanges: [walletDocument()] },
        'a path of the resource server': {
          ases: apart,
          exchanges: [{ operation: 'unknown', url: 'https://rs.granite.example/op/quotes', body: {}, status: 405 }],
        },
        'a path outside the wallet addresses': {
          ases: ases.map((ase) => ({ ...ase, walletAddressServer: `${ase.walletAddressServer}/wallets` })),
          exchanges: [{ operation: 'unknown', method: 'PUT', url: 'https://granite.example/quotes', status: 405 }],
        },
        'the only origin': [
          { operation: 'unknown', method: 'PUT', url: 'https://granite.example/quotes', status: 405 },
        ],
      },
    },
    'CL-WA-07': {
      pass: {
        'the well-known path': {
          output: 'paying $granite.example',
          exchanges: [walletDocument('https://granite.example/.well-known/pay')],
        },
        'a path': { output: 'paying $granite.example/alice', exchanges: [walletDocument()] },
      },
      violation: {
        'the root': { output: 'paying $granite.example', exchanges: [walletDocument('https://granite.example/')] },
        'a path that is dropped': [
          createQuote({ metadata: { to: '$basalt.example/bob' } }),
          walletDocument('https://basalt.example/', 'EUR', { ase: 'basalt' }),
        ],
      },
      silent: {
        'no pointer': [walletDocument('https://granite.example/')],
        'a pointer of another world': {
          output: 'cost: $5.00, to $other.example',
          exchanges: [walletDocument('https://granite.example/')],
        },
        'a pointer that is not used': { output: '$granite.example', exchanges: [walletDocument(bob)] },
      },
    },
    'CL-WA-08': {
      pass: { 'below the address': keySet(`${alice}/jwks.json`) },
      violation: {
        'no slash': [{ operation: 'get-wallet-address', url: `${alice}jwks.json`, status: 404 }],
        'a relative URL': keySet('https://granite.example/jwks.json', { status: 404 }),
      },
      weak: { 'two slashes': keySet(`${alice}//jwks.json`) },
      silent: {
        'an address that does not exist': keySet('https://granite.example/nobody/jwks.json', { status: 404 }),
        'a wallet address': [walletDocument()],
        'another server': [{ operation: 'unknown', url: `${alice}jwks.json`, status: 404 }],
        'a document that is missing': [walletDocument(`${alice}2`, 'USD', { status: 404 })],
      },
    },
    'CL-WA-10': {
      pass: {
        'a second request': [walletDocument(), walletDocument()],
        'requests for a stale document': times(20, (i) => walletDocument(alice, 'USD', { at: i * 301_000 })),
      },
      violation: { 'a request for each call': times(10, () => walletDocument()) },
      silent: {
        'one request': [walletDocument(), walletDocument(bob)],
        'a document that must not be cached': times(10, () => walletDocument(alice, 'USD', { answerHeaders: {} })),
      },
    },
    'CL-IP-01': {
      pass: {
        'a payment that was created': [createIncomingPayment(), createQuote()],
        'a payment that was listed': [
          list('', { answer: { result: [{ id: incomingPayment, walletAddress: bob }] } }),
          pay({ walletAddress: alice, incomingPayment, debitAmount: usd() }),
        ],
      },
      violation: {
        'a wallet address': [walletDocument(bob, 'EUR'), createQuote({ receiver: `${bob}/` })],
        'something else': [pay({ walletAddress: alice, incomingPayment: 'ip-1', debitAmount: usd() })],
      },
      silent: {
        'no receiver': [createQuote({ receiver: undefined })],
        'a payment that was created elsewhere': [
          createQuote({ receiver: 'https://other.example/incoming-payments/1' }),
        ],
      },
    },
    'CL-IP-02': {
      pass: {
        'all members': [
          createIncomingPayment({ walletAddress: bob, incomingAmount: eur(), expiresAt: '', metadata: {} }),
        ],
      },
      violation: {
        'an undeclared member': [createIncomingPayment({ walletAddress: bob, description: 'tea' })],
        'a member named __proto__': [createIncomingPayment(`{"walletAddress":"${bob}","__proto__":{"a":1}}`)],
        'no wallet address': [createIncomingPayment({})],
        'metadata that is a text': [createIncomingPayment({ walletAddress: bob, metadata: 'tea' })],
        'no object': [createIncomingPayment([bob])],
        'no JSON': [createIncomingPayment('walletAddress=bob')],
        'no content': [createIncomingPayment('')],
      },
      silent: { 'content that was not read': [createIncomingPayment('', { isBodyUnread: true })] },
    },
    'CL-IP-03': {
      pass: {
        'the asset': [walletDocument(bob, 'EUR'), createIncomingPayment({ walletAddress: bob, incomingAmount: eur() })],
      },
      violation: {
        'another code': [
          walletDocument(bob, 'EUR'),
          createIncomingPayment({ walletAddress: bob, incomingAmount: usd() }),
        ],
        'another scale': [
          walletDocument(bob, 'EUR'),
          createIncomingPayment({ walletAddress: `${bob}/`, incomingAmount: { ...eur(), assetScale: 0 } }),
        ],
        'the asset of an earlier payment': [
          createIncomingPayment(),
          createIncomingPayment({ walletAddress: bob, incomingAmount: usd() }),
        ],
      },
      silent: {
        'an asset that is not known': [createIncomingPayment({ walletAddress: bob, incomingAmount: usd() })],
        'no amount': [walletDocument(bob, 'EUR'), createIncomingPayment()],
      },
    },
    'CL-IP-04': {
      pass: {
        'a time in UTC': [createIncomingPayment({ walletAddress: bob, expiresAt: '2027-02-01T00:00:00Z' })],
        'a zone and a fraction': [
          createIncomingPayment({ walletAddress: bob, expiresAt: '2027-02-01T00:00:00.123456789+05:30' }),
        ],
        'a past that the clock of the world accepts': [
          createIncomingPayment({ walletAddress: bob, expiresAt: '2020-01-01T00:00:00Z' }),
        ],
      },
      violation: {
        'no zone': [createIncomingPayment({ walletAddress: bob, expiresAt: '2027-02-01T00:00:00' })],
        'a space': [createIncomingPayment({ walletAddress: bob, expiresAt: '2027-02-01 00:00' })],
        'no such day': [createIncomingPayment({ walletAddress: bob, expiresAt: '2027-02-30T00:00:00Z' })],
        'a number': [createIncomingPayment({ walletAddress: bob, expiresAt: 1_800_000_000 })],
      },
      weak: {
        'the past': [createIncomingPayment({ walletAddress: bob, expiresAt: '2020-01-01T00:00:00Z' }, { status: 400 })],
      },
      silent: { 'no expiry': [createIncomingPayment()] },
    },
    'CL-IP-05': {
      pass: { 'a completion': [createIncomingPayment(), complete()] },
      violation: {
        'a doubled slash': [createIncomingPayment(), complete({ url: `${incomingPayment}//complete` })],
        content: [complete({ body: { completed: true } })],
        'a PATCH': [
          createIncomingPayment(),
          { operation: 'unknown', ase: 'basalt', method: 'PATCH', url: incomingPayment, body: { completed: true } },
        ],
        'another path': [
          createIncomingPayment(),
          { operation: 'unknown', ase: 'basalt', method: 'PUT', url: `${incomingPayment}/complete` },
        ],
      },
      weak: {
        'an empty object': [complete({ body: {} })],
        'a payment that was completed': [createIncomingPayment(), complete(), complete({ at: 1000, status: 409 })],
      },
      silent: {
        'a GET with a wrong ending': [
          createIncomingPayment(),
          { operation: 'unknown', ase: 'basalt', method: 'GET', url: `${incomingPayment}/complete` },
        ],
        'a PATCH of something else': [
          { operation: 'unknown', method: 'PATCH', url: 'https://basalt.example/incoming-payments/2' },
        ],
      },
    },
    'CL-IP-06': {
      pass: { 'no token': [readIncomingPayment()] },
      weak: { 'a token without the right': [grant(), readIncomingPayment({ token: accessToken })] },
      silent: {
        'the whole payment': [
          grant({ ase: 'basalt', access: [{ type: 'incoming-payment', actions: ['read'] }] }),
          readIncomingPayment({ token: accessToken }),
        ],
        'a payment that does not exist': [readIncomingPayment({ status: 404 })],
      },
    },
    'CL-IP-08': {
      pass: { 'a pause of a second': times(20, (i) => readIncomingPayment({ at: i * 1000 })) },
      violation: { 'no pause': times(10, () => readIncomingPayment()) },
      silent: {
        'one read': [readIncomingPayment()],
        'different payments': times(20, (i) => readIncomingPayment({ url: `${incomingPayment}${i}` })),
      },
    },
  },
  [...secrets, 'u:p@'],
);

function complete(parts: ExchangeParts = {}): ExchangeParts {
  return {
    operation: 'complete-incoming-payment',
    ase: 'basalt',
    method: 'POST',
    url: `${incomingPayment}/complete`,
    answer: { id: incomingPayment, walletAddress: bob, completed: true },
    ...parts,
  };
}
