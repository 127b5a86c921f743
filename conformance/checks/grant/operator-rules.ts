/**
 * Grant rules that the operator configures: the rights that need consent, the wait, and the limits that `strict` refuses.
 * RFC 9635 §5, Open Payments auth-server POST /.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectGnapError, expectStatus } from '../../steps/expect.ts';
import { finishUri } from '../../steps/interaction.ts';
import {
  amountOf,
  createIncomingPayment,
  grantOutgoing,
  incomingAccess,
  outgoingAccess,
  postGrant,
  postIncomingPayment,
  postQuote,
  quoteAccess,
  requestPollableGrant,
  requestToken,
} from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';
import { inWorldWithRules } from '../../steps/world.ts';

const asking = (context: CheckContext, access: Json): Promise<Answer> => {
  const finish = { method: 'redirect', uri: finishUri, nonce: randomUUID() };
  return postGrant(context, context.sender, {
    access_token: { access: [access] },
    interact: { start: ['redirect'], finish },
  });
};

export const checks: readonly Check[] = [
  {
    id: 'grant.consent-for-all',
    rows: ['AS-41', 'AS-56', 'AS-58', 'AS-61', 'AMB-05'],
    title:
      'incoming payments and quotes need consent if the operator says so; a quote right never names a wallet address',
    run: async (context) => {
      await requestToken(context, context.sender, [quoteAccess(), incomingAccess(context.sender)]);
      await inWorldWithRules(context, { grants: { consentFor: ['incoming-payment', 'quote'] } }, async (world) => {
        for (const item of [quoteAccess(), incomingAccess(world.receiver)]) {
          const refused = await postGrant(world, world.sender, { access_token: { access: [item] } });
          expectGnapError(refused, 400, 'invalid_request');
        }
        const nameless = await asking(world, { type: 'incoming-payment', actions: ['create'] });
        expectGnapError(nameless, 400, 'invalid_request');

        const incoming = (await grantOutgoing(world, incomingAccess(world.receiver))).access_token.value;
        const receiver = await postIncomingPayment(world, { walletAddress: world.receiver.url }, incoming);
        const quote = (await grantOutgoing(world, quoteAccess())).access_token.value;
        const debitAmount = amountOf(world.sender, '10');
        const json = { walletAddress: world.sender.url, receiver: receiver.body.id, method: 'ilp', debitAmount };
        expectStatus(await postQuote(world, json, quote), 201);
      });
      await inWorldWithRules(context, { grants: { consentFor: ['quote'] } }, async (world) => {
        await requestToken(world, world.sender, [incomingAccess(world.sender)]);
        assert.ok((await asking(world, quoteAccess())).body.interact, 'consent for quotes alone');
      });
    },
  },
  {
    id: 'grant.list-all-without-consent',
    rows: ['AS-41', 'AS-57'],
    title: 'list-all on incoming payments needs consent and an identifier unless the operator allows it without',
    run: async (context) => {
      const everything = { access_token: { access: [{ type: 'incoming-payment', actions: ['list-all'] }] } };
      await inWorldWithRules(context, {}, async (world) => {
        expectGnapError(await postGrant(world, world.sender, everything), 400, 'invalid_request');
      });
      await inWorldWithRules(context, { grants: { consentForListAll: false } }, async (world) => {
        const granted = expectStatus(await postGrant(world, world.sender, everything), 200).body;
        assert.deepEqual(granted.access_token.access, everything.access_token.access);
        const token = granted.access_token.value;
        for (const party of [world.sender, world.receiver]) {
          const url = `${party.resourceServer}/incoming-payments?wallet-address=${encodeURIComponent(party.url)}`;
          expectStatus(await world.call({ method: 'GET', url, token }), 200);
        }
      });
    },
  },
  {
    id: 'grant.wait-by-default',
    rows: ['AS-10', 'AMB-18'],
    title: 'a pending answer announces the wait, which is zero unless the operator sets one',
    run: async (context) => {
      assert.equal((await requestPollableGrant(context)).continue.wait, 0);
      await inWorldWithRules(context, { grants: { waitSeconds: 5 } }, async (world) => {
        assert.equal((await requestPollableGrant(world)).continue.wait, 5);
      });
    },
  },
  {
    id: 'grant.unknown-limits',
    rows: ['AS-48', 'AMB-25'],
    title: 'unknown members of limits, an expiry among them, are left out of what is granted; strict refuses them',
    run: async (context) => {
      const access = (world: CheckContext) => {
        const limits = { debitAmount: amountOf(world.sender, '10'), expiry: '2020-01-01T00:00:00Z', shop: 'A-17' };
        return outgoingAccess(world.sender, limits);
      };
      await inWorldWithRules(context, {}, async (world) => {
        const granted = await grantOutgoing(world, access(world));
        assert.deepEqual(granted.access_token.access[0].limits, { debitAmount: amountOf(world.sender, '10') });
      });
      await inWorldWithRules(context, { profile: 'strict' }, async (world) => {
        expectGnapError(await asking(world, access(world)), 400, 'invalid_request');
        expectStatus(await asking(world, outgoingAccess(world.sender)), 200);
      });
    },
  },
  {
    id: 'grant.quote-identifier',
    rows: ['AS-36', 'AMB-05'],
    title: 'an identifier of a quote right is its scope and not in the answer; strict refuses it',
    run: async (context) => {
      const access = (world: CheckContext) => ({ ...quoteAccess(['create']), identifier: world.receiver.url });
      await inWorldWithRules(context, {}, async (world) => {
        const granted = await requestToken(world, world.sender, [access(world)]);
        assert.deepEqual(granted.access_token.access, [quoteAccess(['create'])]);
        const { id: receiver } = await createIncomingPayment(world, { value: '5' });
        const quoteFor = (walletAddress: string) =>
          postQuote(world, { walletAddress, receiver, method: 'ilp' }, granted.access_token.value);
        expectStatus(await quoteFor(world.sender.url), 403);
        expectStatus(await quoteFor(world.receiver.url), 201);
      });
      await inWorldWithRules(context, { profile: 'strict' }, async (world) => {
        expectGnapError(await asking(world, access(world)), 400, 'invalid_request');
        await requestToken(world, world.sender, [quoteAccess(['create'])]);
      });
    },
  },
];
