// What every operation of the resource server refuses, whoever asks: no token, a wrong one, a token for something else,
// a broken body, an unknown resource. Open Payments resource-server, RFC 9635 §9.1.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../runner/check.ts';
import { expectResourceError, expectStatus } from '../runner/expect.ts';
import {
  grantOutgoing,
  incomingAccess,
  outgoingAccess,
  quoteAccess,
  quoteToken,
  requestToken,
} from '../runner/scenarios.ts';
import type { Call, Json } from '../runner/signed-client.ts';
import { type Operation, operations } from './resource-operations.ts';

/** A valid token at the party's ASE that does not carry the right the operation needs. */
async function unfitTokens(context: CheckContext, operation: Operation): Promise<string[]> {
  const party = operation.party(context);
  const isIncoming = operation.id.includes('incoming-payment');
  const isQuote = operation.id.includes('quote');
  const tokens: string[] = [];
  if (isIncoming) {
    const others = ['create', 'complete', 'read', 'list'].filter((action) => action !== operation.action);
    tokens.push((await requestToken(context, party, [incomingAccess(party, others)])).access_token.value);
    tokens.push((await requestToken(context, party, [quoteAccess()])).access_token.value);
  } else if (isQuote) {
    const other = operation.action === 'create' ? 'read' : 'create';
    tokens.push((await requestToken(context, party, [quoteAccess([other])])).access_token.value);
    tokens.push((await requestToken(context, party, [incomingAccess(party)])).access_token.value);
  } else {
    tokens.push((await requestToken(context, party, [quoteAccess(), incomingAccess(party)])).access_token.value);
    if (operation.action !== 'create') {
      const access = outgoingAccess(party, undefined, ['create']);
      tokens.push((await grantOutgoing(context, access)).access_token.value);
    } else {
      const access = outgoingAccess(party, undefined, ['read', 'list']);
      tokens.push((await grantOutgoing(context, access)).access_token.value);
    }
  }
  return tokens;
}

const isPublicGet = (operation: Operation): boolean => operation.id === 'get-incoming-payment';

function checksOf(operation: Operation): Check[] {
  const grantRows = operation.id === 'get-outgoing-payment-grant' ? ['RS-G-06'] : [];
  const authenticated = isPublicGet(operation) ? ['RS-IP-16'] : [];
  const checks: Check[] = [
    {
      id: `resource.${operation.id}-without-token`,
      rows: ['RS-02', 'RS-04', 'RS-05', ...grantRows],
      title: `${operation.id} without a token is refused`,
      run: async (context) => {
        const call = await operation.call(context);
        expectResourceError(await context.call({ ...call, sign: {} }), 401);
        const answer = expectResourceError(await context.call({ ...call, sign: false }), 401);
        const { authServer } = operation.party(context);
        assert.equal(answer.headers.get('www-authenticate'), `GNAP as_uri=${authServer}`);
      },
    },
    {
      id: `resource.${operation.id}-wrong-token`,
      rows: ['RS-04', 'RS-05', 'RS-06', ...grantRows, ...authenticated],
      title: `${operation.id} with a token that nobody issued is refused`,
      run: async (context) => {
        const call = await operation.call(context);
        expectResourceError(await context.call({ ...call, token: `unknown-${randomUUID()}` }), 401);
      },
    },
    {
      id: `resource.${operation.id}-unsigned`,
      rows: ['SIG-01', 'SIG-30', 'SIG-31', 'RS-04', ...grantRows],
      title: `${operation.id} with a token but without signature is refused`,
      run: async (context) => {
        const call = await operation.call(context);
        const token = await operation.token(context);
        expectResourceError(await context.call({ ...call, token, sign: false }), 401, /^Signature validation error/);
      },
    },
    {
      id: `resource.${operation.id}-wrongly-signed`,
      rows: ['SIG-23', 'SIG-29', 'SIG-30', 'RS-04', ...grantRows, ...authenticated],
      title: `${operation.id} with a broken signature, or one of somebody else, is refused`,
      run: async (context) => {
        const call = await operation.call(context);
        const token = await operation.token(context);
        expectResourceError(
          await context.call({ ...call, token, sign: { broken: true } }),
          401,
          /^Signature validation error/,
        );
        const sign = context.newIdentity(context.environment.identity.keyId);
        expectResourceError(await context.call({ ...call, token, sign }), 401, /^Signature validation error/);
      },
    },
    {
      id: `resource.${operation.id}-insufficient`,
      rows: [
        'RS-07',
        'RS-08',
        ...(grantRows.length > 0 ? ['RS-G-05'] : []),
        ...(operation.id === 'create-outgoing-payment' ? ['RS-OP-02'] : []),
      ],
      title: `${operation.id} with a token for other rights is refused`,
      run: async (context) => {
        const call = await operation.call(context);
        for (const token of await unfitTokens(context, operation)) {
          expectResourceError(await context.call({ ...call, token }), 403, /insufficient grant/i);
        }
      },
    },
  ];
  // The public view of an incoming payment needs no token (RS-IP-14).
  return isPublicGet(operation) ? checks.filter((check) => !/-(without-token|unsigned)$/.test(check.id)) : checks;
}

