/** Touchstone as a target for clients: profiles, assets, and worlds that do not affect each other. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../../steps/expect.ts';
import { exchange } from '../../../steps/http-exchange.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  getIncomingPayment,
  incomingToken,
  outgoingToken,
  payQuote,
  postGrant,
  quoteAccess,
  waitUntilReceived,
} from '../../../steps/scenarios.ts';
import type { Json } from '../../../steps/signed-client.ts';
import { inNewWorld, listParties } from '../../../steps/world.ts';

/** A grant request signed as the PHP client signs: a leniency of one profile. */
const askLeniently = (context: CheckContext) =>
  context.call({
    operation: 'post-request',
    url: context.sender.authServer,
    json: { client: context.target.client, access_token: { access: [quoteAccess()] } },
    sign: { form: 'php' },
  });

const stateOf = async ({ control }: CheckContext): Promise<Json> => (await control.request('GET', '/')).body;

export const checks: readonly Check[] = [
  {
    id: 'target.assets',
    rows: ['CT-01'],
    title: 'two ASEs with wallet addresses in dollars, euros and yen, of two scales; each can be paid',
    run: async (context) => {
      const { ases } = await stateOf(context);
      assert.ok(ases.length >= 2, 'two ASEs');
      const parties = await listParties(context);
      const assets = new Set(parties.map(({ assetCode, assetScale }) => `${assetCode}/${assetScale}`));
      for (const code of ['USD', 'EUR', 'JPY']) {
        assert.ok(
          [...assets].some((asset) => asset.startsWith(`${code}/`)),
          `a wallet address in ${code}`,
        );
      }
      assert.ok(new Set(parties.map(({ assetScale }) => assetScale)).size >= 2, 'different scales');
      const keys = await context.call({ url: `${context.target.client}/jwks.json`, sign: false });
      assert.ok(
        expectStatus(keys, 200).body.keys.some(({ kid }: Json) => kid === context.target.identity.keyId),
        'the client’s key is published',
      );
      const { sender } = context;
      const token = await outgoingToken(context);
      const foreign = parties.filter(({ resourceServer }) => resourceServer !== sender.resourceServer);
      for (const asset of assets) {
        const receiver = foreign.find(({ assetCode, assetScale }) => `${assetCode}/${assetScale}` === asset);
        if (!receiver) continue;
        const there = { ...context, receiver, shared: <T>(_key: string, compute: () => Promise<T>) => compute() };
        const { id } = await createIncomingPayment(there);
        const quote = await createQuote(context, id, { debitAmount: amountOf(sender, '1000') });
        assert.equal(quote.receiveAmount.assetScale, receiver.assetScale);
        await payQuote(context, quote.id, token);
        await waitUntilReceived(there, id, quote.receiveAmount.value);
      }
    },
  },
  {
    id: 'target.profiles',
    rows: ['CT-04', 'SIG-25'],
    title: 'each world has the profile it was created with, and names it; the default is compat',
    run: async (context) => {
      await inNewWorld(context, { profile: 'strict' }, async (world) => {
        assert.equal((await stateOf(world)).profile, 'strict');
        expectStatus(await postGrant(world, world.sender, { access_token: { access: [quoteAccess()] } }), 200);
        expectGnapError(await askLeniently(world), 401, 'invalid_client');
      });
      for (const profile of [undefined, 'compat']) {
        await inNewWorld(context, { profile }, async (world) => {
          assert.equal((await stateOf(world)).profile, 'compat');
          expectStatus(await askLeniently(world), 200);
        });
      }
    },
  },
  {
    id: 'target.worlds',
    rows: ['CT-07'],
    title: 'two worlds with one seed are separate; resetting one leaves the other unchanged',
    run: async (context) => {
      const options = { seed: randomUUID(), consent: 'auto' };
      await inNewWorld(context, options, async (one) => {
        await inNewWorld(context, options, async (two) => {
          assert.notEqual(new URL(one.sender.url).origin, new URL(two.sender.url).origin);
          const { id: url } = await createIncomingPayment(one, { value: '5' });
          const elsewhere = two.receiver.resourceServer + url.slice(one.receiver.resourceServer.length);
          const read = (world: CheckContext, id: string) =>
            world.call({ operation: 'get-incoming-payment', url: id, sign: false });
          expectStatus(await read(one, url), 200);
          expectStatus(await read(two, elsewhere), 404);
          // Worlds with one seed issue equal tokens; a token of the other world is refused.
          expectResourceError(await getIncomingPayment(one, url, await incomingToken(context)), 401);
          // Actions in one world do not change the next answers of the other.
          assert.equal((await createIncomingPayment(two, { value: '5' })).id, elsewhere);

          const before = Date.parse((await stateOf(two)).clock.now);
          await one.control.advanceClock(86_400);
          assert.ok(Date.parse((await stateOf(two)).clock.now) < before + 3_600_000, 'the clocks are independent');

          assert.equal((await one.control.request('POST', '/reset')).status, 204);
          expectStatus(await read(one, url), 404);
          expectStatus(await read(two, elsewhere), 200);
        });
      });
    },
  },
  {
    id: 'target.private-port',
    rows: ['CT-08'],
    title: 'control, introspection and the back channel require credentials, and are not served on the protocol port',
    run: async (context) => {
      await inNewWorld(context, {}, async ({ call, sender, target, variables }) => {
        const { url: control, token } = target.control!;
        const introspection = variables['TOUCHSTONE_INTROSPECTION'] ?? '';
        const backChannel = `${variables['TOUCHSTONE_BACK_CHANNEL']}/grant/${randomUUID()}/${randomUUID()}`;
        const requests = [
          ...['/', '/ledger', '/worlds', '/faults'].map((path) => ['GET', control + path] as const),
          ...['/clock', '/consent', '/reset', '/worlds', '/faults'].map((path) => ['POST', control + path] as const),
          ['GET', `${control}/ases/granite/accounts`],
          ['POST', introspection],
          ['GET', backChannel],
          ['POST', `${backChannel}/accept`],
        ] as const;
        for (const [method, url] of requests) {
          for (const authorization of [undefined, 'Bearer wrong']) {
            const headers = authorization === undefined ? [] : [['authorization', authorization] as const];
            const { status } = await call({
              method,
              url,
              sign: false,
              headers,
              ...(method === 'POST' && { json: {} }),
              // The consent page of an identity provider has the same path.
              ...(url === `${control}/consent` && { operation: 'post-consent-policy' }),
            });
            assert.equal(status, 401, `${method} ${url} with ${authorization}`);
          }
          const { pathname } = new URL(url);
          const withoutWorld = pathname.replace(/^\/worlds\/[^/]+/, '');
          for (const path of new Set([pathname, withoutWorld, withoutWorld.replace(/^\/granite/, '')])) {
            if (path === '' || path === '/') continue;
            const headers = [
              ['authorization', `Bearer ${token}`],
              ['content-type', 'application/json'],
            ] as const;
            for (const origin of new Set([new URL(sender.url).origin, new URL(sender.authServer).origin])) {
              const ask = (url: string) => exchange({ method, url, headers, body: undefined });
              // An unknown path might be a wallet address, which does not accept POST.
              const [{ status }, unknown] = [await ask(origin + path), await ask(`${origin}/${randomUUID()}`)];
              assert.ok([404, unknown.status].includes(status), `${method} ${path} on the protocol’s port: ${status}`);
              assert.ok([404, 405].includes(status), `${method} ${path} on the protocol’s port: ${status}`);
            }
          }
        }
      });
    },
  },
];
