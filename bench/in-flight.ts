/**
 * Time that a payment of many packets takes over a link with latency, one packet at a time and with several in flight.
 * Compare the ratio between runs, not the times. `node bench/in-flight.ts [--packets N] [--latency MS]`
 */
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Database, openDatabase } from '../src/database/database.ts';
import { arrangePayment } from '../test/payments/support/arrange-payment.ts';

const { values } = parseArgs({
  options: { packets: { type: 'string', default: '41' }, latency: { type: 'string', default: '500' } },
});
const packets = BigInt(values.packets);
const latencyMs = Number(values.latency);

/** Milliseconds from the hold to the completion. */
async function measure(db: Database, maxInFlight: number): Promise<number> {
  const amounts = { debitAmount: packets * 10n, receiveAmount: packets * 10n };
  const { processPayment } = await arrangePayment(db, amounts, {
    maxPacketAmount: 10n,
    worker: { maxInFlight },
    wrapLink: (link) => ({
      async send(...packet) {
        await wait(latencyMs);
        return link.send(...packet);
      },
    }),
  });
  const started = performance.now();
  const state = await processPayment(1_000);
  if (state !== 'completed') throw new Error(`the payment is ${state}`);
  return performance.now() - started;
}

const postgres = process.env['TOUCHSTONE_TEST_POSTGRES'];
const db = await openDatabase(
  postgres ? { kind: 'postgresql', url: `${postgres}/touchstone_bench` } : { kind: 'embedded' },
);
console.log(`a payment of ${packets} packets, ${latencyMs} ms to the peer, ${db.kind} database`);
const alone = await measure(db, 1);
for (const inFlight of [1, 5, 20]) {
  const time = inFlight === 1 ? alone : await measure(db, inFlight);
  const columns = [`${inFlight}`.padStart(2), time.toFixed(0).padStart(7), (alone / time).toFixed(1).padStart(5)];
  console.log(`${columns[0]} in flight ${columns[1]} ms, ${columns[2]} times as fast as one`);
}
await db.close();
