/**
 * Responses to valid grant requests: the clients that may ask, the response body, and the rights that need consent.
 * RFC 9635 §3, Open Payments auth-server POST /.
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import { assertFor } from '../../runner/deviation.ts';
import { expectGnapError, expectStatus, expectToken } from '../../steps/expect.ts';
import { finishUri } from '../../steps/interaction.ts';
import { expectTwoAses, secondWallet } from '../../steps/parties.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  grantOutgoing,
  incomingAccess,
  incomingToken,
  outgoingAccess,
  payQuote,
  postGrant,
  postQuote,
  quoteAccess,
  requestInteractiveGrant,
  requestToken,
} from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';

const interact = (): Json => ({
  start: ['redirect'],
  finish: { method: 'redirect', uri: finishUri, nonce: randomUUID() },
});

function expectPending(answer: Answer): void {
  expectStatus(answer, 200);
  assert.deepEqual(
    Object.keys(answer.body).sort(),
    ['continue', 'interact'],
    'pending: interact and continue, no token',
  );
}

/** A check that a request for these items needs, or does not need, the owner's consent. */
function consentCheck(
  id: string,
  rows: string[],
  title: string,
  needed: boolean,
  access: (party: Json) => Json[],
): Check {
  return {
    id,
    rows,
    title,
    run: async (context) => {
      const request = { access_token: { access: access(context.sender) }, interact: interact() };
      const answer = await postGrant(context, context.sender, request);
      if (needed) return expectPending(answer);
      expectStatus(answer, 200);
      assert.deepEqual(Object.keys(answer.body).sort(), ['access_token', 'continue'], 'a token at once');
    },
  };
}

