/** The identity of a client: the key that its grants and resources are bound to, and its valid forms. RFC 9635 §7. */

import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { assertFor } from '../../runner/deviation.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../steps/expect.ts';
import {
  amountOf,
  incomingAccess,
  outgoingAccess,
  postGrant,
  quoteAccess,
  requestToken,
} from '../../steps/scenarios.ts';

const quoteRequest = { access_token: { access: [quoteAccess()] } };

export const checks: readonly Check[] = [
  {
    id: 'client-keys.bound-to-grant',
    rows: ['AS-25', 'SIG-29'],
    title: 'another client’s key is refused for continuation, management and use of a token',
    run: async (context) => {
      const { receiver, target } = context;
      const grant = await requestToken(context, receiver, [incomingAccess(receiver)]);
      const stranger = context.newIdentity('stranger-key');
      const namesake = context.newIdentity(target.identity.keyId);
      const { uri, access_token } = grant.continue;
      const { manage, value } = grant.access_token;
      const cancel = { operation: 'delete-continue', method: 'DELETE', url: uri, token: access_token.value };
      expectGnapError(await context.call({ ...cancel, sign: stranger }), 400, 'invalid_client');
      expectGnapError(await context.call({ ...cancel, sign: namesake }), 401, 'invalid_client');
      for (const [operation, method] of [
        ['post-token', 'POST'],
        ['delete-token', 'DELETE'],
      ] as const) {
        const manageCall = { operation, method, url: manage, token: value };
        expectGnapError(await context.call({ ...manageCall, sign: stranger }), 400, 'invalid_client');
        expectGnapError(await context.call({ ...manageCall, sign: namesake }), 401, 'invalid_client');
      }
      const url = `${receiver.resourceServer}/incoming-payments`;
      const json = { walletAddress: receiver.url };
      for (const sign of [stranger, namesake]) {
        const answer = await context.call({ operation: 'create-incoming-payment', url, json, token: value, sign });
        expectResourceError(answer, 401, /^Signature validation error/);
      }
      expectStatus(await context.call({ operation: 'create-incoming-payment', url, json, token: value }), 201);
    },
  },
  {
    id: 'client-keys.keyid-of-jwk-client',
    rows: ['SIG-32'],
    title: 'the resource server compares keyid with the kid of a client known by its key',
    run: async (context) => {
      const { receiver } = context;
      const identity = context.newIdentity('directed');
      const access = [incomingAccess(receiver, ['create'])];
      const grant = await requestToken(context, receiver, access, { client: { jwk: identity.jwk }, identity });
      const call = {
        operation: 'create-incoming-payment',
        url: `${receiver.resourceServer}/incoming-payments`,
        json: { walletAddress: receiver.url },
        token: grant.access_token.value,
      };
      expectResourceError(await context.call({ ...call, sign: { ...identity, keyId: 'another' } }), 401);
      expectStatus(await context.call({ ...call, sign: identity }), 201);
    },
  },
  {
    id: 'client-keys.own-resources-only',
    rows: ['AS-31', 'RS-10', 'RS-11'],
    title: 'read shows what the same client created, read-all everything; only the creator completes',
    run: async (context) => {
      const { receiver } = context;
      const identity = context.newIdentity('reader');
      const asker = { client: { jwk: identity.jwk }, identity };
      const own = (await requestToken(context, receiver, [incomingAccess(receiver, ['create', 'read'])])).access_token
        .value;
      const json = { walletAddress: receiver.url, incomingAmount: amountOf(receiver, '10') };
      const create = { operation: 'create-incoming-payment', url: `${receiver.resourceServer}/incoming-payments` };
      const { id } = expectStatus(await context.call({ ...create, json, token: own }), 201).body;
      const tokenFor = async (...actions: string[]): Promise<string> =>
        (await requestToken(context, receiver, [incomingAccess(receiver, actions)], asker)).access_token.value;
      const read = { operation: 'get-incoming-payment', url: id, sign: identity };
      expectResourceError(await context.call({ ...read, token: await tokenFor('read') }), 404);
      expectStatus(await context.call({ ...read, token: await tokenFor('read-all') }), 200);
      const complete = {
        operation: 'complete-incoming-payment',
        method: 'POST',
        url: `${id}/complete`,
        sign: identity,
      };
      expectResourceError(await context.call({ ...complete, token: await tokenFor('complete') }), 404);
      expectStatus(await context.call({ operation: 'get-incoming-payment', url: id, token: own }), 200);
    },
  },
  {
    id: 'client-keys.one-identity',
    rows: ['AS-31', 'WA-20'],
    title: 'every spelling of the wallet address of a client is the same client, whose keys are fetched once',
    run: async (context) => {
      const { receiver } = context;
      const identity = context.newIdentity('hosted');
      const client = await context.clientHost.add([identity.jwk]);
      const access = [incomingAccess(receiver, ['create', 'read'])];
      const tokenOf = async (url: string): Promise<string> =>
        (await requestToken(context, receiver, access, { client: url, identity })).access_token.value;
      const json = { walletAddress: receiver.url, incomingAmount: amountOf(receiver, '10') };
      const create = { operation: 'create-incoming-payment', url: `${receiver.resourceServer}/incoming-payments` };
      const token = await tokenOf(client.url);
      const { id } = expectStatus(await context.call({ ...create, json, token, sign: identity }), 201).body;
      const { origin, pathname } = new URL(client.url);
      for (const path of [pathname.toUpperCase(), `/${pathname}`, `${pathname}/`, `/x/..${pathname}`]) {
        const read = {
          operation: 'get-incoming-payment',
          url: id,
          sign: identity,
          token: await tokenOf(origin + path),
        };
        expectStatus(await context.call(read), 200);
      }
    },
  },
  {
    id: 'client-keys.unusable-jwk',
    rows: ['AS-29', 'AS-31'],
    title: 'a key with a private member, or in another spelling of its bytes, is refused with a reason',
    run: async (context) => {
      const identity = context.newIdentity('reader');
      const { x } = identity.jwk as { x: string };
      // The last of 43 characters has two bits that do not count.
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const respelt = x.slice(0, -1) + alphabet[alphabet.indexOf(x.at(-1)!) + 1];
      for (const jwk of [
        { ...identity.jwk, d: x },
        { ...identity.jwk, x: respelt },
      ]) {
        const refused = await postGrant(context, context.sender, quoteRequest, { client: { jwk }, identity });
        assert.equal(refused.status, 400);
        const reason = 'd' in jwk ? /private/ : /base64url/;
        assertFor('AS-31', () => assert.match(refused.body.error.description, reason));
      }
    },
  },
  {
    id: 'client-keys.display-name',
    rows: ['AS-15', 'AMB-16'],
    title: 'a client without a public name cannot ask for consent',
    run: async (context) => {
      const identity = context.newIdentity('hosted');
      const client = await context.clientHost.add([identity.jwk], { publicName: null });
      const request = {
        access_token: { access: [outgoingAccess(context.sender)] },
        interact: { start: ['redirect'] },
      };
      const refused = await postGrant(context, context.sender, request, { client: client.url, identity });
      expectGnapError(refused, 400, 'invalid_client');
    },
  },
];
