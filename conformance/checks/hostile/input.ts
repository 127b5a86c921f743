/**
 * Hostile input, hostile key servers and internal errors. Well-behaved clients are still served. RFC 9635 §11,
 * RFC 9112 §11.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../steps/expect.ts';
import { exchange } from '../../steps/http-exchange.ts';
import { type RawAnswer, sendRaw } from '../../steps/raw-request.ts';
import {
  amountOf,
  continueGrant,
  createIncomingPayment,
  createQuote,
  incomingToken,
  obtainConsent,
  outgoingAccess,
  payQuote,
  postGrant,
  postIncomingPayment,
  quoteAccess,
  quoteToken,
  requestInteractiveGrant,
  revokeToken,
  waitUntilSettled,
} from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';
import { inNewWorld } from '../../steps/world.ts';

const isServed = async ({ call, receiver }: CheckContext): Promise<void> =>
  void expectStatus(await call({ operation: 'get-wallet-address', url: receiver.url, sign: false }), 200);

const lines = (...all: string[]): string => [...all, '', ''].join('\r\n');

/** Asserts the usual error object and the end of the connection. */
function expectWireRefusal({ status, headers, text }: RawAnswer, ...expected: number[]): void {
  assert.ok(expected.includes(status), `expected ${expected.join(' or ')}, received ${status}`);
  assert.equal(headers.get('connection')?.toLowerCase(), 'close', 'the connection ends');
  const { error } = JSON.parse(/\{.*\}/s.exec(text)?.[0] ?? '{}');
  assert.deepEqual([typeof error?.code, typeof error?.description], ['string', 'string'], 'an error object');
}

async function addFault({ control }: CheckContext, fault: Json): Promise<void> {
  const { status, body } = await control.request('POST', '/faults', fault);
  assert.equal(status, 201, JSON.stringify(body));
}

/** Calls of all operations of the resource server, with ids that do not exist. */
const resourceCalls = ({ sender }: CheckContext) =>
  [
    ['create-incoming-payment', 'POST', '/incoming-payments'],
    ['list-incoming-payments', 'GET', `/incoming-payments?wallet-address=${encodeURIComponent(sender.url)}`],
    ['get-incoming-payment', 'GET', `/incoming-payments/${randomUUID()}`],
    ['complete-incoming-payment', 'POST', `/incoming-payments/${randomUUID()}/complete`],
    ['create-quote', 'POST', '/quotes'],
    ['get-quote', 'GET', `/quotes/${randomUUID()}`],
    ['create-outgoing-payment', 'POST', '/outgoing-payments'],
    ['list-outgoing-payments', 'GET', `/outgoing-payments?wallet-address=${encodeURIComponent(sender.url)}`],
    ['get-outgoing-payment', 'GET', `/outgoing-payments/${randomUUID()}`],
    ['get-outgoing-payment-grant', 'GET', '/outgoing-payment-grant'],
  ] as const;

/** Collects the strings under these member names, and the last path segment of interaction URLs. */
function collectSecrets(value: Json, secrets: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries<Json>(value)) {
    if (name === 'access_token' && typeof member.value === 'string') secrets.add(member.value);
    if (name === 'sharedSecret' || name === 'finish') secrets.add(String(member));
    if (name === 'redirect') secrets.add(new URL(member).pathname.split('/').at(-1) ?? '');
    collectSecrets(member, secrets);
  }
}

