/**
 * Differences between the profiles apart from signature forms: `compat` accepts requests of clients in use that `strict`
 * refuses.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext, Party, Profile } from '../../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../steps/expect.ts';
import {
  amountOf,
  createIncomingPayment,
  incomingAccess,
  incomingToken,
  outgoingToken,
  postIncomingPayment,
  quoteAccess,
  requestToken,
} from '../../steps/scenarios.ts';
import type { Answer, Call, Json } from '../../steps/signed-client.ts';

/** One request and the answer that each profile gives. */
function perProfile(
  ids: Readonly<Record<Profile, string>>,
  rows: Readonly<Record<Profile, readonly string[]>>,
  title: Readonly<Record<Profile, string>>,
  ask: (context: CheckContext) => Promise<Answer>,
  expected: Readonly<Record<Profile, (answer: Answer) => void>>,
): Check[] {
  return (['compat', 'strict'] as const).map((profile) => ({
    id: ids[profile],
    rows: rows[profile],
    title: title[profile],
    profile,
    run: async (context) => expected[profile](await ask(context)),
  }));
}

const quoteTokenOf = async (context: CheckContext): Promise<Json> =>
  (await requestToken(context, context.sender, [quoteAccess()])).access_token;

const managing = (method: string) => ({ operation: method === 'POST' ? 'post-token' : 'delete-token', method });

/** Calls to a management URL without a token, or with another token of the same client (`foreign`). */
const managementCalls = [
  {
    ids: { compat: 'profile.compat-rotation-without-token', strict: 'profile.strict-rotation-without-token' },
    method: 'POST',
    foreign: false,
  },
  {
    ids: { compat: 'profile.compat-rotation-with-another-token', strict: 'profile.strict-rotation-with-another-token' },
    method: 'POST',
    foreign: true,
  },
  {
    ids: { compat: 'profile.compat-revocation-without-token', strict: 'profile.strict-revocation-without-token' },
    method: 'DELETE',
    foreign: false,
  },
  {
    ids: {
      compat: 'profile.compat-revocation-with-another-token',
      strict: 'profile.strict-revocation-with-another-token',
    },
    method: 'DELETE',
    foreign: true,
  },
] as const;

const withUnknownParameter = (url: string): string => `${url}${url.includes('?') ? '&' : '?'}start=1`;

/** Requests with an unknown query parameter to each server, and the code with which `strict` rejects them. */
async function sendUnknownParameters({ call, ...context }: CheckContext) {
  const { receiver, sender, target } = context;
  const grant = await requestToken({ call, ...context }, receiver, [incomingAccess(receiver)]);
  const { value: token, manage } = grant.access_token;
  const json = { walletAddress: receiver.url };
  const created = await call({
    operation: 'create-incoming-payment',
    url: `${receiver.resourceServer}/incoming-payments`,
    json,
    token,
  });
  const { id } = expectStatus(created, 201).body;
  const listUrl = ({ resourceServer, url }: Party, kind: string) =>
    `${resourceServer}/${kind}-payments?wallet-address=${encodeURIComponent(url)}`;
  const spendingToken = await outgoingToken({ call, ...context });
  const access_token = { access: [quoteAccess()] };
  const requests: readonly (readonly [code: string, call: Call])[] = [
    ['invalid_request', { operation: 'list-incoming-payments', url: listUrl(receiver, 'incoming'), token }],
    [
      'invalid_request',
      { operation: 'list-outgoing-payments', url: listUrl(sender, 'outgoing'), token: spendingToken },
    ],
    ['invalid_request', { operation: 'create-incoming-payment', url: created.sent.url, json, token }],
    ['invalid_request', { operation: 'get-incoming-payment', url: id, token }],
    ['invalid_request', { operation: 'get-incoming-payment', url: id, sign: false }],
    ['invalid_request', { operation: 'complete-incoming-payment', url: `${id}/complete`, method: 'POST', token }],
    ['invalid_request', { operation: 'get-wallet-address', url: receiver.url, sign: false }],
    ['invalid_request', { operation: 'get-wallet-address-keys', url: `${receiver.url}/jwks.json`, sign: false }],
    [
      'invalid_request',
      { operation: 'post-request', url: sender.authServer, json: { client: target.client, access_token } },
    ],
    ['invalid_client', { operation: 'delete-token', url: manage, method: 'DELETE', token }],
  ];
  const answers = [];
  for (const [code, { url, ...rest }] of requests) {
    const answer = await call({ url: withUnknownParameter(url), ...rest });
    const { body } = await context.control.request('GET', `/exchanges?limit=1&operation=${rest.operation}`);
    answers.push({ code, answer, lenient: body.exchanges[0].lenient as readonly string[] });
  }
  return answers;
}

