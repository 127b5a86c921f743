/** Resources and wallet addresses that do not exist or that a token does not open. Open Payments resource-server. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { operations } from '../../steps/resource-operations.ts';
import { incomingAccess, quoteAccess, quoteToken, requestToken } from '../../steps/scenarios.ts';

/** Check ids by the operation that looks up a resource by its id. */
const unknownIds: Readonly<Record<string, string>> = {
  'get-incoming-payment': 'resource.get-incoming-payment-unknown',
  'complete-incoming-payment': 'resource.complete-incoming-payment-unknown',
  'get-quote': 'resource.get-quote-unknown',
  'get-outgoing-payment': 'resource.get-outgoing-payment-unknown',
};

export const checks: readonly Check[] = [
  ...operations
    .filter(({ id }) => id in unknownIds)
    .map(
      (operation): Check => ({
        id: unknownIds[operation.id]!,
        rows: ['RS-12', 'RS-25', 'AMB-06', ...(operation.id === 'get-quote' ? ['RS-Q-18'] : [])],
        title: `${operation.id} answers 404 for an id that does not exist, whatever its form`,
        run: async (context) => {
          const call = await operation.call(context);
          const token = await operation.token(context);
          for (const id of [randomUUID(), 'abc', '%00', '..%2f', 'x'.repeat(300)]) {
            const url = call.url.replace(/[^/]+(\/complete)?$/, `${id}$1`);
            expectResourceError(await context.call({ ...call, url, token }), 404);
          }
        },
      }),
    ),
  {
    id: 'resource.other-wallet-address',
    rows: ['RS-07', 'RS-09', 'RS-13', 'WA-38'],
    title: 'a token for one wallet address is refused for any other, existing or not',
    run: async (context) => {
      const { client } = context.target;
      const token = (await requestToken(context, context.sender, [incomingAccess(context.sender)])).access_token.value;
      const url = `${context.sender.resourceServer}/incoming-payments`;
      const unknown = `${new URL(client).origin}/no-such-wallet-${randomUUID()}`;
      const texts = new Set<string>();
      for (const walletAddress of [client, unknown]) {
        const created = await context.call({
          operation: 'create-incoming-payment',
          url,
          json: { walletAddress },
          token,
        });
        texts.add(expectResourceError(created, 403, /insufficient grant/i).body.error.description);
        const query = `${url}?wallet-address=${encodeURIComponent(walletAddress)}`;
        expectResourceError(await context.call({ operation: 'list-incoming-payments', url: query, token }), 403);
      }
      assert.equal(texts.size, 1, 'both answers read the same');
    },
  },
  {
    id: 'resource.unknown-wallet-address',
    rows: ['RS-13', 'RS-IP-03'],
    title: 'a token without identifier is refused for a wallet address of another server',
    run: async (context) => {
      const access = [{ type: 'incoming-payment', actions: ['create', 'list'] }];
      const token = (await requestToken(context, context.sender, access)).access_token.value;
      const url = `${context.sender.resourceServer}/incoming-payments`;
      const unknown = `${new URL(context.sender.url).origin}/no-such-wallet-${randomUUID()}`;
      const elsewhere = context.receiver.resourceServer === context.sender.resourceServer ? [] : [context.receiver.url];
      for (const walletAddress of [unknown, ...elsewhere]) {
        const created = await context.call({
          operation: 'create-incoming-payment',
          url,
          json: { walletAddress },
          token,
        });
        expectResourceError(created, 400, /could not get wallet address/i);
      }
    },
  },
  {
    id: 'resource.cors',
    rows: ['RS-21'],
    title: 'browser clients of any origin may call both servers, and read their errors',
    run: async (context) => {
      const { authServer, resourceServer, url: wallet } = context.sender;
      const grant = await requestToken(context, context.sender, [quoteAccess()]);
      const wanted = ['authorization', 'content-type', 'content-digest', 'signature', 'signature-input'];
      const origin = ['origin', 'https://page.example'] as const;
      for (const [method, url] of [
        ['POST', authServer],
        ['DELETE', grant.continue.uri],
        ['POST', `${resourceServer}/quotes`],
        ['POST', `${authServer.replace(/\/*$/, '')}/mistyped`],
        ['GET', `${resourceServer}/incoming-payments?wallet-address=${encodeURIComponent(wallet)}`],
      ] as const) {
        const requested = ['access-control-request-method', method] as const;
        const headers = [origin, requested, ['access-control-request-headers', wanted.join(',')]] as const;
        const preflight = await context.call({ method: 'OPTIONS', url, sign: false, headers });
        assert.ok(preflight.status >= 200 && preflight.status < 300, `preflight answered ${preflight.status}`);
        assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
        const allowed = (preflight.headers.get('access-control-allow-headers') ?? '').toLowerCase();
        for (const name of wanted) assert.ok(allowed.includes(name), `${name} is allowed`);
        const methods = preflight.headers.get('access-control-allow-methods') ?? '';
        assert.ok(methods.includes(method), `${method} is allowed`);
      }
      for (const url of [authServer, `${authServer.replace(/\/*$/, '')}/mistyped`, `${resourceServer}/quotes`]) {
        const refused = await context.call({ url, json: {}, sign: false, headers: [origin] });
        assert.equal(refused.headers.get('access-control-allow-origin'), '*');
        assert.match(refused.headers.get('access-control-expose-headers') ?? '', /www-authenticate/i);
      }
    },
  },
  {
    id: 'resource.no-list-of-quotes',
    rows: ['RS-L-15'],
    title: 'quotes are not listed',
    run: async (context) => {
      const { resourceServer, url } = context.sender;
      const target = `${resourceServer}/quotes?wallet-address=${encodeURIComponent(url)}`;
      expectStatus(await context.call({ url: target, token: await quoteToken(context) }), 404, 405);
    },
  },
];