export const checks: readonly Check[] = [
  {
    id: 'hostile.body-too-large',
    rows: ['AS-N12'],
    title: 'a body of megabytes is 413, announced or in chunks, without reading it all',
    run: async (context) => {
      const { authServer } = context.sender;
      const { pathname, host, origin } = new URL(authServer);
      const post = [`POST ${pathname} HTTP/1.1`, `Host: ${host}`, 'Content-Type: application/json'];
      expectWireRefusal(await sendRaw(origin, lines(...post, 'Content-Length: 10000000')), 413);
      const chunks = `10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(20);
      expectWireRefusal(await sendRaw(origin, lines(...post, 'Transfer-Encoding: chunked') + chunks), 413);
      await isServed(context);
    },
  },
  {
    id: 'hostile.framing',
    rows: ['AS-160', 'RS-02'],
    title: 'ambiguous HTTP framing is 400 and ends the connection; an oversized header is 431',
    run: async (context) => {
      const { pathname, host, origin } = new URL(context.sender.authServer);
      const post = `POST ${pathname} HTTP/1.1`;
      const both = lines(post, `Host: ${host}`, 'Content-Length: 4', 'Transfer-Encoding: chunked');
      expectWireRefusal(await sendRaw(origin, `${both}0\r\n\r\n`), 400);
      expectWireRefusal(await sendRaw(origin, lines(post, `Host: ${host}`, 'Host: elsewhere.example')), 400);
      expectWireRefusal(await sendRaw(origin, lines(`GET ${pathname} HTTP/1.1`)), 400);
      expectWireRefusal(await sendRaw(origin, lines(post, `Host: ${host}`, `A: ${'a'.repeat(70_000)}`)), 431);
      await isServed(context);
    },
  },
  {
    id: 'hostile.request-target',
    rows: ['SIG-22', 'RS-02'],
    title: 'a request target with a fragment, a backslash or a bare authority is 400 and ends the connection',
    run: async (context) => {
      const { host, origin } = new URL(context.receiver.resourceServer);
      const query = `wallet-address=${encodeURIComponent(context.receiver.url)}`;
      for (const target of [
        `/incoming-payments#?${query}`,
        `/incoming-payments?${query}#`,
        '/incoming\\payments',
        host,
        '*',
      ]) {
        expectWireRefusal(await sendRaw(origin, lines(`GET ${target} HTTP/1.1`, `Host: ${host}`)), 400);
      }
      await isServed(context);
    },
  },
  {
    id: 'hostile.absolute-target',
    rows: ['SIG-22'],
    title: 'a request target in absolute-form is served like one in origin-form (RFC 9112 §3.2.2)',
    run: async (context) => {
      const { receiver, sender } = context;
      const json = ['Content-Type: application/json', 'Content-Length: 2'];
      for (const [method, url, expected] of [
        ['GET', receiver.url, 200],
        ['GET', `${receiver.url}/jwks.json`, 200],
        ['POST', sender.authServer, 400],
        ['POST', `${sender.authServer}continue/${randomUUID()}`, 401],
        ['POST', `${sender.resourceServer}/quotes`, 401],
      ] as const) {
        const { origin, host } = new URL(url);
        const content = method === 'POST' ? json : [];
        for (const target of [url, url.slice(origin.length)]) {
          const head = lines(`${method} ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...content);
          const { status } = await sendRaw(origin, head + (method === 'POST' ? '{}' : ''));
          assert.equal(status, expected, `${method} ${target}`);
        }
      }
      await isServed(context);
    },
  },
  {
    id: 'hostile.json',
    rows: ['AS-160', 'RS-02', 'RS-24'],
    title: 'deep nesting, invalid Unicode, NUL and odd numbers are refused and never cause a 500',
    run: async (context) => {
      const { receiver, target, sender } = context;
      const deep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`;
      const token = await quoteToken(context);
      const { id } = await createIncomingPayment(context);
      const quote = { walletAddress: sender.url, method: 'ilp', debitAmount: amountOf(sender, '100') };
      for (const raw of [
        JSON.stringify({ ...quote, receiver: `${id}\0` }),
        JSON.stringify({ ...quote, receiver: `${id}\ud800` }),
        `\ufeff${JSON.stringify({ ...quote, receiver: id })}`,
        JSON.stringify({ ...quote, receiver: id, method: deep }),
      ]) {
        const url = `${sender.resourceServer}/quotes`;
        expectResourceError(await context.call({ operation: 'create-quote', url, raw, token }), 400);
      }
      const payment = { walletAddress: receiver.url, metadata: {} };
      const url = `${receiver.resourceServer}/incoming-payments`;
      for (const metadata of [`{"a":${deep}}`, '{"a":1e999}']) {
        const raw = JSON.stringify(payment).replace('{}', metadata);
        const answer = await context.call({
          operation: 'create-incoming-payment',
          url,
          raw,
          token: await incomingToken(context),
        });
        expectResourceError(answer, 400);
      }
      for (const raw of [deep, `{"client":"${target.client}","access_token":${deep}}`, '{"client":"\\u0000"}']) {
        const answer = await context.call({ operation: 'post-request', url: sender.authServer, raw });
        expectGnapError(answer, 400, 'invalid_request', 'invalid_client');
      }
      await isServed(context);
    },
  },
  {
    id: 'hostile.content-type-twice',
    rows: ['RS-30', 'AS-07'],
    title: 'two content types are refused, even if one of them would do',
    run: async (context) => {
      const headers = [['content-type', 'text/plain']] as const;
      const { sender } = context;
      const json = { client: context.target.client, access_token: { access: [quoteAccess()] } };
      const sign = { components: ['@method', '@target-uri', 'content-digest'] };
      const asked = await context.call({ operation: 'post-request', url: sender.authServer, json, headers, sign });
      expectGnapError(asked, 400, 'invalid_request');
      const created = await context.call({
        operation: 'create-incoming-payment',
        url: `${context.receiver.resourceServer}/incoming-payments`,
        json: { walletAddress: context.receiver.url },
        token: await incomingToken(context),
        headers,
        sign: { components: ['@method', '@target-uri', 'authorization', 'content-digest'] },
      });
      expectResourceError(created, 400);
      await isServed(context);
    },
  },
  {
    id: 'hostile.key-set-megabyte',
    rows: ['AS-30', 'AS-N14'],
    title:
      'a key set of a megabyte or with a hundred thousand levels is refused; other clients get their grants meanwhile',
    run: async (context) => {
      const identity = context.newIdentity('hosted');
      const client = await context.clientHost.add([identity.jwk]);
      const asker = { client: client.url, identity };
      const request = { access_token: { access: [quoteAccess()] } };
      const keys = [identity.jwk, ...Array(12_000).fill(context.newIdentity('other').jwk)];
      for (const body of [JSON.stringify({ keys }), `{"keys":${'['.repeat(100_000)}${']'.repeat(100_000)}}`]) {
        client.answer = { status: 200, body };
        const refused = postGrant(context, context.sender, request, asker);
        expectStatus(await postGrant(context, context.sender, request), 200);
        expectGnapError(await refused, 400, 'invalid_client');
      }
    },
  },
  {
    id: 'hostile.repeated-request',
    rows: ['RS-26', 'SIG-16'],
    title: 'a GET or DELETE repeated byte for byte within the second is served again, also after a failure',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        const { id: url } = await createIncomingPayment(world);
        const token = await incomingToken(world);
        const first = expectStatus(await world.call({ operation: 'get-incoming-payment', url, token }), 200);
        const again = await exchange(first.sent);
        assert.deepEqual([again.status, again.text], [200, first.text]);

        await addFault(world, { operation: 'get-incoming-payment', kind: 'status', status: 500 });
        const failed = expectStatus(await world.call({ operation: 'get-incoming-payment', url, token }), 500);
        assert.equal((await exchange(failed.sent)).status, 200);

        const access = { access_token: { access: [quoteAccess()] } };
        const { access_token } = expectStatus(await postGrant(world, world.sender, access), 200).body;
        await addFault(world, { operation: 'delete-token', kind: 'status', status: 503 });
        const refused = expectStatus(await revokeToken(world, access_token), 503);
        assert.equal((await exchange(refused.sent)).status, 204);
      });
    },
  },
  {
    id: 'hostile.resource-failure',
    rows: ['RS-24', 'RS-02'],
    title: 'an internal error of the resource server is an error object with an id and nothing else',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        const told = new Set<string>();
        const calls = resourceCalls(world);
        for (const [operation, method, path] of calls) {
          await addFault(world, { operation, kind: 'crash' });
          const call = { operation, method, url: world.sender.resourceServer + path, token: 'any' };
          const { body } = expectResourceError(await world.call(call), 500);
          assert.match(body.error.description, /^internal error [0-9a-f-]{36}$/);
          told.add(body.error.description);
        }
        assert.equal(told.size, calls.length, 'error ids are distinct');
      });
    },
  },
  {
    id: 'hostile.published-urls',
    rows: ['AMB-20'],
    title: 'published URLs are those that clients call: https, or http on loopback',
    run: async (context) => {
      const { sender, receiver } = context;
      const payment = await createIncomingPayment(context);
      const quote = await createQuote(context, payment.id, { debitAmount: amountOf(sender, '100') });
      const grant = expectStatus(
        await postGrant(context, sender, { access_token: { access: [quoteAccess()] } }),
        200,
      ).body;
      for (const url of [sender.url, receiver.url]) {
        const answer = expectStatus(await context.call({ operation: 'get-wallet-address', url, sign: false }), 200);
        assert.equal(answer.body.id, url);
      }
      const published = [payment.id, quote.id, grant.continue.uri, grant.access_token.manage];
      for (const url of [...published, sender.authServer, sender.resourceServer]) {
        const { protocol, hostname, port } = new URL(url);
        const isLoopback = /^(localhost|.+\.localhost|127\..+|\[::1\])$/.test(hostname);
        assert.ok(isLoopback ? /^https?:$/.test(protocol) : protocol === 'https:' && port === '', url);
        assert.ok(
          [sender, receiver].some(
            (party) => url.startsWith(new URL(party.authServer).origin) || url.startsWith(party.resourceServer),
          ),
          url,
        );
      }
      expectStatus(await context.call({ operation: 'get-incoming-payment', url: payment.id, sign: false }), 200);
      expectStatus(
        await context.call({ operation: 'get-quote', url: quote.id, token: await quoteToken(context) }),
        200,
      );
    },
  },
  {
    id: 'hostile.secrets',
    rows: ['AS-N13'],
    title: 'errors, the request trace and the metrics contain no token, nonce, reference or shared secret',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        const secrets = new Set<string>();
        const refusals: Answer[] = [];
        const call: CheckContext['call'] = async (one) => {
          const answer = await world.call(one);
          collectSecrets(answer.body, secrets);
          for (const [name, value] of answer.sent.headers)
            if (/^signature$/i.test(name)) secrets.add(value.replace(/^sig1=:|:$/g, ''));
          for (const cookie of answer.headers.getSetCookie())
            secrets.add(cookie.split(';')[0]!.split('=').slice(1).join('='));
          const location = answer.headers.get('location');
          for (const name of ['interact_ref', 'hash', 'nonce'])
            secrets.add((location && new URL(location, one.url).searchParams.get(name)) || '');
          if (answer.status >= 400) refusals.push(answer);
          return answer;
        };
        const watched = { ...world, call };
        const pending = await requestInteractiveGrant(watched, [outgoingAccess(watched.sender)]);
        secrets.add(pending.clientNonce);
        const reference = await obtainConsent(watched, pending);
        const grant = expectStatus(await continueGrant(watched, pending.body, reference), 200).body;
        const { id } = await createIncomingPayment(watched);
        const quote = await createQuote(watched, id, { debitAmount: amountOf(watched.sender, '100') });
        const { value } = grant.access_token;
        await waitUntilSettled(watched, (await payQuote(watched, quote.id, value)).id, value);

        // Provoke errors while each secret is in use.
        const { uri, access_token } = grant.continue;
        const own = { method: 'POST', url: uri, token: access_token.value };
        await call({ ...own, json: { interact_ref: reference } });
        await call({ ...own, raw: `{"interact_ref":"${reference}"` });
        await call({ ...own, json: { interact_ref: reference }, sign: { broken: true } });
        await call({ url: pending.body.interact.redirect, sign: false });
        await call({ url: quote.id, token: value, sign: { broken: true } });
        await call({ url: `${quote.id}x`, token: value });
        await addFault(watched, { operation: 'create-incoming-payment', kind: 'crash' });
        await postIncomingPayment(watched, { walletAddress: watched.receiver.url });
        await addFault(watched, { operation: 'send-packet', kind: 'status' });
        await postGrant(watched, watched.sender, { access_token: { access: [{ type: value }] } });
        assert.ok(refusals.length >= 7, `${refusals.length} refusals`);

        secrets.delete('');
        assert.ok(secrets.size >= 10, `${secrets.size} secrets`);
        const shown = [
          ...refusals.map(({ text, headers }) => text + JSON.stringify([...headers])),
          JSON.stringify((await world.control.request('GET', '/exchanges?limit=1000')).body),
        ];
        const { url, token } = context.target.control!;
        const metrics = await world.call({
          url: `${url}/metrics`,
          sign: false,
          headers: [['authorization', `Bearer ${token}`]],
        });
        shown.push(expectStatus(metrics, 200).text);
        for (const secret of secrets) assert.ok(!shown.some((text) => text.includes(secret)), 'a secret is shown');
      });
    },
  },
];