/** Broken messages around each creation; the token and the signature are good. */
const brokenBodies: readonly (readonly [
  id: string,
  rows: string[],
  title: string,
  change: Partial<Call>,
  statuses: number[],
])[] = [
  [
    'malformed-json',
    ['RS-30'],
    'broken JSON',
    { json: undefined, raw: '{"walletAddress":', contentType: 'application/json' },
    [400],
  ],
  [
    'text-plain',
    ['RS-30'],
    'another content type',
    { json: undefined, raw: '{}', contentType: 'text/plain' },
    [400, 415],
  ],
  ['no-content-type', ['RS-30'], 'no content type', { json: undefined, raw: '{}', contentType: null }, [400, 415]],
  ['array', ['RS-01'], 'an array', { json: [] }, [400]],
  ['empty', ['RS-01', 'RS-IP-03'], 'an empty object', { json: {} }, [400]],
];

const creations = operations.filter((operation) => operation.id.startsWith('create-'));

export const resourceRefusalChecks: Check[] = [
  ...operations.flatMap(checksOf),
  ...creations.flatMap((operation): Check[] => [
    ...brokenBodies.map(
      ([id, rows, title, change, statuses]): Check => ({
        id: `resource.${operation.id}-${id}`,
        rows: [...rows.filter((row) => row !== 'RS-IP-03' || operation.id === 'create-incoming-payment'), 'RS-02'],
        title: `${operation.id} refuses ${title}`,
        run: async (context) => {
          const call = await operation.call(context);
          expectResourceError(
            await context.call({ ...call, token: await operation.token(context), ...change }),
            statuses,
          );
        },
      }),
    ),
    {
      id: `resource.${operation.id}-extra-member`,
      rows: ['RS-01', 'RS-02'],
      title: `${operation.id} refuses an unknown member, null for an optional one, and a number for text`,
      run: async (context) => {
        const call = await operation.call(context);
        const token = await operation.token(context);
        for (const change of [{ foo: 1 }, { metadata: null }, { walletAddress: 5 }]) {
          const json = { ...(call.json as Json), ...change };
          expectResourceError(await context.call({ ...call, token, json }), 400);
        }
      },
    },
    {
      id: `resource.${operation.id}-authentication-first`,
      rows: ['RS-14'],
      title: `${operation.id} judges the token before the body`,
      run: async (context) => {
        const call = await operation.call(context);
        expectResourceError(await context.call({ ...call, json: { foo: 1 } }), 401);
      },
    },
  ]),
  ...operations
    .filter((operation) => /^(get|complete)-(incoming-payment|quote|outgoing-payment)$/.test(operation.id))
    .map(
      (operation): Check => ({
        id: `resource.${operation.id}-unknown`,
        rows: ['RS-12', 'RS-25', 'AMB-06', ...(operation.id === 'get-quote' ? ['RS-Q-18'] : [])],
        title: `${operation.id} does not find what does not exist, whatever the id looks like`,
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
    title: 'a token for one wallet address opens no other, existing or not',
    run: async (context) => {
      const { client } = context.environment;
      const token = (await requestToken(context, context.sender, [incomingAccess(context.sender)])).access_token.value;
      const url = `${context.sender.resourceServer}/incoming-payments`;
      const unknown = `${new URL(client).origin}/nobody-${randomUUID()}`;
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
    title: 'a token without identifier meets a wallet address that is not here',
    run: async (context) => {
      const access = [{ type: 'incoming-payment', actions: ['create', 'list'] }];
      const token = (await requestToken(context, context.sender, access)).access_token.value;
      const url = `${context.sender.resourceServer}/incoming-payments`;
      const unknown = `${new URL(context.sender.url).origin}/nobody-${randomUUID()}`;
      for (const walletAddress of [unknown, context.receiver.url]) {
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
      for (const url of [authServer, `${resourceServer}/quotes`]) {
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
