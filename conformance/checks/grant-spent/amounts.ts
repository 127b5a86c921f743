/**
 * Spent amounts of a grant: by interval, by asset, by grant, and after failed payments. Open Payments resource-server
 * GET /outgoing-payment-grant and POST /outgoing-payments.
 */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { type LimitedGrant, openLimitedGrant, withLimitedGrant } from '../../steps/limited-grant.ts';
import { amountOf, createIncomingPayment, createQuote, payQuote } from '../../steps/scenarios.ts';
import type { Json } from '../../steps/signed-client.ts';
import { listParties } from '../../steps/world.ts';

const begin = '2031-01-15T00:00:00Z';
const noLimits = (): Json => ({});

/** Makes packets to the peer fail in this way only; without `fault` none fails. No packet gets through in between. */
async function failPackets({ world }: LimitedGrant, fault?: Json): Promise<void> {
  const { status } = fault
    ? await world.control.request('PUT', '/faults', { operation: 'send-packet', kind: 'status', ...fault })
    : await world.control.request('DELETE', '/faults');
  assert.equal(status, fault ? 200 : 204);
}

/** An amount that needs several packets. */
const severalPackets = '600000';

export const checks: readonly Check[] = [
  {
    id: 'grant-spent.interval',
    rows: ['RS-OP-14', 'RS-G-03', 'RS-G-04', 'CT-03'],
    title: 'spent amounts are those of the current interval: zero where only others were used, null outside of all',
    run: (context) =>
      withLimitedGrant(
        context,
        () => ({ interval: 'R2/2031-01-01T00:00:00Z/P1M' }),
        begin,
        async (grant) => {
          const { pay, settle, readSpent, moveTo, world } = grant;
          const nothing = { spentDebitAmount: null, spentReceiveAmount: null };
          assert.deepEqual(await readSpent(), nothing);
          const { body: first } = expectStatus(await pay('30'), 201);
          const { body: second } = expectStatus(await pay('20'), 201);
          const received = BigInt(first.receiveAmount.value) + BigInt(second.receiveAmount.value);
          const january = {
            spentDebitAmount: amountOf(world.sender, '50'),
            spentReceiveAmount: amountOf(world.receiver, String(received)),
          };
          assert.deepEqual([second.grantSpentDebitAmount, second.grantSpentReceiveAmount], Object.values(january));
          assert.deepEqual(await readSpent(), january);

          await moveTo('2031-02-01T00:00:00Z');
          const zero = {
            spentDebitAmount: amountOf(world.sender, '0'),
            spentReceiveAmount: amountOf(world.receiver, '0'),
          };
          assert.deepEqual(await readSpent(), zero);
          const { body: third } = expectStatus(await pay('7'), 201);
          const february = { spentDebitAmount: third.debitAmount, spentReceiveAmount: third.receiveAmount };
          assert.deepEqual([third.grantSpentDebitAmount, third.grantSpentReceiveAmount], Object.values(february));
          assert.deepEqual(await readSpent(), february);
          assert.equal((await settle(third)).failed, false);

          await moveTo('2031-03-01T00:00:00Z');
          assert.deepEqual(await readSpent(), nothing);
          await moveTo('2031-01-31T23:59:59Z');
          assert.deepEqual(await readSpent(), january);
        },
      ),
  },
  {
    id: 'grant-spent.mixed-assets',
    rows: ['RS-G-08'],
    title: 'received amounts of two assets are never added: a payment shows its own, the grant shows null',
    run: (context) =>
      withLimitedGrant(context, noLimits, begin, async ({ pay, readSpent, world }) => {
        const { receiver } = world;
        const other = (await listParties(world)).find(
          ({ assetCode, resourceServer }) =>
            assetCode !== receiver.assetCode && resourceServer === receiver.resourceServer,
        );
        assert.ok(other, 'the receiver’s ASE has wallet addresses in two assets');
        const { body: first } = expectStatus(await pay('1000'), 201);
        const { body: second } = expectStatus(await pay('2000', other), 201);
        assert.equal(second.receiveAmount.assetCode, other.assetCode);
        assert.deepEqual(second.grantSpentReceiveAmount, second.receiveAmount);
        assert.equal(second.grantSpentDebitAmount.value, '3000');
        assert.deepEqual(await readSpent(), {
          spentDebitAmount: amountOf(world.sender, '3000'),
          spentReceiveAmount: null,
        });
        const { body: third } = expectStatus(await pay('500'), 201);
        const received = BigInt(first.receiveAmount.value) + BigInt(third.receiveAmount.value);
        assert.deepEqual(third.grantSpentReceiveAmount, amountOf(receiver, String(received)));
        assert.equal((await readSpent()).spentReceiveAmount, null);
      }),
  },
  {
    id: 'grant-spent.grants-apart',
    rows: ['RS-G-09', 'LIM-15', 'RS-G-02'],
    title: 'two grants of one client have separate limits and totals',
    run: (context) => {
      const limits = ({ sender }: { sender: LimitedGrant['world']['sender'] }) => ({
        debitAmount: amountOf(sender, '100'),
      });
      return withLimitedGrant(context, limits, begin, async (one) => {
        const other = await openLimitedGrant(one.world, limits(one.world));
        expectStatus(await one.pay('100'), 201);
        assert.deepEqual(await other.readSpent(), { spentDebitAmount: null, spentReceiveAmount: null });
        expectStatus(await other.pay('60'), 201);
        expectResourceError(await one.pay('2'), 403);
        expectResourceError(await other.pay('41'), 403);
        assert.equal((await one.readSpent()).spentDebitAmount.value, '100');
        assert.equal((await other.readSpent()).spentDebitAmount.value, '60');
      });
    },
  },
  {
    id: 'grant-spent.part-failed',
    rows: ['LIM-14', 'RS-OP-18', 'RS-G-07'],
    title: 'a payment that fails halfway returns the unsent amount to the grant, and only that',
    run: (context) =>
      withLimitedGrant(context, limitOf(severalPackets), begin, async (grant) => {
        const { pay, readSpent, world } = grant;
        await failPackets(grant, { nth: 2 });
        const { body: payment } = expectStatus(await pay(severalPackets), 201);
        assert.equal(payment.grantSpentDebitAmount.value, severalPackets, 'all of it counts until then');
        const settled = await grant.settle(payment);
        const { sentAmount } = settled;
        assert.equal(settled.failed, true);
        assert.ok(
          0n < BigInt(sentAmount.value) && BigInt(sentAmount.value) < BigInt(severalPackets),
          'a part was sent',
        );
        const { spentDebitAmount, spentReceiveAmount } = await readSpent();
        assert.deepEqual(spentDebitAmount, sentAmount);
        const read = await world.call({ operation: 'get-incoming-payment', url: payment.receiver, sign: false });
        assert.deepEqual(spentReceiveAmount, expectStatus(read, 200).body.receivedAmount);
        const left = BigInt(severalPackets) - BigInt(sentAmount.value);
        expectResourceError(await pay(String(left + 1n)), 403);
        const { body: rest } = expectStatus(await pay(String(left)), 201);
        assert.equal(rest.grantSpentDebitAmount.value, severalPackets);
      }),
  },
  {
    id: 'grant-spent.insufficient-funds',
    rows: ['RS-OP-23', 'LIM-14', 'RS-OP-18'],
    title: 'without the money the payment is accepted and fails; nothing is sent and the limit is restored',
    run: (context) => {
      const tooMuch = '90000000';
      return withLimitedGrant(context, limitOf(tooMuch), begin, async (grant) => {
        const { pay, readSpent, world } = grant;
        const { body: payment } = expectStatus(await pay(tooMuch), 201);
        const { failed, sentAmount } = await grant.settle(payment);
        assert.deepEqual([failed, sentAmount], [true, amountOf(world.sender, '0')]);
        const { spentDebitAmount, spentReceiveAmount } = await readSpent();
        assert.deepEqual([spentDebitAmount.value, spentReceiveAmount.value], ['0', '0']);
        expectStatus(await pay(tooMuch), 201);
      });
    },
  },
  {
    id: 'grant-spent.receiver-full',
    rows: ['LIM-14', 'RS-OP-18', 'RS-OP-32'],
    title: 'of two payments to a receiver with capacity for one, the other fails and does not count',
    run: (context) =>
      withLimitedGrant(context, noLimits, begin, async (grant) => {
        const { world, token } = grant;
        const { id } = await createIncomingPayment(world, { value: '100' });
        const ask = () => createQuote(world, id, { receiveAmount: amountOf(world.receiver, '80') });
        const quotes = [await ask(), await ask()];
        await failPackets(grant, { times: 1000, code: 'T00' });
        const payments = await Promise.all(quotes.map((quote) => payQuote(world, quote.id, token())));
        await failPackets(grant);
        const settled = await Promise.all(payments.map((payment) => grant.settle(payment)));
        const failed = settled.find((payment) => payment.failed);
        const paid = settled.find((payment) => !payment.failed);
        assert.ok(failed && paid, 'one of them fails');
        assert.equal(failed.sentAmount.value, '0');
        assert.deepEqual(await grant.readSpent(), {
          spentDebitAmount: paid.debitAmount,
          spentReceiveAmount: paid.receiveAmount,
        });
      }),
  },
  {
    id: 'grant-spent.fails-later',
    rows: ['LIM-N01', 'LIM-14', 'CT-03'],
    title: 'a payment that fails in the next interval is returned to the one in which it was created',
    run: (context) => {
      const limits = (world: { sender: LimitedGrant['world']['sender'] }) => ({
        ...limitOf(severalPackets)(world),
        interval: 'R/2031-01-01T00:00:00Z/P1M',
      });
      return withLimitedGrant(context, limits, '2031-01-31T23:59:59Z', async (grant) => {
        const { pay, readSpent, moveTo } = grant;
        // The second packet and its copies come back as temporary failures: the payment goes on trying.
        await failPackets(grant, { nth: 2, times: 1000, code: 'T00' });
        const { body: payment } = expectStatus(await pay(severalPackets), 201);
        await grant.sendPart(payment);
        await moveTo('2031-02-01T00:00:00Z');
        assert.equal((await readSpent()).spentDebitAmount.value, '0', 'it does not count here');
        const { body: other } = expectStatus(await pay('100'), 201);
        await failPackets(grant, { times: 1000, code: 'F99' });
        await grant.settle(other);
        const { failed, sentAmount } = await grant.settle(payment);
        assert.equal(failed, true);
        assert.ok(
          0n < BigInt(sentAmount.value) && BigInt(sentAmount.value) < BigInt(severalPackets),
          'a part was sent',
        );
        assert.equal((await readSpent()).spentDebitAmount.value, '0', 'nor does what it gives back');
        expectResourceError(await pay(String(BigInt(severalPackets) + 1n)), 403);
        expectStatus(await pay(severalPackets), 201);

        await moveTo('2031-01-31T23:59:59Z');
        assert.deepEqual((await readSpent()).spentDebitAmount, sentAmount);
        const left = BigInt(severalPackets) - BigInt(sentAmount.value);
        expectResourceError(await pay(String(left + 1n)), 403);
        expectStatus(await pay(String(left)), 201);
      });
    },
  },
];

function limitOf(value: string) {
  return ({ sender }: { sender: LimitedGrant['world']['sender'] }): Json => ({
    debitAmount: amountOf(sender, value),
  });
}
