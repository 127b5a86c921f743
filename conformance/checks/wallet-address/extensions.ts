/**
 * Extensions of wallet addresses: payment pointers, SPSP, further members, redirects and addresses created on
 * demand.
 */

import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { NotApplicable } from '../../runner/capability.ts';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectNoLeak, expectStatus } from '../../steps/expect.ts';
import type { HeaderLine } from '../../steps/http-exchange.ts';
import { contentDigest, signatureBase } from '../../steps/message-signature.ts';
import { postQuote } from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';
import { inNewWorld, type NewWorld } from '../../steps/world.ts';

/** Works in a world of one ASE whose wallet `/ann` has additional properties. */
function withExtensions<T>(
  context: CheckContext,
  extensions: Json,
  work: (world: NewWorld) => Promise<T>,
  additionalProperties: Json = {},
): Promise<T> {
  const definition = {
    ases: [
      {
        name: 'slate',
        extensions,
        wallets: [
          { path: '/ann', asset: 'USD/2', balance: 1000, additionalProperties },
          { path: '/ben', asset: 'USD/2' },
        ],
      },
    ],
    sender: 'slate/ann',
    receiver: 'slate/ben',
    client: { wallet: 'slate/ben', keyId: 'key-1' },
  };
  return inNewWorld(context, { definition }, work);
}

const getDocument = ({ call }: CheckContext, url: string, accept = 'application/json', headers: HeaderLine[] = []) =>
  call({ operation: 'get-wallet-address', url, sign: false, accept, headers });

/** Asks for another media type than the document's, so that its schema does not apply. */
const getSpsp = ({ call }: CheckContext, url: string, headers: HeaderLine[] = []): Promise<Answer> =>
  call({ url, sign: false, accept: 'application/spsp4+json', headers });

/** Serves `answer` on loopback while `work` runs. */
async function withServer<T>(
  answer: (request: IncomingMessage, origin: string) => Promise<{ status: number; body?: Json }>,
  work: (origin: string) => Promise<T>,
): Promise<T> {
  const server = createServer(async (request, response) => {
    const { status, body } = await answer(request, origin).catch(() => ({ status: 500, body: {} }));
    response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    return await work(origin);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Throws unless the signature covers the required components and one of the keys verifies it. */
function expectSignature(request: IncomingMessage, body: Buffer | undefined, url: string, keys: readonly Json[]): void {
  const headers: HeaderLine[] = [];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    headers.push([request.rawHeaders[i]!, request.rawHeaders[i + 1]!]);
  }
  const [, label, parameters = ''] = /^(\w+)=(.*)$/.exec(String(request.headers['signature-input'])) ?? [];
  const components = [.../^\(([^)]*)\)/.exec(parameters)![1]!.matchAll(/"([^"]+)"/g)].map((match) => match[1]!);
  for (const name of ['@method', '@target-uri', ...(body ? ['content-digest'] : ['authorization'])]) {
    assert.ok(components.includes(name), `${name} is signed`);
  }
  if (body) {
    const digests = [contentDigest(body, 'sha-512'), contentDigest(body, 'sha-256')];
    assert.ok(digests.includes(String(request.headers['content-digest'])), 'the digest is that of the body');
  }
  const keyId = /;keyid="([^"]+)"/.exec(parameters)?.[1];
  const jwk = keys.find(({ kid }) => kid === keyId);
  assert.ok(jwk, `the key set of the client has the key ${keyId}`);
  const unsigned = { method: request.method!, url, headers, body };
  const base = signatureBase(unsigned, headers, components, parameters);
  const [, signature = ''] = new RegExp(`^${label}=:([^:]+):$`).exec(String(request.headers['signature'])) ?? [];
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  assert.ok(verify(null, Buffer.from(base), key, Buffer.from(signature, 'base64')), 'the signature is right');
}

