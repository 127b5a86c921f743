/** Continuation and cancellation of grants. RFC 9635 §5, Open Payments auth-server POST and DELETE /continue/{id}. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../steps/expect.ts';
import { finishUri, walkInteraction } from '../../steps/interaction.ts';
import { giveConsent } from '../../steps/owner-consent.ts';
import {
  cancelGrant,
  continueGrant,
  getIncomingPayment,
  grantOutgoing,
  incomingAccess,
  obtainConsent,
  outgoingAccess,
  type PendingGrant,
  passWait,
  postGrant,
  quoteAccess,
  requestInteractiveGrant,
  requestToken,
  rotateToken,
} from '../../steps/scenarios.ts';
import type { Answer, Call, Json } from '../../steps/signed-client.ts';

const pendingGrant = (context: CheckContext, finish = true): Promise<PendingGrant> =>
  requestInteractiveGrant(context, [outgoingAccess(context.sender)], finish);
const continuation = (grant: Json): Call => ({ operation: 'post-continue', method: 'POST', url: grant.continue.uri });
const spentAmounts = (context: CheckContext, token: string): Promise<Answer> => {
  const url = `${context.sender.resourceServer}/outgoing-payment-grant`;
  return context.call({ operation: 'get-outgoing-payment-grant', url, token });
};

export const checks: readonly Check[] = [
  {
    id: 'continuation.malformed',
    rows: ['AS-160', 'AS-N12', 'AS-N01'],
    title: 'a body that is not a JSON object, or of another media type, is refused',
    run: async (context) => {
      const { body } = await pendingGrant(context);
      await passWait(context, body);
      const call = { ...continuation(body), token: body.continue.access_token.value };
      for (const wrong of [{ raw: '{"interact_ref":' }, { json: { interact_ref: 5 } }, { json: [] }]) {
        expectGnapError(await context.call({ ...call, ...wrong }), 400, 'invalid_request');
      }
    },
  },
  {
    id: 'continuation.accepted',
    rows: ['AS-114', 'AS-117', 'AS-N11', 'AS-14'],
    title: 'the right reference brings the token, once',
    run: async (context) => {
      const pending = await pendingGrant(context);
      const interactRef = await obtainConsent(context, pending);
      await passWait(context, pending.body);
      const answer = expectStatus(await continueGrant(context, pending.body, interactRef), 200);
      assert.match(answer.headers.get('cache-control') ?? '', /no-store/);
      const { access_token } = answer.body;
      assert.equal(typeof answer.body.continue.access_token.value, 'string');
      assert.notEqual(access_token.value, answer.body.continue.access_token.value);
      assert.deepEqual(access_token.access, [outgoingAccess(context.sender)]);
      await passWait(context, pending.body);
      expectGnapError(
        await continueGrant(context, answer.body, interactRef),
        401,
        'request_denied',
        'invalid_continuation',
      );
      expectStatus(await spentAmounts(context, access_token.value), 200);
    },
  },
  {
    id: 'continuation.reference-before-consent',
    rows: ['AS-116', 'AS-92'],
    title: 'a reference before the decision is denied and does not harm the grant',
    run: (context) =>
      context.control.withConsent('manual', async () => {
        const pending = await pendingGrant(context);
        for (const reference of [randomUUID(), pending.body.interact.finish]) {
          await passWait(context, pending.body);
          expectGnapError(await continueGrant(context, pending.body, reference), 401, 'request_denied');
        }
        await context.control.request('POST', '/consent', { mode: 'auto' });
        const interactRef = await obtainConsent(context, pending);
        await passWait(context, pending.body);
        expectStatus(await continueGrant(context, pending.body, interactRef), 200);
      }),
  },
  {
    id: 'continuation.subject',
    rows: ['AS-63', 'AS-114'],
    title:
      'a subject is returned after consent, with a token only if access was asked for too, by reference and by poll',
    run: async (context) => {
      const subject = { sub_ids: [{ id: context.sender.url, format: 'uri' }] };
      const finish = { method: 'redirect', uri: finishUri, nonce: randomUUID() };
      for (const access of [undefined, [quoteAccess()]]) {
        for (const interact of [{ start: ['redirect'], finish }, { start: ['redirect'] }]) {
          const request = { subject, interact, ...(access && { access_token: { access } }) };
          const { body } = expectStatus(await postGrant(context, context.sender, request), 200);
          const walk = await giveConsent(context, body.interact.redirect);
          const interactRef = walk.finish?.searchParams.get('interact_ref') ?? undefined;
          await passWait(context, body);
          const granted = expectStatus(await continueGrant(context, body, interactRef), 200).body;
          const members = ['continue', 'subject', ...(access ? ['access_token'] : [])];
          assert.deepEqual(Object.keys(granted).sort(), members.sort());
          assert.deepEqual(granted.subject, subject);
          assert.deepEqual(granted.access_token?.access, access);
        }
      }
    },
  },
  {
    id: 'continuation.unknown-reference',
    rows: ['AS-115'],
    title: 'a reference that was never given out is not found',
    run: async (context) => {
      const pending = await pendingGrant(context);
      await obtainConsent(context, pending);
      await passWait(context, pending.body);
      expectGnapError(await continueGrant(context, pending.body, randomUUID()), 404, 'invalid_continuation');
    },
  },
  {
    id: 'continuation.poll',
    rows: ['AS-92', 'AS-112', 'AS-113', 'AS-119', 'AS-120', 'AS-89'],
    title: 'without a finish object a client polls: nothing before consent, the token after it',
    run: async (context) => {
      const { body } = await pendingGrant(context, false);
      const call = { ...continuation(body), token: body.continue.access_token.value };
      for (const poll of [{}, { json: {} }, { json: { client: context.target.client } }]) {
        await passWait(context, body);
        const answer = expectStatus(await context.call({ ...call, ...poll }), 200);
        assert.equal(answer.body.access_token, undefined, 'no token before consent');
        assert.equal(typeof answer.body.continue.access_token.value, 'string');
        assert.equal(typeof answer.body.continue.uri, 'string');
      }
      const { answers } = await giveConsent(context, body.interact.redirect);
      if (answers.length > 0) expectStatus(answers.at(-1)!, 202);
      await passWait(context, body);
      const answer = expectStatus(await continueGrant(context, body), 200);
      expectStatus(await spentAmounts(context, answer.body.access_token.value), 200);
    },
  },
  {
    id: 'continuation.finish-demands-reference',
    rows: ['AS-121', 'AS-121b'],
    title: 'with a finish object no token is issued without the reference, before or after consent',
    run: async (context) => {
      const pending = await pendingGrant(context);
      await passWait(context, pending.body);
      expectGnapError(await continueGrant(context, pending.body), 401, 'request_denied');
      await obtainConsent(context, pending);
      await passWait(context, pending.body);
      expectGnapError(await continueGrant(context, pending.body), 401, 'request_denied');
    },
  },
  {
    id: 'continuation.too-fast',
    rows: ['AS-122', 'AMB-18'],
    title: 'a call before the announced wait is too_fast, with or without a reference; without a wait no call is',
    run: async (context) => {
      const pending = await pendingGrant(context, false);
      const answer = await continueGrant(context, pending.body);
      if ((pending.body.continue.wait ?? 0) > 0) {
        expectGnapError(answer, 400, 'too_fast');
        const withRef = await pendingGrant(context);
        const interactRef = await obtainConsent(context, withRef);
        expectGnapError(await continueGrant(context, withRef.body, interactRef), 400, 'too_fast');
        await passWait(context, pending.body);
        expectStatus(await continueGrant(context, pending.body), 200);
      } else {
        expectStatus(answer, 200);
      }
    },
  },
  {
    id: 'continuation.nothing-left',
    rows: ['AS-125', 'AMB-12'],
    title: 'a grant that needed no consent cannot be continued',
    run: async (context) => {
      const grant = await requestToken(context, context.sender, [quoteAccess()]);
      await passWait(context, grant);
      expectGnapError(await continueGrant(context, grant), 401, 'request_denied');
    },
  },
  {
    id: 'continuation.trailing-slash',
    rows: ['AS-126', 'AS-134'],
    title: 'a trailing slash, an empty JSON body and a digest of nothing are tolerated',
    run: async (context) => {
      const { body } = await pendingGrant(context, false);
      await passWait(context, body);
      const token = body.continue.access_token.value;
      const slashed = { ...continuation(body), url: `${body.continue.uri}/`, token };
      expectStatus(await context.call({ ...slashed, json: {} }), 200);
      await passWait(context, body);
      const components = ['@method', '@target-uri', 'authorization'];
      const empty = { contentType: 'application/json', sign: { digest: 'sha-512', components } } as const;
      expectStatus(await context.call({ ...continuation(body), token, ...empty }), 200);
    },
  },
  {
    id: 'continuation.patch',
    rows: ['AS-127'],
    title: 'grants are not modified in place',
    run: async (context) => {
      const { body } = await pendingGrant(context);
      const call = { ...continuation(body), method: 'PATCH', token: body.continue.access_token.value };
      const answer = expectStatus(await context.call(call), 405);
      assert.match(answer.headers.get('allow') ?? '', /POST/);
      assert.match(answer.headers.get('allow') ?? '', /DELETE/);
    },
  },
  {
    id: 'continuation.token-kinds',
    rows: ['AS-N04'],
    title: 'a continuation token is not accepted as an access token, nor the other way round',
    run: async (context) => {
      const { receiver } = context;
      const grant = await requestToken(context, receiver, [incomingAccess(receiver)]);
      const continueToken = grant.continue.access_token.value;
      const url = `${receiver.resourceServer}/incoming-payments`;
      const json = { walletAddress: receiver.url };
      const answer = await context.call({ operation: 'create-incoming-payment', url, json, token: continueToken });
      expectResourceError(answer, 401);
      const call = { ...continuation(grant), token: grant.access_token.value };
      expectGnapError(await context.call(call), 401, 'invalid_continuation');
      expectGnapError(
        await context.call({ ...call, operation: 'delete-continue', method: 'DELETE' }),
        401,
        'invalid_continuation',
      );
    },
  },
  {
    id: 'continuation.cancel-pending',
    rows: ['AS-130', 'AS-131', 'AS-132', 'AS-133'],
    title: 'a pending grant can be cancelled: no continuation, no second cancellation, no consent',
    run: async (context) => {
      const pending = await pendingGrant(context, false);
      const cancelled = expectStatus(await cancelGrant(context, pending.body), 204);
      assert.equal(cancelled.text, '');
      await passWait(context, pending.body);
      expectGnapError(await continueGrant(context, pending.body), 401, 'invalid_continuation');
      expectGnapError(await cancelGrant(context, pending.body), 401, 'invalid_continuation');
      await walkInteraction(context.call, pending.body.interact.redirect);
      expectGnapError(await continueGrant(context, pending.body), 401, 'invalid_continuation');
    },
  },
  {
    id: 'continuation.cancel-issued',
    rows: ['AS-131', 'AS-133', 'AS-144', 'AS-152', 'AMB-19'],
    title: 'cancelling an issued grant ends all its tokens at once, after consent and without',
    run: async (context) => {
      const outgoing = await grantOutgoing(context, outgoingAccess(context.sender));
      expectStatus(await spentAmounts(context, outgoing.access_token.value), 200);
      expectStatus(await cancelGrant(context, outgoing), 204);
      expectResourceError(await spentAmounts(context, outgoing.access_token.value), 401);
      expectGnapError(await rotateToken(context, outgoing.access_token), 401, 'invalid_client');
      const { receiver } = context;
      const incoming = await requestToken(context, receiver, [incomingAccess(receiver, ['create', 'read'])]);
      const token = incoming.access_token.value;
      const url = `${receiver.resourceServer}/incoming-payments`;
      const json = { walletAddress: receiver.url };
      const created = await context.call({ operation: 'create-incoming-payment', url, json, token });
      const { id } = expectStatus(created, 201).body;
      expectStatus(await cancelGrant(context, incoming), 204);
      expectResourceError(await getIncomingPayment(context, id, token), 401);
    },
  },
];
