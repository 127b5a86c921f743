/** Faults that a test injects over Touchstone's control API. */
import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../../../runner/check.ts';
import { addFault } from '../../../steps/control.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../../../steps/expect.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  incomingToken,
  outgoingToken,
  payQuote,
  postQuote,
  quoteAccess,
  waitUntilReceived,
  waitUntilSettled,
} from '../../../steps/scenarios.ts';
import type { Answer, Json } from '../../../steps/signed-client.ts';
import { inNewWorld } from '../../../steps/world.ts';

const listFaults = async ({ control }: CheckContext): Promise<Json[]> =>
  (await control.request('GET', '/faults')).body.faults;

/** Without an operation, since an answer that is broken on purpose must not be validated. */
async function createAnyPayment(context: CheckContext): Promise<Answer> {
  const { receiver } = context;
  return context.call({
    // Injected faults make answers that are not documented.
    operation: null,
    url: `${receiver.resourceServer}/incoming-payments`,
    json: { walletAddress: receiver.url },
    token: await incomingToken(context),
  });
}

async function countPayments(context: CheckContext): Promise<number> {
  const { receiver } = context;
  const url = `${receiver.resourceServer}/incoming-payments?wallet-address=${encodeURIComponent(receiver.url)}&first=50`;
  const answer = await context.call({ operation: 'list-incoming-payments', url, token: await incomingToken(context) });
  return expectStatus(answer, 200).body.result.length;
}

async function pay(context: CheckContext, value: string): Promise<{ incoming: Json; payment: Json; quote: Json }> {
  const token = await outgoingToken(context);
  const incoming = await createIncomingPayment(context);
  const quote = await createQuote(context, incoming.id, { debitAmount: amountOf(context.sender, value) });
  const { id } = await payQuote(context, quote.id, token);
  return { incoming, quote, payment: await waitUntilSettled(context, id, token) };
}

