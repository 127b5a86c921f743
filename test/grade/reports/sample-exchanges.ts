/** The exchanges of the sample report: a client that makes mistakes of every kind. */
import { createHash } from 'node:crypto';
import { deriveKey, exportPublicJwk } from '../../../src/crypto/derived-keys.ts';
import { type DescribedExchange, describeExchange } from '../../../src/grade/describe-exchange.ts';
import { signRequest } from '../../../src/http/signatures/sign.ts';
import { strict } from '../../../src/profile.ts';

export const startedAt = Date.UTC(2026, 10, 26, 9, 30);
const granite = 'http://localhost:4000';
const marble = 'http://localhost:4100';
const privateKey = deriveKey([createHash('sha256').update('sample').digest('base64')], 'client');
const jwk = exportPublicJwk(privateKey, 'test-key-1');

interface Call {
  readonly ase?: string;
  readonly operation: string;
  readonly method?: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly signed?: true;
  readonly status: number | null;
  readonly answer?: unknown;
  readonly location?: string;
  readonly refusal?: DescribedExchange['refusal'];
  /** Changes what was signed before it is sent. */
  readonly spoil?: (headers: Record<string, string>, body: string) => string;
}

/** A described exchange, from a request that was really signed. */
function exchangeOf(call: Call, index: number): DescribedExchange {
  const { ase = 'granite', operation, method = 'GET', path, token, body, signed, status, refusal } = call;
  const origin = ase === 'granite' ? granite : marble;
  const receivedAt = startedAt + 120 + 37 * index;
  const content = body === undefined ? '' : JSON.stringify(body);
  const plain = {
    host: new URL(origin).host,
    accept: 'application/json',
    'user-agent': 'example-sdk/1.4.0',
    ...(content && { 'content-type': 'application/json' }),
    ...(token && { authorization: `GNAP ${token}` }),
  };
  const url = origin + path;
  const headers: Record<string, string> = signed
    ? signRequest(
        { method, url, headers: plain, body: Buffer.from(content) },
        { keyid: jwk.kid, privateKey },
        receivedAt,
      )
    : plain;
  const sent = call.spoil?.(headers, content) ?? content;
  return describeExchange(
    {
      summary: {
        id: index + 1,
        at: new Date(receivedAt + 4).toISOString(),
        ase,
        operation,
        method,
        target: path,
        status,
        ms: 4.2,
        lenient: [],
        ...(refusal && { refusal }),
      },
      receivedAt,
      answeredAt: receivedAt + 4,
      params: {},
      isBodyUnread: false,
      keySet: undefined,
      httpVersion: '1.1',
      request: {
        method,
        rawTarget: path,
        targetUri: url,
        rawHeaders: Object.entries(headers),
        body: Buffer.from(sent),
      },
      reply:
        status === null
          ? undefined
          : {
              headers: {
                ...(call.answer !== undefined && { 'Content-Type': 'application/json' }),
                ...(call.location && { Location: call.location }),
              },
              content: call.answer === undefined ? undefined : JSON.stringify(call.answer),
            },
      pathSecrets: [],
      keys: signed ? [{ jwk, keySet: `${granite}/client/jwks.json` }] : [],
    },
    [granite, marble],
    strict,
  );
}

const money = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 });
const wallet = (origin: string, name: string) => ({
  id: `${origin}/${name}`,
  publicName: name,
  assetCode: 'USD',
  assetScale: 2,
  authServer: origin,
  resourceServer: origin,
});
const grant = (type: string, actions: string[], rest: object = {}) => ({
  client: `${granite}/client`,
  access_token: { access: [{ type, actions }] },
  ...rest,
});
const granted = (origin: string, token: string) => ({
  access_token: { value: token, manage: `${origin}/token/7c1d`, expires_in: 600, access: [] },
  continue: { access_token: { value: `${token}-continue` }, uri: `${origin}/continue/7c1d` },
});
const payment = { walletAddress: `${granite}/alice`, quoteId: `${granite}/quotes/55f1` };
const reference = 'r_9f3b2c7d51aa';

/** Secrets of the exchanges, as they went over the wire. */
export const secrets = [
  'TOKEN-incoming-1111',
  'TOKEN-quote-22222222',
  'TOKEN-continue-333',
  'TOKEN-outgoing-44444',
  'N-5a7c12e8f4',
  'AS-NONCE-81d2',
  'xxxxxxxxxxxxxxxxxxxxxxxx',
  reference,
] as const;

