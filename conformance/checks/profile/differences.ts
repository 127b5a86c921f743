/**
 * Differences between the profiles apart from signature forms: `compat` accepts requests of clients in use that `strict`
 * refuses.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext, Profile } from '../../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../steps/expect.ts';
import {
  amountOf,
  createIncomingPayment,
  incomingToken,
  postIncomingPayment,
  quoteAccess,
  requestToken,
} from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';

/** One request and the answer that each profile gives. */
function perProfile(
  ids: Readonly<Record<Profile, string>>,
  rows: readonly string[],
  title: Readonly<Record<Profile, string>>,
  ask: (context: CheckContext) => Promise<Answer>,
  expected: Readonly<Record<Profile, (answer: Answer) => void>>,
): Check[] {
  return (['compat', 'strict'] as const).map((profile) => ({
    id: ids[profile],
    rows,
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

export const checks: readonly Check[] = [
  ...managementCalls.flatMap(({ ids, method, foreign }) =>
    perProfile(
      ids,
      ['AS-145'],
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
    ['RS-IP-16'],
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
    ['RS-01'],
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
