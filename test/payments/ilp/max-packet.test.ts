/** The maximum of a peer is a value: it carries as much in an asset of many decimal places as in one of few. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { maxPacketIn, packetsFor } from '../../../src/payments/ilp/link.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import { arrangePayment } from '../support/arrange-payment.ts';

const maxPacketAmount = 250_000n;
const MAX = 2n ** 64n - 1n;

const db = useTestDatabase();

it('counts hundredths, or minor units where these are larger, and never exceeds uint64', () => {
  const maxima = [0, 1, 2, 3, 9, 18, 255].map((scale) => maxPacketIn({ maxPacketAmount }, { code: 'USD', scale }));
  assert.deepEqual(maxima, [250_000n, 250_000n, 250_000n, 2_500_000n, 2_500_000_000_000n, MAX, MAX]);
});

it('packets are counted up', () => {
  const counts = [1n, 10n, 11n, 20n].map((amount) => packetsFor(amount, 10n));
  assert.deepEqual(counts, [1n, 1n, 2n, 2n]);
});

for (const scale of [0, 2, 9, 18]) {
  it(`2,500 units of scale ${scale} are one packet at both ends, and a unit more is two`, async () => {
    const receiveAsset = { code: 'EUR', scale };
    const maximum = maxPacketIn({ maxPacketAmount }, receiveAsset);
    for (const [receiveAmount, packets] of [[maximum, 1] as const, [maximum + 1n, 2] as const]) {
      if (receiveAmount > MAX) continue;
      const options = { maxPacketAmount, receiveAsset };
      const { processPayment, packetCount } = await arrangePayment(db, { debitAmount: 100n, receiveAmount }, options);
      assert.equal(await processPayment(1), 'completed');
      assert.equal(packetCount(), packets);
    }
  });
}

for (const maximum of [1n, 40n]) {
  it(`a payment fails at once if an F08 with ${maximum} would split it into too many packets`, async () => {
    const { processPayment, packetCount, read } = await arrangePayment(
      db,
      { debitAmount: 100_000n, receiveAmount: 90_000n },
      { receiverMaxPacketAmount: maximum },
    );
    assert.equal(await processPayment(1), 'failed');
    const { outgoing, payer } = await read();
    assert.deepEqual([outgoing.failure, outgoing.sentAmount, payer], ['too_many_packets', 0n, 100_000n]);
    assert.equal(packetCount(), 1);
  });
}
