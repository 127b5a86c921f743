/** Token management: rotation and revocation. RFC 9635 §6, Open Payments auth-server POST and DELETE /token/{id}. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../steps/expect.ts';
import {
  amountOf,
  continueGrant,
  createIncomingPayment,
  createQuote,
  grantOutgoing,
  incomingAccess,
  outgoingAccess,
  passWait,
  payQuote,
  postIncomingPayment,
  postOutgoingPayment,
  requestToken,
  revokeToken,
  rotateToken,
} from '../../steps/scenarios.ts';
import type { Answer, Call, Json } from '../../steps/signed-client.ts';

const issue = (context: CheckContext): Promise<Json> =>
  requestToken(context, context.receiver, [incomingAccess(context.receiver, ['create', 'read'])]);
const use = (context: CheckContext, token: string): Promise<Answer> =>
  postIncomingPayment(context, { walletAddress: context.receiver.url }, token);

const operations = [
  ['post-token', 'POST'],
  ['delete-token', 'DELETE'],
] as const;

/** Invalid credentials for token management. */
const refusals: readonly {
  readonly ids: Readonly<Record<'post-token' | 'delete-token', string>>;
  readonly rows: readonly string[];
  readonly title: string;
  readonly change: (token: Json) => Partial<Call>;
}[] = [
  {
    ids: { 'post-token': 'token.post-token-unsigned', 'delete-token': 'token.delete-token-unsigned' },
    rows: ['AS-145'],
    title: 'no signature',
    change: (token) => ({ token: token.value, sign: false }),
  },
  {
    ids: { 'post-token': 'token.post-token-broken-signature', 'delete-token': 'token.delete-token-broken-signature' },
    rows: ['AS-145'],
    title: 'a wrong signature',
    change: (token) => ({ token: token.value, sign: { broken: true } }),
  },
  {
    ids: { 'post-token': 'token.post-token-unknown-id', 'delete-token': 'token.delete-token-unknown-id' },
    rows: ['AS-146'],
    title: 'an unknown management id',
    change: (token) => ({ token: token.value, url: token.manage.replace(/[^/]+$/, randomUUID()) }),
  },
  {
    ids: { 'post-token': 'token.post-token-uncovered-token', 'delete-token': 'token.delete-token-uncovered-token' },
    rows: ['SIG-04'],
    title: 'a token outside of the signature',
    change: (token) => ({ token: token.value, sign: { components: ['@method', '@target-uri'] } }),
  },
];

