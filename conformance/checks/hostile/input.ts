/** Hostile input and hostile key servers: well-behaved clients are still served. RFC 9635 §11, RFC 9112 §11. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { assertFor } from '../../runner/deviation.ts';
import { addFault } from '../../steps/control.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../steps/expect.ts';
import { exchange } from '../../steps/http-exchange.ts';
import { type RawAnswer, sendRaw } from '../../steps/raw-request.ts';
import {
  amountOf,
  createIncomingPayment,
  incomingToken,
  postGrant,
  quoteAccess,
  quoteToken,
  revokeToken,
} from '../../steps/scenarios.ts';
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
      const types = { contentType: 'text/plain', headers: [['content-type', 'application/json']] } as const;
      const { sender } = context;
      const json = { client: context.target.client, access_token: { access: [quoteAccess()] } };
      const sign = { components: ['@method', '@target-uri', 'content-digest'] };
      const asked = await context.call({ operation: 'post-request', url: sender.authServer, json, ...types, sign });
      expectGnapError(asked, 400, 'invalid_request');
      const created = await context.call({
        operation: 'create-incoming-payment',
        url: `${context.receiver.resourceServer}/incoming-payments`,
        json: { walletAddress: context.receiver.url },
        token: await incomingToken(context),
        ...types,
        sign: { components: ['@method', '@target-uri', 'authorization', 'content-digest'] },
      });
      expectResourceError(created, [400, 415]);
      assertFor('RS-30', () => expectResourceError(created, 400));
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
];
