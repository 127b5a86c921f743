/** Answers, errors and traces reveal no secret, no internals and no private address. RFC 9635 §11. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { addFault } from '../../steps/control.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import {
  amountOf,
  continueGrant,
  createIncomingPayment,
  createQuote,
  obtainConsent,
  outgoingAccess,
  payQuote,
  postGrant,
  postIncomingPayment,
  quoteAccess,
  quoteToken,
  requestInteractiveGrant,
  waitUntilSettled,
} from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';
import { inNewWorld } from '../../steps/world.ts';

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
];
