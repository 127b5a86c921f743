/**
 * Key sets that the server fetches from a client's wallet address, and their rotation. RFC 9635 §7, Open Payments
 * “Client keys”. The target must be able to reach the loopback address of the checks.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Check } from '../../runner/check.ts';
import type { HostedClient } from '../../steps/client-host.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../steps/expect.ts';
import { incomingAccess, postGrant, quoteAccess, requestToken } from '../../steps/scenarios.ts';
import { inWorldWithSwitches } from '../../steps/world.ts';

const quoteRequest = { access_token: { access: [quoteAccess()] } };

/** A hosted client whose key set answers in a way that yields no key. */
function unusableKeySet(id: string, title: string, answer: HostedClient['answer']): Check {
  return {
    id,
    rows: ['AS-23', 'AS-N14'],
    title: `key not found: ${title}`,
    run: async (context) => {
      const identity = context.newIdentity('hosted');
      const client = await context.clientHost.add([identity.jwk]);
      client.answer = answer;
      const refused = await postGrant(context, context.sender, quoteRequest, { client: client.url, identity });
      expectGnapError(refused, 400, 'invalid_client');
      assert.ok(client.fetches > 0, 'the key set was asked for');
    },
  };
}

export const checks: readonly Check[] = [
  {
    id: 'client-keys.fetched',
    rows: ['AS-22'],
    title: 'the key named by keyid is fetched from the wallet address of the client',
    run: async (context) => {
      const identity = context.newIdentity('hosted');
      const client = await context.clientHost.add([context.newIdentity('other').jwk, identity.jwk]);
      await requestToken(context, context.sender, [quoteAccess()], { client: client.url, identity });
      assert.ok(client.fetches > 0, 'the key set was asked for');
    },
  },
  {
    id: 'client-keys.jwk-is-not-looked-up',
    rows: ['AS-27'],
    title: 'a key given in the request is used without fetching any key set',
    run: async (context) => {
      const client = await context.clientHost.add([]);
      // If the server fetched the key set, it would find the key here.
      const identity = context.newIdentity(client.url);
      client.keys = [identity.jwk];
      await requestToken(context, context.sender, [quoteAccess()], { client: { jwk: identity.jwk }, identity });
      assert.equal(client.fetches, 0);
    },
  },
  {
    id: 'client-keys.unknown-keyid',
    rows: ['AS-23'],
    title: 'a keyid that the key set does not hold',
    run: async (context) => {
      const sign = { keyId: 'unknown-key', privateKey: context.target.identity.privateKey };
      const asker = { client: context.target.client, identity: sign };
      expectGnapError(await postGrant(context, context.sender, quoteRequest, asker), 400, 'invalid_client');
    },
  },
  {
    id: 'client-keys.other-key',
    rows: ['AS-24'],
    title: 'a signature by another key under a known keyid',
    run: async (context) => {
      const identity = context.newIdentity(context.target.identity.keyId);
      const asker = { client: context.target.client, identity };
      expectGnapError(await postGrant(context, context.sender, quoteRequest, asker), 401, 'invalid_client');
    },
  },
  unusableKeySet('client-keys.not-found', 'the wallet address answers 404', { status: 404, body: '{}' }),
  unusableKeySet('client-keys.server-error', 'the wallet address answers 500', { status: 500, body: '{"keys":[]}' }),
  unusableKeySet('client-keys.html', 'the key set is a page', {
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: '<p>no</p>',
  }),
  unusableKeySet('client-keys.no-keys-member', 'a document without the member keys', {
    status: 200,
    body: '{"key":[]}',
  }),
  {
    id: 'client-keys.redirect-elsewhere',
    rows: ['AS-23', 'AS-30', 'AS-N14'],
    title: 'a redirect to another origin is not followed',
    run: async (context) => {
      const identity = context.newIdentity('hosted');
      let asked = 0;
      const elsewhere = createServer((_request, response) => {
        asked += 1;
        response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [identity.jwk] }));
      });
      await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
      try {
        const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/jwks.json`;
        const client = await context.clientHost.add([]);
        client.answer = { status: 302, headers: { location }, body: '' };
        const refused = await postGrant(context, context.sender, quoteRequest, { client: client.url, identity });
        expectGnapError(refused, 400, 'invalid_client');
        assert.equal(asked, 0, 'the other origin was asked');
      } finally {
        elsewhere.closeAllConnections();
        elsewhere.close();
      }
    },
  },
  {
    id: 'client-keys.unreachable',
    rows: ['AS-23'],
    title: 'a wallet address on a closed port',
    run: async (context) => {
      const asker = { client: 'http://127.0.0.1:1/unreachable', identity: context.newIdentity('hosted') };
      expectGnapError(await postGrant(context, context.sender, quoteRequest, asker), 400, 'invalid_client');
    },
  },
  {
    id: 'client-keys.ambiguous',
    rows: ['SIG-N04'],
    title: 'a duplicate kid or an unusable key is refused; broken keys next to a good one do not matter',
    run: async (context) => {
      const identity = context.newIdentity('hosted');
      const twins = await context.clientHost.add([identity.jwk, context.newIdentity('hosted').jwk]);
      const wrong = await context.clientHost.add([{ ...identity.jwk, alg: 'RS256' }]);
      for (const client of [twins, wrong]) {
        const refused = await postGrant(context, context.sender, quoteRequest, { client: client.url, identity });
        expectGnapError(refused, 400, 'invalid_client');
      }
      const mixed = await context.clientHost.add([{ kid: 'broken' }, identity.jwk]);
      await requestToken(context, context.sender, [quoteAccess()], { client: mixed.url, identity });
    },
  },
  {
    id: 'client-keys.added-key',
    rows: ['AS-26', 'AS-N09'],
    title: 'a key added to the key set works at once, also for a grant that is older',
    run: async (context) => {
      const first = context.newIdentity('first');
      const second = context.newIdentity('second');
      const client = await context.clientHost.add([first.jwk]);
      const grant = await requestToken(context, context.sender, [quoteAccess()], {
        client: client.url,
        identity: first,
      });
      client.keys = [first.jwk, second.jwk];
      const { manage, value } = grant.access_token;
      const rotated = await context.call({
        operation: 'post-token',
        method: 'POST',
        url: manage,
        token: value,
        sign: second,
      });
      expectStatus(rotated, 200);
    },
  },
  {
    id: 'client-keys.removed-key',
    rows: ['SIG-24', 'AS-26', 'AS-N09'],
    title: 'a removed key is refused, its replacement is accepted',
    run: async (context) => {
      await inWorldWithSwitches(context, { clientKeyMaxAgeMs: 0 }, async (world) => {
        const { receiver } = world;
        const first = world.newIdentity('first');
        const second = world.newIdentity('second');
        const client = await world.clientHost.add([first.jwk]);
        const asker = { client: client.url, identity: first };
        const grant = await requestToken(world, receiver, [incomingAccess(receiver)], asker);
        const { manage, value } = grant.access_token;
        const { uri, access_token } = grant.continue;
        const create = {
          operation: 'create-incoming-payment',
          url: `${receiver.resourceServer}/incoming-payments`,
          json: { walletAddress: receiver.url },
          token: value,
        };
        const rotate = { operation: 'post-token', method: 'POST', url: manage, token: value };
        const cancel = { operation: 'delete-continue', method: 'DELETE', url: uri, token: access_token.value };
        const continuation = { ...cancel, operation: 'post-continue', method: 'POST' };
        expectStatus(await world.call({ ...create, sign: first }), 201);
        client.keys = [second.jwk];
        expectResourceError(await world.call({ ...create, sign: first }), 401, /^Signature validation error/);
        expectGnapError(await world.call({ ...rotate, sign: first }), 400, 'invalid_client');
        for (const call of [continuation, cancel]) {
          expectGnapError(await world.call({ ...call, sign: first }), 400, 'invalid_client');
        }
        expectGnapError(await postGrant(world, receiver, quoteRequest, asker), 400, 'invalid_client');
        expectStatus(await world.call({ ...create, sign: second }), 201);
        expectStatus(await world.call({ ...cancel, sign: second }), 204);
      });
    },
  },
  {
    id: 'client-keys.exchanged-key',
    rows: ['SIG-24', 'AS-N09'],
    title: 'another key under the kid of the old one takes its place',
    run: async (context) => {
      await inWorldWithSwitches(context, { clientKeyMaxAgeMs: 0 }, async (world) => {
        const [old, exchanged] = [world.newIdentity('same'), world.newIdentity('same')];
        const client = await world.clientHost.add([old.jwk]);
        const ask = (identity: typeof old) =>
          postGrant(world, world.sender, quoteRequest, { client: client.url, identity });
        expectStatus(await ask(old), 200);
        client.keys = [exchanged.jwk];
        expectGnapError(await ask(old), 401, 'invalid_client');
        expectStatus(await ask(exchanged), 200);
      });
    },
  },
  {
    id: 'client-keys.bounded-fetches',
    rows: ['AS-N09'],
    title: 'unknown keyids do not make the server fetch the key set repeatedly',
    run: async (context) => {
      const identity = context.newIdentity('known');
      const client = await context.clientHost.add([identity.jwk]);
      const started = Date.now();
      for (let index = 0; index < 12; index += 1) {
        const stranger = { ...identity, keyId: `unknown-${index}` };
        const refused = await postGrant(context, context.sender, quoteRequest, {
          client: client.url,
          identity: stranger,
        });
        expectGnapError(refused, 400, 'invalid_client');
      }
      const seconds = Math.ceil((Date.now() - started) / 1000);
      assert.ok(client.fetches <= 1 + seconds, `${client.fetches} fetches in ${seconds} s`);
      const asker = { client: client.url, identity };
      expectStatus(await postGrant(context, context.sender, quoteRequest, asker), 200);
    },
  },
];
