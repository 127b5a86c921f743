/**
 * How outgoing payments end: delivered, delivered in part, or not at all, and what that does to balances, fees and the
 * receiver. Open Payments resource-server /outgoing-payments; ILP-0029.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { assertFor } from '../../runner/deviation.ts';
import { balanceOf } from '../../steps/control.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  grantOutgoing,
  outgoingAccess,
  outgoingToken,
  payQuote,
  postOutgoingPayment,
  requestToken,
  waitUntilReceived,
  waitUntilSent,
  waitUntilSettled,
} from '../../steps/scenarios.ts';
import type { Json } from '../../steps/signed-client.ts';
import { inNewWorld, type NewWorld } from '../../steps/world.ts';

/** A world of two ASEs in dollars and euros; the sender has `balance`, and pays half a percent and a fixed 10. */
function withFees<T>(context: CheckContext, balance: number, work: (world: NewWorld) => Promise<T>): Promise<T> {
  const definition = {
    ases: [
      {
        name: 'slate',
        wallets: [
          { path: '/ann', asset: 'USD/2', balance },
          { path: '/client', publicName: 'Client', asset: 'USD/2' },
        ],
      },
      { name: 'chalk', wallets: [{ path: '/ben', asset: 'EUR/2' }] },
    ],
    prices: { USD: '1', EUR: '1.25' },
    fee: { basisPoints: 50, fixed: 10 },
    maxPacketAmount: 1000,
    sender: 'slate/ann',
    receiver: 'chalk/ben',
    client: { wallet: 'slate/client', keyId: 'key-1' },
  };
  return inNewWorld(context, { definition }, work);
}

const failPacket = (world: CheckContext, nth: number) =>
  world.control.request('POST', '/faults', { operation: 'send-packet', kind: 'status', nth });

async function expectBalancedBooks({ control }: CheckContext): Promise<void> {
  const { ases } = (await control.request('GET', '/ledger')).body;
  for (const { name, balanced, totals } of ases) {
    assert.ok(balanced, `the books of ${name} balance`);
    for (const { debits, credits, assetCode } of totals) assert.equal(debits, credits, `${name} in ${assetCode}`);
  }
}

const readPayment = async (context: CheckContext, url: string, token: string): Promise<Json> =>
  expectStatus(await context.call({ operation: 'get-outgoing-payment', url, token }), 200).body;

const receivedBy = async (context: CheckContext, url: string): Promise<bigint> => {
  const { body } = expectStatus(await context.call({ operation: 'get-incoming-payment', url, sign: false }), 200);
  return BigInt(body.receivedAmount.value);
};