const calls: readonly Call[] = [
  { operation: 'get-wallet-address', path: '/alice', status: 200, answer: wallet(granite, 'alice') },
  { ase: 'marble', operation: 'get-wallet-address', path: '/bob', status: 200, answer: wallet(marble, 'bob') },
  {
    ase: 'marble',
    operation: 'post-request',
    method: 'POST',
    path: '/',
    body: grant('incoming-payment', ['create', 'read']),
    signed: true,
    status: 200,
    answer: granted(marble, 'TOKEN-incoming-1111'),
  },
  {
    ase: 'marble',
    operation: 'create-incoming-payment',
    method: 'POST',
    path: '/incoming-payments',
    token: 'TOKEN-incoming-1111',
    body: { walletAddress: `${marble}/bob`, incomingAmount: money('1000') },
    signed: true,
    status: 201,
    answer: { id: `${marble}/incoming-payments/0d3a`, incomingAmount: money('1000'), completed: false },
  },
  {
    operation: 'post-request',
    method: 'POST',
    path: '/',
    body: grant('quote', ['create']),
    signed: true,
    status: 200,
    answer: granted(granite, 'TOKEN-quote-22222222'),
  },
  {
    operation: 'create-quote',
    method: 'POST',
    path: '/quotes',
    token: 'TOKEN-quote-22222222',
    body: { walletAddress: `${granite}/alice`, receiver: `${marble}/incoming-payments/0d3a`, method: 'ilp' },
    signed: true,
    status: 400,
    answer: { error: { code: 'bad_request', description: 'the digest does not match the content' } },
    refusal: { code: 'bad_request', reason: 'digest_mismatch', requirements: ['SIG-07'] },
    spoil: (headers, body) => {
      const sent = JSON.stringify(JSON.parse(body), null, 2);
      headers['content-digest'] = `sha-512=:${createHash('sha512').update(body).digest('base64')}:`;
      return sent;
    },
  },
  {
    operation: 'create-quote',
    method: 'POST',
    path: '/quotes',
    token: 'TOKEN-quote-22222222',
    body: { walletAddress: `${granite}/alice`, receiver: `${marble}/incoming-payments/0d3a`, method: 'ilp' },
    signed: true,
    status: 201,
    answer: { id: `${granite}/quotes/55f1`, debitAmount: money('1010'), receiveAmount: money('1000') },
  },
  {
    operation: 'post-request',
    method: 'POST',
    path: '/',
    body: grant('outgoing-payment', ['create'], {
      interact: {
        start: ['redirect'],
        finish: { method: 'redirect', uri: 'http://localhost:3003/', nonce: 'N-5a7c12e8f4' },
      },
    }),
    signed: true,
    status: 200,
    answer: {
      interact: { redirect: `${granite}/interact/7c1d/4d5e`, finish: 'AS-NONCE-81d2' },
      continue: { access_token: { value: 'TOKEN-continue-333' }, uri: `${granite}/continue/7c1d`, wait: 0 },
    },
  },
  {
    operation: 'start-interaction',
    path: '/interact/7c1d/4d5e?clientName=Example&clientUri=http%3A%2F%2Flocalhost%3A4000%2Fclient',
    status: 302,
    location: `${granite}/consent?interactId=7c1d&nonce=4d5e`,
  },
  { operation: 'get-consent', path: '/consent?interactId=7c1d&nonce=4d5e', status: 200 },
  {
    operation: 'finish-interaction',
    path: '/interact/7c1d/4d5e/finish',
    status: 302,
    location: `http://localhost:3003/?hash=xxxxxxxxxxxxxxxxxxxxxxxx&interact_ref=${reference}`,
  },
  {
    operation: 'post-continue',
    method: 'POST',
    path: '/continue/7c1d',
    token: 'TOKEN-continue-333',
    body: { interact_ref: reference },
    signed: true,
    status: 200,
    answer: granted(granite, 'TOKEN-outgoing-44444'),
  },
  {
    operation: 'create-outgoing-payment',
    method: 'POST',
    path: '/outgoing-payments',
    token: 'TOKEN-outgoing-44444',
    body: payment,
    signed: true,
    status: 401,
    answer: { error: { code: 'invalid_token', description: 'signature_mismatch' } },
    refusal: { code: 'unauthorized', reason: 'signature_mismatch', requirements: ['SIG-29'] },
    spoil: (headers, body) => {
      headers['content-type'] = 'application/json; charset=utf-8';
      return body;
    },
  },
  {
    operation: 'create-outgoing-payment',
    method: 'POST',
    path: '/outgoing-payments',
    token: 'TOKEN-outgoing-44444',
    body: payment,
    signed: true,
    status: 201,
    answer: { id: `${granite}/outgoing-payments/91ab`, failed: false, sentAmount: money('0') },
  },
  {
    operation: 'get-outgoing-payment',
    path: '/outgoing-payments/91ab',
    token: 'TOKEN-outgoing-44444',
    signed: true,
    status: null,
  },
];

export const sampleExchanges: readonly DescribedExchange[] = calls.map(exchangeOf);
