/** Wallet address server: the document, the key set, the DID document, payment pointers. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectNoLeak, expectResourceError, expectStatus } from '../../steps/expect.ts';
import type { HeaderLine } from '../../steps/http-exchange.ts';
import { secondWallet } from '../../steps/parties.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';

const getDocument = (context: CheckContext, url: string, headers: readonly HeaderLine[] = []): Promise<Answer> =>
  context.call({ operation: 'get-wallet-address', url, sign: false, headers });
const getKeys = (context: CheckContext, url: string): Promise<Answer> =>
  context.call({ operation: 'get-wallet-address-keys', url: `${url}/jwks.json`, sign: false });
const unknownWallet = (context: CheckContext): string =>
  `${new URL(context.sender.url).origin}/no-such-wallet-${randomUUID()}`;

function accepting(id: string, type: string, rows: string[], status: number): Check {
  return {
    id,
    rows,
    title: `Accept: ${type} gets ${status}`,
    run: async (context) => {
      const url = context.sender.url;
      const answer = await context.call({ operation: 'get-wallet-address', url, sign: false, accept: type });
      expectStatus(answer, status);
      if (status !== 200) return expectNoLeak(answer);
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
      assert.equal(answer.body.id, url);
    },
  };
}

export const checks: readonly Check[] = [
  {
    id: 'wallet-address.document',
    rows: ['WA-01', 'WA-02', 'WA-03', 'WA-04', 'WA-05', 'WA-06', 'WA-08', 'WA-09'],
    title: 'a plain GET brings the public document in its canonical form',
    run: async (context) => {
      for (const url of [context.sender.url, context.receiver.url]) {
        const { body, headers } = expectStatus(await getDocument(context, url), 200);
        assert.match(headers.get('content-type') ?? '', /^application\/json/);
        assert.equal(body.id, url, 'id is the URL that was asked for');
        assert.ok(body.publicName === undefined || typeof body.publicName === 'string', 'publicName is text or absent');
        assert.ok(Number.isInteger(body.assetScale) && body.assetScale >= 0 && body.assetScale <= 255, 'assetScale');
        assert.match(body.assetCode, /^[A-Z]{3}$/);
        assert.equal(new URL(body.authServer).href, body.authServer, 'authServer is a normalised URL');
        assert.match(body.authServer, /\/$/, 'authServer ends with a slash');
        assert.match(body.resourceServer, /[^/]$/, 'resourceServer does not end with a slash');
      }
    },
  },
  {
    id: 'wallet-address.servers-are-routed',
    rows: ['WA-07', 'WA-08', 'WA-09'],
    title: 'the published servers answer as grant endpoint (with and without its slash) and as collections',
    run: async (context) => {
      const { authServer, resourceServer } = context.sender;
      const json = {
        client: context.target.client,
        access_token: { access: [{ type: 'quote', actions: ['create'] }] },
      };
      for (const url of [authServer, authServer.replace(/\/$/, '')]) {
        const answer = expectStatus(await context.call({ operation: 'post-request', url, json }), 200);
        assert.equal(typeof answer.body.access_token.value, 'string', `${url} grants`);
      }
      for (const path of ['incoming-payments', 'quotes', 'outgoing-payments']) {
        const operation = `create-${path.replace(/s$/, '')}`;
        const answer = await context.call({ operation, url: `${resourceServer}/${path}`, json: {}, sign: false });
        expectStatus(answer, 401);
      }
    },
  },
  {
    id: 'wallet-address.unknown',
    rows: ['WA-12', 'WA-33', 'WA-39'],
    title: 'an unassigned address is not found, and all such answers look alike',
    run: async (context) => {
      const first = expectStatus(await getDocument(context, unknownWallet(context)), 404);
      const second = expectStatus(await getDocument(context, unknownWallet(context)), 404);
      expectNoLeak(first);
      assert.equal(first.text, second.text, 'two unknown addresses get the same answer');
      expectNoLeak(expectStatus(await getKeys(context, unknownWallet(context)), 404));
    },
  },
  {
    id: 'wallet-address.folding',
    rows: ['WA-03', 'WA-20'],
    title: 'one trailing slash and letter case lead to the same canonical document',
    run: async (context) => {
      const { origin, pathname } = new URL(context.sender.url);
      const capital = pathname.replace(/\w/, (letter) => letter.toUpperCase());
      for (const url of [`${context.sender.url}/`, origin + capital]) {
        const { body } = expectStatus(await getDocument(context, url), 200);
        assert.equal(body.id, context.sender.url);
      }
      expectStatus(await context.call({ url: `${context.sender.url}//jwks.json`, sign: false }), 200);
    },
  },
  {
    id: 'wallet-address.root',
    rows: ['WA-24', 'WA-39'],
    title: 'the origin is a wallet address or not found, and never a list',
    run: async (context) => {
      const { origin } = new URL(context.sender.url);
      const answer = expectStatus(await getDocument(context, `${origin}/`), 200, 404);
      if (answer.status === 200) assert.equal(typeof answer.body?.id, 'string', 'the document has an id');
      // The root answers as the payment pointer without a path does (WA-24).
      const pointer = await context.call({ url: `${origin}/.well-known/pay`, sign: false });
      assert.deepEqual([answer.status, answer.body], [pointer.status, pointer.body]);
      assert.ok(!answer.text.includes(context.sender.url), 'the answer names no other wallet address');
    },
  },
  {
    id: 'wallet-address.payment-pointer',
    rows: ['WA-22'],
    title: 'a payment pointer without a path resolves at /.well-known/pay, keys below it',
    run: async (context) => {
      const url = `${new URL(context.sender.url).origin}/.well-known/pay`;
      const { body } = expectStatus(await getDocument(context, url), 200);
      assert.equal(body.id, url);
      expectStatus(await getKeys(context, url), 200);
    },
  },
  {
    id: 'wallet-address.cors',
    rows: ['WA-26'],
    title: 'a page of any origin may read the document and the key set',
    run: async (context) => {
      const origin: HeaderLine = ['origin', 'https://page.example'];
      for (const url of [context.sender.url, `${context.sender.url}/jwks.json`]) {
        const got = await context.call({ url, sign: false, headers: [origin] });
        assert.equal(got.headers.get('access-control-allow-origin'), '*');
        const wanted: HeaderLine = ['access-control-request-method', 'GET'];
        const header: HeaderLine = ['access-control-request-headers', 'web-monetization-id'];
        const answer = await context.call({ method: 'OPTIONS', url, sign: false, headers: [origin, wanted, header] });
        assert.ok(answer.status >= 200 && answer.status < 300, `preflight answered ${answer.status}`);
        assert.equal(answer.headers.get('access-control-allow-origin'), '*');
        assert.match(answer.headers.get('access-control-allow-headers') ?? '', /web-monetization-id|\*/i);
      }
    },
  },
  {
    id: 'wallet-address.keys',
    rows: ['WA-27', 'WA-28', 'WA-29', 'WA-30', 'WA-31', 'WA-35'],
    title: 'the key set of the client holds well-formed public Ed25519 keys and nothing else',
    run: async (context) => {
      const { url } = await secondWallet(context);
      const { body } = expectStatus(await getKeys(context, url), 200);
      assert.deepEqual(Object.keys(body), ['keys']);
      assert.ok(body.keys.length > 0, 'the client has a key');
      for (const key of body.keys) {
        assert.deepEqual([key.alg, key.kty, key.crv], ['EdDSA', 'OKP', 'Ed25519']);
        assert.ok(key.use === undefined || key.use === 'sig', 'use');
        assert.match(key.x, /^[A-Za-z0-9_-]{43}$/, 'x is 32 bytes of unpadded base64url');
        assert.ok(!('d' in key), 'no private member');
      }
      const ids = body.keys.map((key: { kid: string }) => key.kid);
      assert.equal(new Set(ids).size, ids.length, 'kid is unique');
      assert.ok(ids.includes(context.target.identity.keyId), 'the key of this run is among them');
    },
  },
  {
    id: 'wallet-address.no-keys',
    rows: ['WA-32'],
    title: 'an address without keys has an empty key set',
    run: async (context) => {
      const { body } = expectStatus(await getKeys(context, context.sender.url), 200);
      assert.deepEqual(body, { keys: [] });
    },
  },
  {
    id: 'wallet-address.keys-cache',
    rows: ['WA-45'],
    title: 'a key set may be cached for a minute at most',
    run: async (context) => {
      const { headers } = await getKeys(context, context.sender.url);
      const control = headers.get('cache-control') ?? '';
      const age = /max-age=(\d+)/.exec(control);
      assert.ok(/no-cache|no-store/.test(control) || (age && Number(age[1]) <= 60), `Cache-Control: ${control}`);
    },
  },
  {
    id: 'wallet-address.did-document',
    rows: ['WA-37'],
    title: 'the DID document names the address and its keys, or is a documented error; unknown addresses have none',
    run: async (context) => {
      const call = (url: string): Promise<Answer> =>
        context.call({ operation: 'get-wallet-address-did-document', url: `${url}/did.json`, sign: false });
      for (const url of [context.sender.url, (await secondWallet(context)).url]) {
        const answer = await call(url);
        expectNoLeak(answer);
        if (!context.control.available && answer.status !== 200) {
          expectResourceError(answer, 500);
          continue;
        }
        const { id, verificationMethod } = expectStatus(answer, 200).body;
        const { host, pathname } = new URL(url);
        assert.equal(id, `did:web:${host.replace(':', '%3A')}${pathname.replaceAll('/', ':')}`);
        const { keys } = expectStatus(await getKeys(context, url), 200).body;
        assert.deepEqual(
          verificationMethod.map(({ publicKeyJwk }: Json) => publicKeyJwk),
          keys,
          'its keys are those of the key set',
        );
      }
      expectStatus(await call(unknownWallet(context)), 404);
    },
  },
  {
    id: 'wallet-address.methods',
    rows: ['WA-41'],
    title: 'GET, HEAD and OPTIONS work, other methods are not allowed',
    run: async (context) => {
      const url = context.sender.url;
      expectStatus(await context.call({ method: 'HEAD', url, sign: false }), 200);
      expectStatus(await context.call({ method: 'OPTIONS', url, sign: false }), 200, 204);
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        const answer = expectStatus(
          await context.call({ operation: 'get-wallet-address', method, url, sign: false }),
          405,
        );
        const allowed = (answer.headers.get('allow') ?? '').split(/\s*,\s*/).sort();
        assert.deepEqual(allowed, ['GET', 'HEAD', 'OPTIONS'], `Allow after ${method}`);
      }
    },
  },
  {
    id: 'wallet-address.ignores-credentials',
    rows: ['WA-01', 'WA-42'],
    title: 'credentials and cookies, even invalid ones, do not matter on public endpoints',
    run: async (context) => {
      const junk: HeaderLine[] = [
        ['authorization', 'GNAP junk'],
        ['signature-input', 'sig1=nonsense'],
        ['signature', 'sig1=:AAAA:'],
        ['cookie', 'session=junk'],
      ];
      const plain = await getDocument(context, context.sender.url);
      const decorated = expectStatus(await getDocument(context, context.sender.url, junk), 200);
      assert.equal(plain.body.id, context.sender.url);
      assert.deepEqual(decorated.body, plain.body);
      const url = `${context.sender.url}/jwks.json`;
      const keys = await context.call({ operation: 'get-wallet-address-keys', url, sign: false, headers: junk });
      assert.ok(Array.isArray(expectStatus(keys, 200).body.keys), 'the key set has keys');
    },
  },
  {
    id: 'wallet-address.caching',
    rows: ['WA-18'],
    title: 'the document may be cached, per Accept',
    run: async (context) => {
      const { headers } = expectStatus(await getDocument(context, context.sender.url), 200);
      assert.match(headers.get('cache-control') ?? '', /max-age=[1-9]/);
      assert.match(headers.get('vary') ?? '', /\baccept\b/i);
    },
  },
  accepting('wallet-address.accept-any', '*/*', ['WA-15'], 200),
  accepting('wallet-address.accept-application-json', 'application/json', ['WA-15'], 200),
  accepting('wallet-address.accept-image-png', 'image/png', ['WA-17'], 406),
];