export const checks: readonly Check[] = [
  {
    id: 'faults.answers',
    rows: ['CT-06'],
    title: 'the nth call of an operation fails, is delayed, gets a non-JSON body, loses its connection or its answer',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        const operation = 'create-incoming-payment';
        assert.equal(
          (await world.control.request('POST', '/faults', { operation: 'no-such', kind: 'reset' })).status,
          400,
        );
        const error = { status: 503, code: 'no_such_code' };
        await addFault(world, { operation, kind: 'status', nth: 2, ...error });
        expectStatus(await createAnyPayment(world), 201);
        const failed = expectStatus(await createAnyPayment(world), 503);
        assert.equal(failed.body.error.code, 'no_such_code');
        expectStatus(await createAnyPayment(world), 201);
        assert.equal((await listFaults(world))[0].struck, 1);

        await addFault(world, { operation, kind: 'garbage', times: 2 });
        for (const _ of [1, 2]) assert.equal((await createAnyPayment(world)).body, undefined, 'no JSON');
        assert.equal(await countPayments(world), 2, 'nothing was done');

        await addFault(world, { operation, kind: 'delay', delayMs: 300 });
        const started = performance.now();
        expectStatus(await createAnyPayment(world), 201);
        assert.ok(performance.now() - started >= 290, 'the answer comes late');

        await addFault(world, { operation, kind: 'reset' });
        await assert.rejects(createAnyPayment(world), 'the connection ends');
        assert.equal(await countPayments(world), 3);
        await addFault(world, { operation, kind: 'after-commit' });
        await assert.rejects(createAnyPayment(world), 'the connection ends');
        assert.equal(await countPayments(world), 4, 'done, and the answer lost');

        await addFault(world, { operation, ase: 'nowhere', kind: 'reset' });
        expectStatus(await createAnyPayment(world), 201);
        await addFault(world, { operation, kind: 'reset', times: 9 });
        assert.equal((await world.control.request('DELETE', '/faults')).status, 204);
        expectStatus(await createAnyPayment(world), 201);
        await addFault(world, { operation, kind: 'reset' });
        assert.equal((await world.control.request('POST', '/reset')).status, 204);
        assert.deepEqual(await listFaults(world), [], 'a reset world has none');
      });
    },
  },
  {
    id: 'faults.forms',
    rows: ['AS-163', 'CT-06'],
    title: 'faults produce the undocumented answers of Rafiki: errors without a code, as text, at other statuses',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        // Rafiki's answers are not documented ones.
        const ask = () => world.call({ operation: null, url: world.sender.authServer, json: {} });
        const operation = 'post-request';
        await addFault(world, { operation, kind: 'status', status: 400, form: 'no-code' });
        const { error } = expectStatus(await ask(), 400).body;
        assert.deepEqual(Object.keys(error), ['description']);
        await addFault(world, { operation, kind: 'status', status: 400, form: 'text' });
        const text = expectStatus(await ask(), 400);
        assert.deepEqual([text.body, text.headers.get('content-type')?.split(';')[0]], [undefined, 'text/plain']);
        await addFault(world, { operation, kind: 'status', status: 500, form: 'text' });
        assert.match(expectStatus(await ask(), 500).headers.get('content-type') ?? '', /^text\/plain/);
        await addFault(world, { operation: 'post-continue', kind: 'status', status: 401, code: 'invalid_request' });
        const url = `${world.sender.authServer.replace(/\/$/, '')}/continue/1`;
        expectGnapError(
          await world.call({ operation: null, method: 'POST', url, token: 'any' }),
          401,
          'invalid_request',
        );
        await addFault(world, { operation: 'get-quote', kind: 'status', status: 403, code: '403' });
        const quote = await world.call({
          operation: null,
          url: `${world.sender.resourceServer}/quotes/1`,
          token: 'any',
        });
        expectResourceError(quote, 403);
        assert.equal(quote.body.error.code, '403');
        expectGnapError(await ask(), 400, 'invalid_request');
      });
    },
  },
  {
    id: 'faults.internal',
    rows: ['AS-164', 'AS-160', 'AS-14'],
    title:
      'an internal error of the authorization server is 500 request_denied with the id of the failure and nothing else',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        const { authServer } = world.sender;
        const base = authServer.replace(/\/$/, '');
        const calls = [
          { operation: 'post-request', url: authServer, json: { client: world.target.client } },
          { operation: 'post-continue', method: 'POST', url: `${base}/continue/1`, token: 'any' },
          { operation: 'delete-continue', method: 'DELETE', url: `${base}/continue/1`, token: 'any' },
          { operation: 'post-token', method: 'POST', url: `${base}/token/1`, token: 'any' },
          { operation: 'delete-token', method: 'DELETE', url: `${base}/token/1`, token: 'any' },
        ];
        const failures = new Set<string>();
        for (const call of calls) {
          await addFault(world, { operation: call.operation, kind: 'crash' });
          const { body } = expectGnapError(await world.call(call), 500, 'request_denied');
          assert.match(body.error.description, /^internal error [0-9a-f-]{36}$/);
          failures.add(body.error.description);
          const { status } = await world.call(call);
          assert.ok(status === 400 || status === 401, `what the client does wrong is never a 500: ${status}`);
        }
        assert.equal(failures.size, calls.length, 'error ids are distinct');
      });
    },
  },
  {
    id: 'faults.too-many-requests',
    rows: ['AS-165', 'AMB-14'],
    title: 'a fault makes a client see 429 and 503 with Retry-After; without it requests are not limited',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        const { authServer: url } = world.sender;
        const json = { client: world.target.client, access_token: { access: [quoteAccess()] } };
        const ask = () => world.call({ operation: 'post-request', url, json });
        const answers = await Promise.all(Array.from({ length: 40 }, ask));
        for (const answer of answers) expectStatus(answer, 200);
        for (const status of [429, 503]) {
          await addFault(world, { operation: 'post-request', kind: 'status', status });
          const answer = expectGnapError(await ask(), status, 'request_denied');
          assert.match(answer.headers.get('retry-after') ?? '', /^[1-9][0-9]*$/);
          expectStatus(await ask(), 200);
        }
      });
    },
  },
  {
    id: 'faults.payments',
    rows: ['CT-06', 'RS-Q-15'],
    title: 'a payment fails entirely or after a part; without a price the quote fails',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        await addFault(world, { operation: 'send-packet', kind: 'status' });
        const { payment: failed } = await pay(world, '1000');
        assert.deepEqual([failed.failed, failed.sentAmount.value], [true, '0']);

        await addFault(world, { operation: 'send-packet', kind: 'status', nth: 2 });
        const { incoming, payment, quote } = await pay(world, '600000');
        assert.equal(payment.failed, true);
        const sent = BigInt(payment.sentAmount.value);
        assert.ok(0n < sent && sent < BigInt(quote.debitAmount.value), 'a part of it was sent');
        const read = await world.call({ operation: 'get-incoming-payment', url: incoming.id, sign: false });
        const received = BigInt(expectStatus(read, 200).body.receivedAmount.value);
        assert.ok(0n < received && received < BigInt(quote.receiveAmount.value), 'and a part received');
        const { ases } = (await world.control.request('GET', '/ledger')).body;
        assert.ok(
          ases.every(({ balanced }: Json) => balanced),
          'the books balance',
        );

        const prices = `/ases/${ases[0].name}/prices`;
        const before = (await world.control.request('GET', prices)).body;
        const { id } = await createIncomingPayment(world, { value: '10' });
        const ask = () => postQuote(world, { walletAddress: world.sender.url, receiver: id, method: 'ilp' });
        const without = { ...before.prices };
        delete without[world.receiver.assetCode];
        assert.equal((await world.control.request('PUT', prices, { prices: without })).status, 200);
        expectResourceError(await ask(), 500, /could not convert/);
        assert.equal((await world.control.request('PUT', prices, before)).status, 200);
        const { body } = expectStatus(await ask(), 201);
        await payQuote(world, body.id, await outgoingToken(world));
        await waitUntilReceived(world, id, '10');
      });
    },
  },
  {
    id: 'faults.veto',
    rows: ['RS-IP-31', 'CT-06'],
    title: 'an incoming payment that the ASE vetoes is 403 in the format of all refusals, and is not created',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        const operation = 'create-incoming-payment';
        await addFault(world, { operation, kind: 'status', status: 403, code: 'forbidden' });
        expectResourceError(await createAnyPayment(world), 403);
        assert.equal(await countPayments(world), 0);
        expectStatus(await createAnyPayment(world), 201);
      });
    },
  },
];