const unknownParameters: readonly Check[] = [
  {
    id: 'profile.compat-unknown-query-parameter',
    rows: ['RS-32'],
    title: 'a query parameter that an operation does not have is ignored and reported',
    profile: 'compat',
    async run(context) {
      for (const { answer, lenient } of await sendUnknownParameters(context)) {
        assert.ok(answer.status < 300, `${answer.sent.method} ${answer.sent.url}: ${answer.status}`);
        assert.ok(lenient.includes('unknown_query_parameter'), `${answer.sent.url} is not reported`);
      }
    },
  },
  {
    id: 'profile.strict-unknown-query-parameter',
    rows: ['RS-32'],
    title: 'a query parameter that an operation does not have is refused',
    profile: 'strict',
    async run(context) {
      for (const { code, answer, lenient } of await sendUnknownParameters(context)) {
        const { error } = expectStatus(answer, 400).body;
        assert.deepEqual([error.code, lenient], [code, []], answer.sent.url);
        assert.match(error.description, /query parameter start/);
      }
    },
  },
];

export const checks: readonly Check[] = [
  ...unknownParameters,
  ...managementCalls.flatMap(({ ids, method, foreign }) =>
    perProfile(
      ids,
      { compat: ['AS-145'], strict: ['AS-145'] },
      {
        compat: 'the signature of the client of the grant suffices',
        strict: 'a management URL wants its own token',
      },
      async (context) => {
        const { manage: url } = await quoteTokenOf(context);
        const token = foreign ? (await quoteTokenOf(context)).value : undefined;
        const answer = await context.call({ ...managing(method), url, token });
        const { operation } = managing(method);
        const { body } = await context.control.request('GET', `/exchanges?limit=1&operation=${operation}`);
        const reported = body.exchanges[0].lenient.includes('managed_token_not_shown');
        assert.equal(reported, answer.status < 300, 'the leniency is reported where it was needed');
        return answer;
      },
      {
        compat: (answer) => expectStatus(answer, method === 'POST' ? 200 : 204),
        strict: (answer) => expectGnapError(answer, 401, 'invalid_client'),
      },
    ),
  ),
  ...perProfile(
    { compat: 'profile.compat-old-token-on-public-read', strict: 'profile.strict-old-token-on-public-read' },
    { compat: ['RS-IP-16b'], strict: ['RS-IP-16'] },
    {
      compat: 'an unsigned read with some token is answered as the public one',
      strict: 'an unsigned read with some token is refused',
    },
    async (context) => {
      const { id: url } = await createIncomingPayment(context);
      return context.call({ operation: 'get-incoming-payment', url, token: randomUUID(), sign: false });
    },
    {
      compat: (answer) => {
        const { body } = expectStatus(answer, 200);
        if ('id' in body || 'methods' in body) throw new Error('more than the public view');
      },
      strict: (answer) => expectResourceError(answer, 401),
    },
  ),
  ...perProfile(
    { compat: 'profile.compat-unknown-member-of-amount', strict: 'profile.strict-unknown-member-of-amount' },
    { compat: ['RS-01'], strict: ['RS-01'] },
    {
      compat: 'an unknown member inside an amount is ignored and not sent back',
      strict: 'an unknown member inside an amount is refused',
    },
    async (context) => {
      const { receiver } = context;
      const incomingAmount = { ...amountOf(receiver, '5'), note: 'x' };
      return postIncomingPayment(
        context,
        { walletAddress: receiver.url, incomingAmount },
        await incomingToken(context),
      );
    },
    {
      compat: (answer) => {
        const { body } = expectStatus(answer, 201);
        if ('note' in body.incomingAmount) throw new Error('the unknown member came back');
      },
      strict: (answer) => expectResourceError(answer, 400),
    },
  ),
];
