/**
 * HTTP message signatures as a whole: the request line and the query, proxies, nonces, tokens, contents.
 * RFC 9421, RFC 9530, RFC 9635 §7.3.1.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../steps/expect.ts';
import type { SignatureOptions } from '../../steps/message-signature.ts';
import { createIncomingPayment, incomingToken, quoteAccess } from '../../steps/scenarios.ts';
import type { Call } from '../../steps/signed-client.ts';
import { now, postGrant, postPayment, withBody } from '../../steps/signed-requests.ts';
import { inNewWorld, inWorldWithSwitches } from '../../steps/world.ts';

export const checks: readonly Check[] = [
  {
    id: 'signature.uncovered-token',
    rows: ['SIG-04'],
    title: 'a token that the signature does not cover is refused, on a grant request too',
    run: async (context) => {
      const components = withBody.filter((name) => name !== 'authorization');
      expectResourceError(await postPayment(context, { sign: { components } }), 401, /^Signature validation error/);
      expectGnapError(await postGrant(context, { token: 'older', sign: { components } }), 401, 'invalid_client');
    },
  },
  {
    id: 'signature.nonce',
    rows: ['SIG-15'],
    title: 'a nonce works once; a broken signature does not use it up',
    run: async (context) => {
      const parameters = `;nonce="${randomUUID()}"`;
      expectResourceError(await postPayment(context, { sign: { parameters, broken: true } }), 401);
      expectStatus(await postPayment(context, { sign: { parameters } }), 201);
      expectResourceError(await postPayment(context, { sign: { parameters } }), 401);
    },
  },
  {
    id: 'signature.nonce-at-both-servers',
    rows: ['SIG-15'],
    title: 'a nonce is used up for both servers of an ASE, and only for its key',
    run: async (context) => {
      const parameters = `;nonce="${randomUUID()}"`;
      const url = context.receiver.authServer;
      const by = context.newIdentity('second');
      const json = { client: { jwk: by.jwk }, access_token: { access: [quoteAccess()] } };
      const postTo = (sign: SignatureOptions) => postGrant(context, sign.by ? { url, json, sign } : { url, sign });
      expectStatus(await postTo({ parameters }), 200);
      expectGnapError(await postTo({ parameters }), 401, 'invalid_client');
      expectResourceError(await postPayment(context, { sign: { parameters } }), 401);
      expectStatus(await postTo({ parameters, by }), 200);
    },
  },
  {
    id: 'signature.nonce-in-parallel',
    rows: ['SIG-15'],
    title: 'of several simultaneous requests with one nonce, exactly one is accepted',
    run: async (context) => {
      const sign = { parameters: `;nonce="${randomUUID()}"` };
      const answers = await Promise.all(Array.from({ length: 6 }, () => postPayment(context, { sign })));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 401, 401, 401, 401, 401]);
    },
  },
  {
    id: 'signature.switches',
    rows: ['SIG-14', 'SIG-16'],
    title: 'switches require the tag, and refuse repeated signatures',
    run: async (context) => {
      await inWorldWithSwitches(context, { requireTagGnap: true, rejectRepeatedSignatures: true }, async (world) => {
        const ask = (sign: SignatureOptions) => {
          const json = { client: { jwk: by.jwk }, access_token: { access: [quoteAccess()] } };
          return postGrant(world, { json, sign: { by, ...sign } });
        };
        const by = world.newIdentity('tagged');
        const sign = { parameters: ';tag="gnap"', created: now() };
        expectStatus(await ask(sign), 200);
        expectGnapError(await ask(sign), 401, 'invalid_client');
        expectStatus(await ask({ ...sign, created: sign.created - 1 }), 200);
        expectGnapError(await ask({ created: sign.created - 2 }), 401, 'invalid_client');
      });
    },
  },
  {
    id: 'signature.repeated',
    rows: ['SIG-16'],
    title: 'two identical signed requests within a second are both accepted',
    run: async (context) => {
      const { id: url } = await createIncomingPayment(context);
      const token = await incomingToken(context);
      const sign = { created: now() };
      for (let i = 0; i < 2; i += 1) {
        expectStatus(await context.call({ operation: 'get-incoming-payment', url, token, sign }), 200);
      }
    },
  },
  {
    id: 'signature.query',
    rows: ['SIG-20', 'SIG-22', 'RS-L-14'],
    title: 'the query is signed as it appears in the request line, escaped or not',
    run: async (context) => {
      const { receiver } = context;
      const token = await incomingToken(context);
      for (const address of [encodeURIComponent(receiver.url), receiver.url]) {
        const url = `${receiver.resourceServer}/incoming-payments?wallet-address=${address}&first=5`;
        expectStatus(await context.call({ operation: 'list-incoming-payments', url, token, sign: {} }), 200);
      }
    },
  },
  {
    id: 'signature.percent-encoding',
    rows: ['SIG-22'],
    title: 'path and query are signed in the encoding of the request line, and in no other',
    run: async (context) => {
      const { id } = await createIncomingPayment(context);
      const token = await incomingToken(context);
      const encoded = (text: string): string => text.replaceAll('-', '%2D');
      const path = id.slice(0, id.lastIndexOf('/') + 1);
      const payment = path + encoded(id.slice(path.length));
      const list = `${context.receiver.resourceServer}/incoming-payments?wallet-address=`;
      const address = encodeURIComponent(context.receiver.url);
      for (const [operation, url, other] of [
        ['get-incoming-payment', payment, id],
        ['get-incoming-payment', id, payment],
        ['get-incoming-payment', payment, payment.replaceAll('%2D', '%2d')],
        ['list-incoming-payments', list + address, list + context.receiver.url],
        ['list-incoming-payments', list + address, list + address.replaceAll('%3A', '%3a')],
        ['list-incoming-payments', `${list + address}&`, list + address],
      ] as const) {
        expectStatus(await context.call({ operation, url, token, sign: {} }), 200);
        const answer = await context.call({ operation, url, token, sign: { url: other } });
        expectResourceError(answer, 401, /^Signature validation error/);
      }
    },
  },
  {
    id: 'signature.coded-content',
    rows: ['SIG-07', 'RS-30'],
    title: 'content codings are refused, apart from identity',
    run: async (context) => {
      const coded = (coding: string): Partial<Call> => ({ headers: [['content-encoding', coding]] });
      for (const coding of ['gzip', 'br', 'identity, gzip']) {
        expectResourceError(await postPayment(context, coded(coding)), 415);
        expectGnapError(await postGrant(context, coded(coding)), 400, 'invalid_request');
      }
      expectStatus(await postPayment(context, coded('identity')), 201);
    },
  },
  {
    id: 'signature.answers',
    rows: ['SIG-33'],
    title: 'answers are not signed',
    run: async (context) => {
      const { id: url } = await createIncomingPayment(context);
      const read = { operation: 'get-incoming-payment', url };
      const answers = [
        await postGrant(context, {}),
        await postGrant(context, { sign: false }),
        await context.call({ ...read, token: await incomingToken(context) }),
        await context.call({ ...read, sign: false }),
      ];
      for (const { headers } of answers) {
        assert.deepEqual([headers.get('signature'), headers.get('signature-input')], [null, null]);
      }
    },
  },
  {
    id: 'signature.forwarded-headers',
    rows: ['SIG-21'],
    title: 'headers of an untrusted proxy do not change the target URI',
    run: async (context) => {
      const headers = [
        ['x-forwarded-host', 'elsewhere.example'],
        ['x-forwarded-proto', 'https'],
        ['forwarded', 'host=elsewhere.example;proto=https'],
      ] as const;
      expectStatus(await postPayment(context, { headers }), 201);
    },
  },
  {
    id: 'signature.published-url',
    rows: ['SIG-21', 'WA-08'],
    title: 'behind a proxy the target URI is the published URL, not the local one',
    run: async (context) => {
      const published = 'http://published.localhost/tenant';
      const at = 'one/ann';
      const definition = {
        ases: [
          {
            name: 'one',
            servers: { resourceServer: { url: published } },
            wallets: [{ path: '/ann', publicName: 'Ann', asset: 'USD/2' }],
          },
        ],
        sender: at,
        receiver: at,
        client: { wallet: at, keyId: 'one-1' },
      };
      await inNewWorld(context, { definition }, async (world) => {
        const { receiver } = world;
        assert.equal(receiver.resourceServer, published);
        const operation = 'create-incoming-payment';
        const url = `${new URL(receiver.url).origin}/tenant/incoming-payments`;
        const call = { operation, url, token: await incomingToken(world), json: { walletAddress: receiver.url } };
        expectResourceError(await world.call(call), 401);
        const host = [['x-forwarded-host', 'published.localhost']] as const;
        expectResourceError(await world.call({ ...call, headers: host }), 401);
        const { body } = expectStatus(
          await world.call({ ...call, sign: { url: `${published}/incoming-payments` } }),
          201,
        );
        assert.ok(body.id.startsWith(`${published}/incoming-payments/`), body.id);
      });
    },
  },
  {
    id: 'signature.content-type-without-body',
    rows: ['SIG-27', 'SIG-N02'],
    title: 'a GET may cover its content type, and carry a digest of nothing without covering it',
    run: async (context) => {
      const { id: url } = await createIncomingPayment(context);
      const call = { operation: 'get-incoming-payment', url, token: await incomingToken(context) };
      const components = ['@method', '@target-uri', 'authorization'];
      const typed = { contentType: 'application/json', sign: { components: [...components, 'content-type'] } };
      expectStatus(await context.call({ ...call, ...typed }), 200);
      expectStatus(await context.call({ ...call, sign: { digest: 'sha-512', components } }), 200);
    },
  },
  {
    id: 'signature.bearer',
    rows: ['SIG-28', 'RS-05', 'AMB-11'],
    title: 'the scheme is GNAP, in any case, with one token; Bearer is not supported',
    run: async (context) => {
      const token = await incomingToken(context);
      const sign: SignatureOptions = {};
      const authorized = (value: string): Partial<Call> => ({
        token: undefined,
        headers: [['authorization', value]],
        sign,
      });
      for (const value of [`Bearer ${token}`, 'GNAP', `GNAP ${token} ${token}`, `"GNAP ${token}"`, token]) {
        expectResourceError(await postPayment(context, authorized(value)), 401);
      }
      expectStatus(await postPayment(context, authorized(`gnap ${token}`)), 201);
    },
  },
  {
    id: 'signature.two-authorizations',
    rows: ['SIG-N03'],
    title: 'two Authorization lines are refused',
    run: async (context) => {
      const headers = [['authorization', 'GNAP another']] as const;
      expectResourceError(await postPayment(context, { headers, sign: {} }), 401);
    },
  },
  {
    id: 'signature.quoted-keyid',
    rows: ['SIG-10'],
    title: 'a keyid may hold a semicolon',
    run: async (context) => {
      const identity = context.newIdentity('key;id="odd"');
      const json = { client: { jwk: identity.jwk }, access_token: { access: [quoteAccess()] } };
      const answer = await postGrant(context, { json, sign: { by: identity } });
      expectStatus(answer, 200);
      assert.equal(typeof answer.body.access_token.value, 'string');
    },
  },
];