export const checks: readonly Check[] = [
  {
    id: 'grant.client-forms',
    rows: ['AS-20', 'AS-27', 'AMB-07'],
    title: 'a client is named by URL, by wallet address object or by key',
    run: async (context) => {
      const { client } = context.target;
      const access = [quoteAccess()];
      await requestToken(context, context.sender, access, { client });
      await requestToken(context, context.sender, access, { client: { walletAddress: client } });
      const identity = context.newIdentity('directed');
      await requestToken(context, context.sender, access, { client: { jwk: identity.jwk }, identity });
    },
  },
  {
    id: 'grant.jwk-other-kid',
    rows: ['AS-27', 'AMB-17'],
    title: 'keyid of the signature and kid of the key must agree',
    run: async (context) => {
      const identity = context.newIdentity('directed');
      const asker = { client: { jwk: identity.jwk }, identity: { ...identity, keyId: 'another' } };
      const answer = await postGrant(context, context.sender, { access_token: { access: [quoteAccess()] } }, asker);
      expectGnapError(answer, 401, 'invalid_client');
    },
  },
  {
    id: 'grant.one-endpoint',
    rows: ['AS-01', 'AS-55', 'AS-56'],
    title: 'incoming payments, quotes and outgoing payments are granted at the same endpoint',
    run: async (context) => {
      await requestToken(context, context.sender, [incomingAccess(context.sender)]);
      await requestToken(context, context.sender, [quoteAccess()]);
      await requestInteractiveGrant(context, [outgoingAccess(context.sender)]);
    },
  },
  {
    id: 'grant.token-answer',
    rows: ['AS-08', 'AS-09', 'AS-11', 'AS-12', 'AS-13', 'AS-14', 'AS-49', 'AS-50', 'AS-N11'],
    title: 'a token answer holds what was granted, a manage URL without the token in it, and a continuation',
    run: async (context) => {
      const access = [incomingAccess(context.sender, ['create', 'read-all']), quoteAccess(['create'])];
      const answers: Answer[] = [];
      for (let i = 0; i < 2; i += 1)
        answers.push(await postGrant(context, context.sender, { access_token: { access } }));
      for (const answer of answers) {
        expectStatus(answer, 200);
        assert.match(answer.headers.get('cache-control') ?? '', /no-store/);
        const token = answer.body.access_token;
        assert.deepEqual(Object.keys(answer.body).sort(), ['access_token', 'continue']);
        assert.ok(URL.canParse(answer.body.continue.uri), 'continue.uri is absolute');
        assert.match(token.value, /^[\x21-\x7e]{22,}$/, 'at least 16 bytes, printable');
        assert.ok(URL.canParse(token.manage) && !token.manage.includes(token.value), 'manage does not hold the token');
        assert.notEqual(token.value, answer.body.continue.access_token.value, 'two kinds of token');
        assert.equal(token.expires_in, 600);
        assert.deepEqual(token.access, access);
      }
      const [first, second] = answers.map((answer) => answer.body);
      for (const read of [
        (body: Json) => body.access_token.value,
        (body: Json) => body.access_token.manage,
        (body: Json) => body.continue.uri,
        (body: Json) => body.continue.access_token.value,
      ]) {
        assert.notEqual(read(first), read(second), 'nothing is handed out twice');
      }
    },
  },
  {
    id: 'grant.pending-answer',
    rows: ['AS-08', 'AS-09', 'AS-10', 'AS-14', 'AS-73', 'AS-74', 'AS-N07', 'AMB-26'],
    title: 'a pending answer holds interact and continue, also without a finish object, and nothing guessable',
    run: async (context) => {
      const seen = new Set<string>();
      for (const finish of [true, false]) {
        const { body } = await requestInteractiveGrant(context, [outgoingAccess(context.sender)], finish);
        assert.deepEqual(Object.keys(body).sort(), ['continue', 'interact']);
        assert.ok(body.interact.redirect.startsWith('http'), 'interact.redirect is absolute');
        assert.ok(URL.canParse(body.continue.uri), 'continue.uri is absolute');
        assert.ok(body.interact.finish.length >= 16, 'interact.finish is a nonce');
        const { redirect, finish: nonce } = body.interact;
        assertFor('AS-75', () => assert.ok(redirect.includes(nonce), 'the interaction URL holds the nonce'));
        const { wait } = body.continue;
        assert.ok(wait === undefined || (Number.isInteger(wait) && wait >= 0), 'wait is a number of seconds');
        for (const value of [body.interact.redirect, body.interact.finish, body.continue.uri]) {
          assert.ok(!seen.has(value), 'nothing is handed out twice');
          seen.add(value);
        }
      }
    },
  },
  {
    id: 'grant.tolerance',
    rows: ['AS-02', 'AS-03', 'AS-N12'],
    title: 'unknown members, a charset and a needless (covered) token do not break a request',
    run: async (context) => {
      const json = { client: context.target.client, access_token: { access: [quoteAccess()] }, extra: { a: 1 } };
      const call = { operation: 'post-request', url: context.sender.authServer };
      expectToken(await context.call({ ...call, json }));
      expectToken(await context.call({ ...call, json, token: 'some-older-token' }));
      expectToken(await context.call({ ...call, json, contentType: 'application/json; charset=utf-8' }));
    },
  },
  {
    id: 'grant.hash-method-sha-256',
    rows: ['AS-72'],
    title: 'hash_method sha-256 may be spelled out',
    run: async (context) => {
      const finish = { ...interact().finish, hash_method: 'sha-256' };
      const access = [outgoingAccess(context.sender)];
      const request = { access_token: { access }, interact: { start: ['redirect'], finish } };
      expectPending(await postGrant(context, context.sender, request));
    },
  },
  {
    id: 'grant.intervals',
    rows: ['AS-45', 'AS-46', 'AS-47'],
    title: 'every form of a repeating interval is accepted, also without an amount',
    run: async (context) => {
      for (const interval of [
        'R3/2026-01-01T00:00:00Z/P1M',
        'R/2026-01-01T00:00:00.5+02:00/P1W',
        'R-1/2026-01-01T00:00:00Z/2026-02-01T00:00:00Z',
        'R12/P1D/2027-01-01T00:00:00Z',
      ]) {
        await requestInteractiveGrant(context, [outgoingAccess(context.sender, { interval })]);
        const debitAmount = amountOf(context.sender, '100');
        await requestInteractiveGrant(context, [outgoingAccess(context.sender, { interval, debitAmount })]);
      }
    },
  },
  {
    id: 'grant.limits-echoed',
    rows: ['AS-49'],
    title: 'what is granted after consent names the limits and the identifier',
    run: async (context) => {
      const access = outgoingAccess(context.sender, { debitAmount: amountOf(context.sender, '321') }, [
        'create',
        'read-all',
      ]);
      const grant = await grantOutgoing(context, access);
      assert.deepEqual(grant.access_token.access, [access]);
    },
  },
  consentCheck(
    'grant.outgoing-read-needs-consent',
    ['AS-55'],
    'even reading outgoing payments needs consent',
    true,
    (party) => [outgoingAccess(party, undefined, ['read'])],
  ),
  consentCheck(
    'grant.incoming-needs-none',
    ['AS-56', 'RS-Q-20', 'AMB-36'],
    'incoming payments, read-all included, need none',
    false,
    () => [{ type: 'incoming-payment', actions: ['create', 'complete', 'read', 'read-all', 'list'] }],
  ),
  consentCheck('grant.quote-needs-none', ['AS-56'], 'quotes need none', false, () => [
    quoteAccess(['create', 'read', 'read-all']),
  ]),
  consentCheck(
    'grant.list-all-needs-consent',
    ['AS-57'],
    'listing everybody’s incoming payments needs consent',
    true,
    (party) => [incomingAccess(party, ['list-all'])],
  ),
  {
    id: 'grant.subject-needs-consent',
    rows: ['AS-60', 'AS-62'],
    title: 'a subject needs consent, alone and beside a token that would need none',
    run: async (context) => {
      const subject = { sub_ids: [{ id: context.sender.url, format: 'uri' }] };
      expectPending(await postGrant(context, context.sender, { subject, interact: interact() }));
      const access_token = { access: [quoteAccess()] };
      expectPending(await postGrant(context, context.sender, { access_token, subject, interact: interact() }));
    },
  },
  {
    id: 'grant.mixed',
    rows: ['AS-41', 'AS-59'],
    title: 'a quote and an outgoing payment need one consent, and one token works for both',
    run: async (context) => {
      const grant = await grantOutgoing(context, quoteAccess(), outgoingAccess(context.sender));
      const incoming = await createIncomingPayment(context, { value: '100' });
      const json = { walletAddress: context.sender.url, receiver: incoming.id, method: 'ilp' };
      const quote = expectStatus(await postQuote(context, json, grant.access_token.value), 201).body;
      await payQuote(context, quote.id, grant.access_token.value);
    },
  },
  {
    id: 'grant.identifier-scopes',
    rows: ['AS-39', 'RS-09', 'RS-IP-29', 'AMB-28'],
    title: 'a token without identifier works for any wallet address of its ASE',
    run: async (context) => {
      const item = { type: 'incoming-payment', actions: ['create'] };
      const token = (await requestToken(context, context.sender, [item])).access_token.value;
      const url = `${context.sender.resourceServer}/incoming-payments`;
      for (const walletAddress of [context.sender.url, (await secondWallet(context)).url]) {
        expectStatus(
          await context.call({ operation: 'create-incoming-payment', url, json: { walletAddress }, token }),
          201,
        );
      }
    },
  },
  {
    id: 'grant.foreign-token',
    rows: ['RS-23'],
    title: 'a token of one ASE is refused at the other',
    run: async (context) => {
      expectTwoAses(context);
      const token = await incomingToken(context);
      const url = `${context.sender.resourceServer}/incoming-payments`;
      const json = { walletAddress: context.sender.url };
      expectStatus(await context.call({ operation: 'create-incoming-payment', url, json, token }), 401);
      await createQuote(context, (await createIncomingPayment(context, { value: '5' })).id);
    },
  },
];