export const checks: readonly Check[] = [
  ...refusals.flatMap(({ ids, rows, title, change }): Check[] =>
    operations.map(([operation, method]) => ({
      id: ids[operation],
      rows: [...rows, 'AS-160', 'AS-162', 'AS-14'],
      title: `${operation} is refused with 401 invalid_client: ${title}`,
      run: async (context) => {
        const { access_token } = await issue(context);
        const answer = await context.call({ operation, method, url: access_token.manage, ...change(access_token) });
        expectGnapError(answer, 401, 'invalid_client');
        expectStatus(await use(context, access_token.value), 201);
      },
    })),
  ),
  {
    id: 'token.rotate',
    rows: ['AS-140', 'AS-141', 'AS-142', 'AS-14', 'AS-N11', 'AS-146', 'RS-06', 'AMB-02'],
    title: 'rotation brings a new value and URL with the same rights; the old ones stop working at once',
    run: async (context) => {
      const grant = await issue(context);
      const answer = expectStatus(await rotateToken(context, grant.access_token), 200);
      assert.match(answer.headers.get('cache-control') ?? '', /no-store/);
      assert.deepEqual(Object.keys(answer.body), ['access_token']);
      const { value, manage, access, expires_in } = answer.body.access_token;
      assert.notEqual(value, grant.access_token.value);
      assert.notEqual(value, grant.continue.access_token.value);
      assert.notEqual(manage, grant.access_token.manage);
      assert.deepEqual(access, grant.access_token.access);
      assert.equal(expires_in, grant.access_token.expires_in);
      expectResourceError(await use(context, grant.access_token.value), 401);
      expectStatus(await use(context, value), 201);
      expectGnapError(await rotateToken(context, grant.access_token), 401, 'invalid_client');
    },
  },
  {
    id: 'token.rotate-limits',
    rows: ['AS-141', 'AS-146'],
    title: 'the answer to a rotation names the limits of the grant, which hold for the new token',
    run: async (context) => {
      const { sender } = context;
      const limits = { debitAmount: amountOf(sender, '100'), interval: 'R/2001-01-01T00:00:00Z/P1M' };
      const grant = await grantOutgoing(context, outgoingAccess(sender, limits));
      const { access_token } = expectStatus(await rotateToken(context, grant.access_token), 200).body;
      assert.deepEqual(access_token.access[0].limits, limits);
      assert.deepEqual(access_token.access, grant.access_token.access);
      const { id } = await createIncomingPayment(context);
      const quote = await createQuote(context, id, { debitAmount: amountOf(sender, '101') });
      const json = { walletAddress: sender.url, quoteId: quote.id };
      expectResourceError(await postOutgoingPayment(context, json, access_token.value), 403);
    },
  },
  {
    id: 'token.rotate-empty-body',
    rows: ['AS-134'],
    title: 'an empty body with a JSON content type and the digest of nothing counts as no body',
    run: async (context) => {
      const { access_token } = await issue(context);
      const sign = { digest: 'sha-512', components: ['@method', '@target-uri', 'authorization'] } as const;
      const { manage: url, value: token } = access_token;
      const contentType = 'application/json';
      expectStatus(await context.call({ operation: 'post-token', method: 'POST', url, token, contentType, sign }), 200);
    },
  },
  {
    id: 'token.rotate-in-parallel',
    rows: ['AS-147'],
    title: 'of two rotations at once exactly one succeeds',
    run: async (context) => {
      const { access_token } = await issue(context);
      const answers = await Promise.all([rotateToken(context, access_token), rotateToken(context, access_token)]);
      const [refused, ...others] = answers.filter((answer) => answer.status !== 200);
      assert.ok(refused && others.length === 0, `answered ${answers.map((answer) => answer.status).join(' and ')}`);
      if (refused.status === 404) expectGnapError(refused, 404, 'invalid_rotation');
      else expectGnapError(refused, 401, 'invalid_client');
    },
  },
  {
    id: 'token.rotation-keeps-totals',
    rows: ['AS-148', 'LIM-15', 'LIM-N03', 'RS-G-09', 'RS-OP-25'],
    title: 'amounts spent before a rotation count after it',
    run: async (context) => {
      const { sender } = context;
      const quoteFor = async (): Promise<string> => {
        const incoming = await createIncomingPayment(context);
        return (await createQuote(context, incoming.id, { debitAmount: amountOf(sender, '60') })).id;
      };
      const grant = await grantOutgoing(context, outgoingAccess(sender, { debitAmount: amountOf(sender, '100') }));
      await payQuote(context, await quoteFor(), grant.access_token.value);
      const token = expectStatus(await rotateToken(context, grant.access_token), 200).body.access_token;
      const spent = await context.call({
        operation: 'get-outgoing-payment-grant',
        url: `${sender.resourceServer}/outgoing-payment-grant`,
        token: token.value,
      });
      assert.equal(expectStatus(spent, 200).body.spentDebitAmount?.value, '60');
      const json = { walletAddress: sender.url, quoteId: await quoteFor() };
      expectResourceError(await postOutgoingPayment(context, json, token.value), 403);
    },
  },
  {
    id: 'token.revoke',
    rows: ['AS-149', 'AS-150', 'AS-146', 'AS-152', 'RS-06'],
    title: 'a revoked token stops working at once; revoking it again is refused',
    run: async (context) => {
      const { access_token } = await issue(context);
      expectStatus(await use(context, access_token.value), 201);
      const answer = expectStatus(await revokeToken(context, access_token), 204);
      assert.equal(answer.text, '');
      assert.match(answer.headers.get('cache-control') ?? '', /no-store/);
      expectResourceError(await use(context, access_token.value), 401);
      expectGnapError(await revokeToken(context, access_token), 401, 'invalid_client');
      expectGnapError(await rotateToken(context, access_token), 401, 'invalid_client');
    },
  },
  {
    id: 'token.revoked-is-not-continued',
    rows: ['AS-151'],
    title: 'a revoked token cannot be replaced through the continuation',
    run: async (context) => {
      const grant = await grantOutgoing(context, outgoingAccess(context.sender));
      expectStatus(await revokeToken(context, grant.access_token), 204);
      await passWait(context, grant);
      const answer = await continueGrant(context, grant);
      expectGnapError(answer, 401, 'request_denied', 'invalid_continuation');
    },
  },
];