export const checks: readonly Check[] = [
  {
    id: 'wallet-address.additional-members',
    rows: ['WA-10', 'WA-11'],
    title: 'visible properties and the card service are further members, absent without configuration',
    run: async (context) => {
      const properties = {
        city: 'Chur',
        rank: { value: 'first', visible: true },
        risk: { value: 'x7', visible: false },
      };
      const extensions = { cardService: 'https://cards.example/service' };
      await withExtensions(
        context,
        extensions,
        async (world) => {
          const { body, text } = expectStatus(await getDocument(world, world.sender.url), 200);
          assert.deepEqual(body.additionalProperties, { city: 'Chur', rank: 'first' });
          assert.equal(body.cardService, extensions.cardService);
          assert.ok(!/risk|x7/.test(text), 'what is hidden is nowhere');
          assert.equal(body.id, world.sender.url);
          const other = expectStatus(await getDocument(world, world.receiver.url), 200).body;
          assert.ok(!('additionalProperties' in other), 'the member is absent without properties');
        },
        properties,
      );
      const { body } = expectStatus(await getDocument(context, context.sender.url), 200);
      assert.ok(!('additionalProperties' in body) && !('cardService' in body), 'off by default');
    },
  },
  {
    id: 'wallet-address.web-page',
    rows: ['WA-14', 'WA-15', 'WA-16'],
    title: 'a browser is redirected to the page of the address, in four spellings; a client that accepts JSON is not',
    run: async (context) => {
      const webPage = 'https://page.example/%wp/%ewp?a=%ewa#%wa';
      await withExtensions(context, { webPage }, async (world) => {
        const { url } = world.sender;
        const pointer = url.replace(/^https?:\/\//, '');
        const page = `https://page.example/${pointer}/${encodeURIComponent(pointer)}?a=${encodeURIComponent(url)}#${url}`;
        const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
        for (const accept of ['text/html', browser, 'application/json;q=0.5, text/html']) {
          const { headers } = expectStatus(await getDocument(world, url, accept), 302);
          assert.equal(headers.get('location'), page, accept);
          assert.match(headers.get('vary') ?? '', /\baccept\b/i);
        }
        for (const accept of ['*/*', 'application/json', 'application/json, text/html', 'text/html;q=0.5, */*']) {
          const { body } = expectStatus(await getDocument(world, url, accept), 200);
          assert.equal(body.id, url, accept);
        }
        expectStatus(await getDocument(world, `${url}-unknown`, 'text/html'), 404);
      });
    },
  },
  {
    id: 'wallet-address.spsp',
    rows: ['WA-25'],
    title: 'SPSP: each reader gets fresh credentials; incomplete receipt headers are refused',
    run: async (context) => {
      expectStatus(await getSpsp(context, context.sender.url), 406);
      await withExtensions(context, { spsp: true }, async (world) => {
        const { url } = world.sender;
        const answer = expectStatus(await getSpsp(world, url), 200);
        assert.match(answer.headers.get('content-type') ?? '', /^application\/spsp4\+json/);
        assert.ok(answer.headers.has('cache-control'), 'Cache-Control');
        const { destination_account, shared_secret, receipts_enabled } = answer.body;
        assert.match(destination_account, /^(g|private|example|peer|self|test[1-3]?|local)(\.[A-Za-z0-9_~-]+)+$/);
        assert.match(shared_secret, /^[A-Za-z0-9+/]{43}=$/, 'padded base64 of 32 bytes');
        assert.equal(typeof receipts_enabled, 'boolean');
        const other = expectStatus(await getSpsp(world, url), 200).body;
        assert.notEqual(other.shared_secret, shared_secret);
        assert.notEqual(other.destination_account, destination_account);

        const nonce: HeaderLine = ['receipt-nonce', Buffer.alloc(16, 7).toString('base64')];
        const secret: HeaderLine = ['receipt-secret', Buffer.alloc(32, 7).toString('base64')];
        for (const half of [nonce, secret]) expectNoLeak(expectStatus(await getSpsp(world, url, [half]), 400));
        expectStatus(await getSpsp(world, url, [nonce, secret]), 200);
        expectStatus(await getSpsp(world, `${url}-unknown`), 404);
        expectStatus(await getDocument(world, url, '*/*'), 200);
      });
    },
  },
  {
    id: 'wallet-address.lookup-hook',
    rows: ['WA-40'],
    title: 'an unknown address is announced and answers once the hook has created it; others stay unknown',
    run: async (context) => {
      const announced: string[] = [];
      let create: (url: string) => Promise<number> = async () => 404;
      const hook = async (request: IncomingMessage) => {
        const { type, data } = (await readJson(request)) as Json;
        assert.equal(type, 'wallet_address.not_found');
        announced.push(data.walletAddressUrl);
        return { status: await create(data.walletAddressUrl) };
      };
      await withServer(hook, (origin) =>
        withExtensions(context, { lookupHook: `${origin}/events` }, async (world) => {
          const base = new URL(world.sender.url).origin;
          expectNoLeak(expectStatus(await getDocument(world, `${base}/no-such-wallet`), 404));
          let isAnswered = false;
          create = async (url) => {
            // These reads give a server that does not wait for its hook the time to answer.
            for (let read = 0; read < 20 && !isAnswered; read++) await getDocument(world, world.sender.url);
            const wallet = { url, account: '/ann' };
            const { status } = await world.control.request('POST', '/ases/slate/wallet-addresses', wallet);
            return status === 201 ? 204 : 500;
          };
          const lookup = getDocument(world, `${base}/new`).finally(() => {
            isAnswered = true;
          });
          const { body } = expectStatus(await lookup, 200);
          assert.equal(body.id, `${base}/new`);
          expectStatus(await getDocument(world, `${base}/new`), 200);
          assert.deepEqual(announced, [`${base}/no-such-wallet`, `${base}/new`], 'known addresses are not announced');
        }),
      );
    },
  },
  {
    id: 'wallet-address.instance-key',
    rows: ['WA-36'],
    title: 'an ASE signs its calls to other ASEs with a key that it publishes at one of its addresses',
    run: async (context) => {
      const seen: { request: IncomingMessage; body: Buffer | undefined; url: string }[] = [];
      let client = '';
      const payment = (origin: string, id: string) => ({
        id: `${origin}${id}`,
        walletAddress: `${origin}/payee`,
        completed: false,
        receivedAmount: { value: '0', assetCode: 'USD', assetScale: 2 },
        createdAt: new Date().toISOString(),
        methods: [
          { type: 'ilp', ilpAddress: 'test.elsewhere.payee', sharedSecret: Buffer.alloc(32).toString('base64url') },
        ],
      });
      const otherAse = async (request: IncomingMessage, origin: string) => {
        const url = `${origin}${request.url}`;
        if (request.method === 'POST') {
          const body = Buffer.concat(await request.toArray());
          ({ client } = JSON.parse(body.toString()));
          seen.push({ request, body, url });
          const token = { value: 'token', manage: `${origin}/manage`, expires_in: 600, access: [] };
          const next = { uri: `${origin}/continue`, access_token: { value: 'next' } };
          const access = [{ type: 'incoming-payment', actions: ['read-all'] }];
          return { status: 200, body: { access_token: { ...token, access }, continue: next } };
        }
        if (request.headers.authorization === undefined) {
          const { receivedAmount } = payment(origin, '');
          return { status: 200, body: { authServer: `${origin}/auth/`, receivedAmount } };
        }
        seen.push({ request, body: undefined, url });
        return { status: 200, body: payment(origin, request.url!) };
      };
      await withServer(otherAse, async (origin) => {
        const { url, assetCode, assetScale } = context.sender;
        const debitAmount = { value: '100', assetCode, assetScale };
        const receiver = `${origin}/incoming-payments/1`;
        // No route leads to the ILP address of the other ASE, so the quote fails.
        expectStatus(await postQuote(context, { walletAddress: url, receiver, method: 'ilp', debitAmount }), 400);
      });
      if (seen.length === 0 && !context.control.available) throw new NotApplicable('foreign-receivers');
      assert.equal(seen.length, 2, 'a grant request and a signed reading came');
      assert.equal(new URL(client).origin, new URL(context.sender.url).origin, 'the client is an address of the ASE');
      const set = expectStatus(await context.call({ url: `${client}/jwks.json`, sign: false }), 200);
      for (const { request, body, url } of seen) expectSignature(request, body, url, set.body.keys);
      expectStatus(await context.call({ url: client, sign: false }), 200, 404);
    },
  },
];