export const checks: readonly Check[] = [
  {
    id: 'outgoing-payment.delivered',
    rows: ['SET-05', 'SET-07', 'RS-OP-19', 'RS-OP-31', 'AMB-33', 'AMB-35'],
    title: 'a delivered payment costs what was quoted, fee included; the books balance, and nothing changes afterwards',
    run: async (context) => {
      await withFees(context, 100_000, async (world) => {
        const token = await outgoingToken(world);
        const incoming = await createIncomingPayment(world, { value: '4000' });
        const quote = await createQuote(world, incoming.id);
        // 4000 EUR cents are 5000 USD cents; the fee on those is 25 and 10.
        assert.equal(quote.debitAmount.value, '5035');
        const { id } = await payQuote(world, quote.id, token);
        await waitUntilReceived(world, incoming.id, '4000');
        const payment = await waitUntilSent(world, id, token, '5000');
        assert.deepEqual([payment.failed, payment.sentAmount.value], [false, '5000'], 'the fee was not sent');
        assert.ok(!('completed' in payment) && !('state' in payment), 'no member says completed');
        assert.equal(await balanceOf(world, world.sender.url), 100_000n - 5035n);
        assert.equal(await balanceOf(world, world.receiver.url), 4000n);
        await expectBalancedBooks(world);
        await world.control.advanceClock(120);
        assert.deepEqual(await readPayment(world, id, await outgoingToken(world)), payment);
      });
    },
  },
  {
    id: 'outgoing-payment.given-debit',
    rows: ['SET-05', 'SET-13', 'RS-Q-13'],
    title: 'the fee is taken out of a given debit, rounded up; a debit that does not exceed the fee is refused',
    run: async (context) => {
      await withFees(context, 100_000, async (world) => {
        const { id: receiver } = await createIncomingPayment(world);
        const quoted = async (value: string): Promise<string> =>
          (await createQuote(world, receiver, { debitAmount: amountOf(world.sender, value) })).receiveAmount.value;
        // Half a percent of 1001 is 5.005, rounded up to 6, plus 10: the remaining 985 are 788 EUR cents.
        assert.equal(await quoted('1001'), '788');
        for (const value of ['1', '10', '11', '12']) {
          const debitAmount = amountOf(world.sender, value);
          const json = { walletAddress: world.sender.url, incomingPayment: receiver, debitAmount };
          const answer = await postOutgoingPayment(world, json, await outgoingToken(world));
          expectResourceError(answer, 400, /receive amount/);
        }
        assert.equal(await quoted('13'), '1');
      });
    },
  },
  {
    id: 'outgoing-payment.partly-delivered',
    rows: ['RS-OP-18', 'RS-OP-29', 'RS-OP-31', 'SET-07', 'SET-09', 'SET-12', 'ILP-12'],
    title: 'an interrupted payment fails with the amount sent; the fee is charged in proportion and the rest returned',
    run: async (context) => {
      await withFees(context, 100_000, async (world) => {
        await failPacket(world, 3);
        const token = await outgoingToken(world);
        const incoming = await createIncomingPayment(world, { value: '4000' });
        const { id } = await payQuote(world, (await createQuote(world, incoming.id)).id, token);
        const payment = await waitUntilSettled(world, id, token);
        // Two packets of 1000 EUR cents each are 2500 USD cents.
        assert.deepEqual([payment.failed, payment.sentAmount.value], [true, '2500']);
        assert.equal(await receivedBy(world, incoming.id), 2000n);
        // Half of the fee of 35 is 17.5.
        assert.equal(await balanceOf(world, world.sender.url), 100_000n - 2500n - 18n);
        await expectBalancedBooks(world);
        const spent = await world.call({
          operation: 'get-outgoing-payment-grant',
          url: `${world.sender.resourceServer}/outgoing-payment-grant`,
          token,
        });
        const totals = [amountOf(world.sender, '2518'), amountOf(world.receiver, '2000')];
        assert.deepEqual(Object.values(expectStatus(spent, 200).body), totals, 'the grant counts what was paid');
        const url = `${world.sender.resourceServer}/outgoing-payments?wallet-address=${encodeURIComponent(world.sender.url)}`;
        const list = expectStatus(await world.call({ operation: 'list-outgoing-payments', url, token }), 200);
        assert.deepEqual(list.body.result, [payment]);
        await world.control.advanceClock(120);
        assert.deepEqual(await readPayment(world, id, await outgoingToken(world)), payment, 'the end is the end');
      });
    },
  },
  {
    id: 'outgoing-payment.without-money',
    rows: ['RS-OP-23', 'RS-OP-29', 'LIM-14'],
    title: 'without money a payment is accepted, fails with nothing sent and restores the limit',
    run: async (context) => {
      await withFees(context, 100, async (world) => {
        const limits = { debitAmount: amountOf(world.sender, '5035') };
        const token = (await grantOutgoing(world, outgoingAccess(world.sender, limits))).access_token.value;
        for (let attempt = 1; attempt <= 2; attempt += 1) {
          const incoming = await createIncomingPayment(world, { value: '4000' });
          const { id } = await payQuote(world, (await createQuote(world, incoming.id)).id, token);
          const payment = await waitUntilSettled(world, id, token);
          assert.deepEqual([payment.failed, payment.sentAmount.value], [true, '0']);
          assert.equal(await receivedBy(world, incoming.id), 0n);
        }
        assert.equal(await balanceOf(world, world.sender.url), 100n);
      });
    },
  },
  {
    id: 'outgoing-payment.to-itself',
    rows: ['RS-OP-22', 'RS-OP-21'],
    title: 'a wallet address may pay itself',
    run: async (context) => {
      const { sender } = context;
      const access = [{ type: 'incoming-payment', actions: ['create'], identifier: sender.url }];
      const token = (await requestToken(context, sender, access)).access_token.value;
      const url = `${sender.resourceServer}/incoming-payments`;
      const json = { walletAddress: sender.url, incomingAmount: amountOf(sender, '70') };
      const call = { operation: 'create-incoming-payment', url, json, token };
      const incoming = expectStatus(await context.call(call), 201).body;
      const before = await balanceOf(context, sender.url);
      const quote = await createQuote(context, incoming.id);
      await payQuote(context, quote.id, await outgoingToken(context));
      await waitUntilReceived(context, incoming.id, '70');
      assert.equal(await balanceOf(context, sender.url), before - BigInt(quote.debitAmount.value) + 70n);
    },
  },
  {
    id: 'outgoing-payment.idempotency-key',
    rows: ['RS-OP-24', 'RS-OP-28'],
    title: 'a repeated payment with the same key, or of the same quote, is answered with the payment that was made',
    run: async (context) => {
      const { id: incomingPayment } = await createIncomingPayment(context);
      const json = { walletAddress: context.sender.url, incomingPayment, debitAmount: amountOf(context.sender, '20') };
      const url = `${context.sender.resourceServer}/outgoing-payments`;
      const token = await outgoingToken(context);
      const create = (key: string, body: Json) =>
        context.call({
          operation: 'create-outgoing-payment',
          url,
          json: body,
          token,
          headers: [['idempotency-key', key]],
        });
      const key = randomUUID();
      const first = expectStatus(await create(key, json), 201).body;
      const repeated = await create(key, json);
      assertFor('RS-OP-24', () => assert.deepEqual(expectStatus(repeated, 201).body, first));
      const misused = await create(key, { ...json, metadata: { other: true } });
      assertFor('RS-OP-24', () => expectResourceError(misused, 400, /idempotency key/));
      const second = expectStatus(await create(randomUUID(), { ...json, metadata: { n: 2 } }), 201).body;
      assert.notEqual(second.id, first.id);
      const byQuote = {
        walletAddress: context.sender.url,
        quoteId: (await createQuote(context, incomingPayment, { debitAmount: amountOf(context.sender, '30') })).id,
      };
      const paid = expectStatus(await postOutgoingPayment(context, byQuote, token), 201).body;
      assert.equal(expectStatus(await postOutgoingPayment(context, byQuote, token), 201).body.id, paid.id);
      const other = await postOutgoingPayment(context, { ...byQuote, metadata: { other: true } }, token);
      expectResourceError(other, 400, /^invalid quote$/);
    },
  },
  {
    id: 'outgoing-payment.competing',
    rows: ['RS-OP-32', 'RS-IP-32', 'RS-IP-24', 'AMB-32'],
    title:
      'of two payments that fill a receiver one arrives; the other fails or comes too late, and nothing more is received',
    run: async (context) => {
      const token = await outgoingToken(context);
      const incoming = await createIncomingPayment(context, { value: '100' });
      const quotes = [await createQuote(context, incoming.id), await createQuote(context, incoming.id)];
      const walletAddress = context.sender.url;
      const ends = await Promise.all(
        quotes.map(async ({ id: quoteId }) => {
          const answer = await postOutgoingPayment(context, { walletAddress, quoteId }, token);
          // The other payment may have filled the receiver already.
          if (answer.status !== 201) return expectResourceError(answer, 400, /^invalid quote$/).status;
          const { failed, sentAmount } = await waitUntilSettled(context, answer.body.id, token);
          return failed ? `failed after ${sentAmount.value}` : 'arrived';
        }),
      );
      assert.equal(ends.filter((end) => end === 'arrived').length, 1);
      assert.ok(ends.includes(400) || ends.includes('failed after 0'), 'the other one sent nothing');
      assert.equal(await receivedBy(context, incoming.id), 100n);
    },
  },
  {
    id: 'outgoing-payment.two-accounts-of-one-payee',
    rows: ['SET-08', 'RS-IP-35'],
    title: 'a payment is credited to its incoming payment and to no other of the same wallet address',
    run: async (context) => {
      const token = await outgoingToken(context);
      const [first, second] = [await createIncomingPayment(context), await createIncomingPayment(context)];
      const receiveAmount = amountOf(context.receiver, '31');
      await payQuote(context, (await createQuote(context, first.id, { receiveAmount })).id, token);
      await waitUntilReceived(context, first.id, '31');
      assert.equal(await receivedBy(context, second.id), 0n);
    },
  },
];
