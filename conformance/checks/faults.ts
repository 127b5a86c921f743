// Faults on purpose: what a client must live through can be brought about, one call at a time.
import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../runner/check.ts';
import { expectResourceError, expectStatus } from '../runner/expect.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  incomingToken,
  outgoingToken,
  payQuote,
  postQuote,
  waitUntilReceived,
  waitUntilSettled,
} from '../runner/scenarios.ts';
import type { Answer, Json } from '../runner/signed-client.ts';
import { withWorld } from '../runner/world.ts';

async function addFault({ control }: CheckContext, fault: Json): Promise<Json> {
  const { status, body } = await control.request('POST', '/faults', fault);
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

const listFaults = async ({ control }: CheckContext): Promise<Json[]> =>
  (await control.request('GET', '/faults')).body.faults;

/** Not held against the document: the answer may be broken on purpose. */
async function createAnyPayment(context: CheckContext): Promise<Answer> {
  const { receiver } = context;
  return context.call({
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

export const faultChecks: Check[] = [
  {
    id: 'faults.answers',
    rows: ['CT-06'],
    title: 'the nth call of an operation fails, comes late, is no JSON, ends the connection or is lost when done',
    run: async (outer) => {
      await withWorld(outer, {}, async (context) => {
        const operation = 'create-incoming-payment';
        assert.equal(
          (await context.control.request('POST', '/faults', { operation: 'no-such', kind: 'reset' })).status,
          400,
        );
        const error = { status: 503, code: 'no_such_code' };
        await addFault(context, { operation, kind: 'status', nth: 2, ...error });
        expectStatus(await createAnyPayment(context), 201);
        const failed = expectStatus(await createAnyPayment(context), 503);
        assert.equal(failed.body.error.code, 'no_such_code');
        expectStatus(await createAnyPayment(context), 201);
        assert.equal((await listFaults(context))[0].struck, 1);

        await addFault(context, { operation, kind: 'garbage', times: 2 });
        for (const _ of [1, 2]) assert.equal((await createAnyPayment(context)).body, undefined, 'no JSON');
        assert.equal(await countPayments(context), 2, 'nothing was done');

        await addFault(context, { operation, kind: 'delay', delayMs: 300 });
        const started = performance.now();
        expectStatus(await createAnyPayment(context), 201);
        assert.ok(performance.now() - started >= 290, 'the answer comes late');

        await addFault(context, { operation, kind: 'reset' });
        await assert.rejects(createAnyPayment(context), 'the connection ends');
        assert.equal(await countPayments(context), 3);
        await addFault(context, { operation, kind: 'after-commit' });
        await assert.rejects(createAnyPayment(context), 'the connection ends');
        assert.equal(await countPayments(context), 4, 'done, and the answer lost');

        await addFault(context, { operation, ase: 'nowhere', kind: 'reset' });
        expectStatus(await createAnyPayment(context), 201);
        await addFault(context, { operation, kind: 'reset', times: 9 });
        assert.equal((await context.control.request('DELETE', '/faults')).status, 204);
        expectStatus(await createAnyPayment(context), 201);
        await addFault(context, { operation, kind: 'reset' });
        assert.equal((await context.control.request('POST', '/reset')).status, 204);
        assert.deepEqual(await listFaults(context), [], 'a reset world has none');
      });
    },
  },
  {
    id: 'faults.payments',
    rows: ['CT-06', 'RS-Q-15'],
    title: 'a payment fails as a whole or after a part; without a price there is no quote',
    run: async (outer) => {
      await withWorld(outer, {}, async (context) => {
        await addFault(context, { operation: 'send-packet', kind: 'status' });
        const { payment: failed } = await pay(context, '1000');
        assert.deepEqual([failed.failed, failed.sentAmount.value], [true, '0']);

        await addFault(context, { operation: 'send-packet', kind: 'status', nth: 2 });
        const { incoming, payment, quote } = await pay(context, '600000');
        assert.equal(payment.failed, true);
        const sent = BigInt(payment.sentAmount.value);
        assert.ok(0n < sent && sent < BigInt(quote.debitAmount.value), 'a part of it was sent');
        const read = await context.call({ operation: 'get-incoming-payment', url: incoming.id, sign: false });
        const received = BigInt(expectStatus(read, 200).body.receivedAmount.value);
        assert.ok(0n < received && received < BigInt(quote.receiveAmount.value), 'and a part received');
        const { ases } = (await context.control.request('GET', '/ledger')).body;
        assert.ok(
          ases.every(({ balanced }: Json) => balanced),
          'the books balance',
        );

        const prices = `/ases/${ases[0].name}/prices`;
        const before = (await context.control.request('GET', prices)).body;
        const { id } = await createIncomingPayment(context, { value: '10' });
        const ask = () => postQuote(context, { walletAddress: context.sender.url, receiver: id, method: 'ilp' });
        const without = { ...before.prices };
        delete without[context.receiver.assetCode];
        assert.equal((await context.control.request('PUT', prices, { prices: without })).status, 200);
        expectResourceError(await ask(), 500, /could not convert/);
        assert.equal((await context.control.request('PUT', prices, before)).status, 200);
        const { body } = expectStatus(await ask(), 201);
        await payQuote(context, body.id, await outgoingToken(context));
        await waitUntilReceived(context, id, '10');
      });
    },
  },
];
