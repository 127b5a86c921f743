/** Token introspection by a resource server in another process (RFC 9767 §3.3, in the JSON of Rafiki). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectEndpoint } from '../../steps/back-channel.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import {
  amountOf,
  cancelGrant,
  grantOutgoing,
  outgoingAccess,
  postQuote,
  quoteAccess,
  requestToken,
  revokeToken,
  rotateToken,
} from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';

const inactive = { active: false };

/** Asks the sender's ASE. `secret` null sends none. */
function introspect(context: CheckContext, json: Json, secret?: string | null): Promise<Answer> {
  const endpoint = expectEndpoint(context.target, 'introspection');
  const shown = secret === undefined ? endpoint.secret : secret;
  const headers = shown === null ? [] : [['authorization', `Bearer ${shown}`] as const];
  const call = { operation: 'introspect-token', method: 'POST', url: endpoint.url };
  return context.call({ ...call, json, headers, sign: false });
}

async function introspected(context: CheckContext, token: string, access?: Json[]): Promise<Json> {
  return expectStatus(await introspect(context, { access_token: token, ...(access && { access }) }), 200).body;
}

const quoteGrant = (context: CheckContext): Promise<Json> =>
  requestToken(context, context.sender, [quoteAccess(['create', 'read-all'])]);

export const checks: readonly Check[] = [
  {
    id: 'introspection.active',
    rows: ['INT-01', 'INT-02', 'INT-05', 'INT-06', 'INT-N01'],
    title: 'an active token is returned with its grant, its client and the matching items, without an expiry',
    run: async (context) => {
      const { value } = (await quoteGrant(context)).access_token;
      const asked = [{ type: 'quote', actions: ['create'] }];
      const body = await introspected(context, value, asked);
      assert.equal(typeof body.grant, 'string');
      assert.deepEqual(body, {
        active: true,
        grant: body.grant,
        access: [quoteAccess(['create', 'read-all'])],
        client: { walletAddress: context.target.client },
      });
      assert.deepEqual((await introspected(context, value)).access, [], 'nothing was asked about');
      assert.deepEqual((await introspected(context, value, [{ type: 'incoming-payment', actions: [] }])).access, []);
      const identity = context.newIdentity('check');
      const asker = { client: { jwk: identity.jwk }, identity };
      const ofKey = await requestToken(context, context.sender, [quoteAccess()], asker);
      const { client } = await introspected(context, ofKey.access_token.value);
      assert.deepEqual([Object.keys(client), client.jwk.x], [['jwk'], identity.jwk.x]);
    },
  },
  {
    id: 'introspection.inactive',
    rows: ['INT-04', 'AS-N04'],
    title:
      'an unknown, rotated, revoked or continuation token, or one of a cancelled grant, is inactive without further members',
    run: async (context) => {
      assert.deepEqual(await introspected(context, randomUUID()), inactive);
      const grant = await quoteGrant(context);
      assert.deepEqual(await introspected(context, grant.continue.access_token.value), inactive);
      const rotated = expectStatus(await rotateToken(context, grant.access_token), 200).body.access_token;
      assert.deepEqual(await introspected(context, grant.access_token.value), inactive);
      assert.equal((await introspected(context, rotated.value)).active, true);
      expectStatus(await revokeToken(context, rotated), 204);
      assert.deepEqual(await introspected(context, rotated.value), inactive);
      const cancelled = await quoteGrant(context);
      expectStatus(await cancelGrant(context, cancelled), 204);
      assert.deepEqual(await introspected(context, cancelled.access_token.value), inactive);
    },
  },
  {
    id: 'introspection.matching',
    rows: ['INT-07', 'INT-08', 'INT-09'],
    title: 'an item matches by type, by every action, by an identifier and by limits where both have them',
    run: async (context) => {
      const { sender } = context;
      const limits = { debitAmount: amountOf(sender, '1000') };
      const item = outgoingAccess(sender, limits, ['create', 'read-all', 'list']);
      const { value } = (await grantOutgoing(context, item)).access_token;
      const { type } = item;
      const cases: [string, Json, boolean][] = [
        ['another type', { type: 'quote', actions: ['create'] }, false],
        ['read under read-all', { type, actions: ['read'] }, true],
        ['list-all above list', { type, actions: ['list-all'] }, false],
        ['one action of two', { type, actions: ['create', 'complete'] }, false],
        ['its wallet address', { type, actions: ['create'], identifier: sender.url }, true],
        ['another wallet address', { type, actions: ['create'], identifier: context.receiver.url }, false],
        ['its limits', { type, actions: ['create'], limits }, true],
        ['other limits', { type, actions: ['create'], limits: { debitAmount: amountOf(sender, '999') } }, false],
      ];
      for (const [name, asked, matches] of cases) {
        assert.deepEqual((await introspected(context, value, [asked])).access, matches ? [item] : [], name);
      }
    },
  },
  {
    id: 'introspection.refusals',
    rows: ['INT-03', 'INT-10'],
    title: 'without the credentials of a resource server the answer is 401, without a token in the body 400',
    run: async (context) => {
      const { value } = (await quoteGrant(context)).access_token;
      for (const secret of [null, 'x', `${context.target.introspection?.secret}x`]) {
        expectStatus(await introspect(context, { access_token: value }, secret), 401);
        expectStatus(await introspect(context, {}, secret), 401);
      }
      expectStatus(await introspect(context, {}), 400);
    },
  },
  {
    id: 'introspection.expiry',
    rows: ['INT-11'],
    title: 'a token is inactive once its lifetime is over',
    run: async (context) => {
      const { value, expires_in: seconds } = (await quoteGrant(context)).access_token;
      assert.equal(typeof seconds, 'number', 'the target says how long a token lives');
      assert.equal((await introspected(context, value)).active, true);
      await context.control.advanceClock(seconds);
      assert.deepEqual(await introspected(context, value), inactive);
    },
  },
  {
    id: 'introspection.grant-and-caching',
    rows: ['INT-12', 'INT-13'],
    title: 'a rotated token belongs to the same grant, and the resource server refuses a revoked one at once',
    run: async (context) => {
      const grant = await quoteGrant(context);
      const before = await introspected(context, grant.access_token.value);
      const rotated = expectStatus(await rotateToken(context, grant.access_token), 200).body.access_token;
      assert.equal((await introspected(context, rotated.value)).grant, before.grant);
      // The token is checked before the rest of the request.
      expectResourceError(await postQuote(context, {}, rotated.value), 400);
      expectStatus(await revokeToken(context, rotated), 204);
      expectResourceError(await postQuote(context, {}, rotated.value), 401);
    },
  },
];
