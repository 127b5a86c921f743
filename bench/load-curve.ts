/**
 * Latency against load: open loops at rising shares of the capacity. `node bench/load-curve.ts --write` puts the results
 * into `bench/results.json` for the plot.
 */
import { parseArgs } from 'node:util';
import { createDriver, measureCapacity, median, quantile } from './support/driver.ts';
import { runOpenLoop } from './support/open-loop.ts';
import { createIncoming, openReceiver } from './support/operations.ts';
import { meetParty } from './support/party.ts';
import { pinDriver, startPostgresql } from './support/processes.ts';
import { writeResults } from './support/results.ts';
import { startProgram } from './support/sides.ts';

const CONNECTIONS = 16;
/** For a measurement of the capacity. */
const CALLS = 1000;
const SECONDS = 5;
const shares = [0.1, 0.25, 0.5, 0.75, 0.9, 1, 1.25, 1.5];

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });

await using postgresql = await startPostgresql();
await using program = await startProgram(postgresql, 'load');
pinDriver();
const driver = createDriver(CONNECTIONS);
const party = await meetParty(driver.send, program.target);
const { token } = await openReceiver(driver.send, party);
const sign = (count: number) => Array.from({ length: count }, () => createIncoming(party, token));

await measureCapacity(driver, CONNECTIONS, sign(CALLS));
const { rate: capacity } = await measureCapacity(driver, CONNECTIONS, sign(CALLS));
driver.close();
console.log(`capacity ${capacity.toFixed(0)}/s with ${CONNECTIONS} connections`);
const load: { rate: number; p50: number; p99: number }[] = [];
for (const share of shares) {
  const rate = Math.round(capacity * share);
  const open = createDriver(Number.POSITIVE_INFINITY);
  const { counts, latencies } = await runOpenLoop(open.send, rate, sign(rate * SECONDS));
  open.close();
  const point = { rate, p50: Number(median(latencies).toFixed(1)), p99: Number(quantile(latencies, 0.99).toFixed(1)) };
  load.push(point);
  const kinds = [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
  console.log(`${rate}/s: p50 ${point.p50} ms, p99 ${point.p99} ms; ${kinds}`);
}
if (values.write) writeResults({ load });
