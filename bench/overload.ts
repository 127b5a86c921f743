/**
 * Open loop at a multiple of the capacity: what is answered, what is shed, and how long `/livez` takes meanwhile. Then
 * a closed loop at once: how fast the server has recovered. `node bench/overload.ts [--load 2] [--seconds 10]`
 */
import { parseArgs } from 'node:util';
import { createDriver, measureCapacity, median, quantile } from './support/driver.ts';
import { runOpenLoop } from './support/open-loop.ts';
import { createIncoming, openReceiver } from './support/operations.ts';
import { meetParty } from './support/party.ts';
import { probeDuring } from './support/probe.ts';
import { pinDriver, startPostgresql } from './support/processes.ts';
import { startProgram } from './support/sides.ts';

/** A liveness probe has to be answered within this time. */
const LIVEZ_MS = 100;
/** Requests that are answered have to be answered within this time, and so many of them as a share of the capacity. */
const P99_MS = 1_000;
const MIN_GOODPUT = 0.8;
const CONNECTIONS = 16;

const { values } = parseArgs({
  options: { load: { type: 'string', default: '2' }, seconds: { type: 'string', default: '10' } },
});
const seconds = Number(values.seconds);

await using postgresql = await startPostgresql();
await using program = await startProgram(postgresql, 'overload');
pinDriver();
const closed = createDriver(CONNECTIONS);
const party = await meetParty(closed.send, program.target);
const { token } = await openReceiver(closed.send, party);
const sign = (count: number) => Array.from({ length: count }, () => createIncoming(party, token));

const measure = () => measureCapacity(closed, CONNECTIONS, sign(1000));

// The first lets the program compile.
await measure();
const before = await measure();
const rate = before.rate * Number(values.load);
const calls = sign(Math.round(rate * seconds));

const open = createDriver(Number.POSITIVE_INFINITY);
const started = performance.now();
const { result, latencies: probes } = await probeDuring(party.payer.resourceServer, () =>
  runOpenLoop(open.send, rate, calls),
);
const { counts, latencies } = result;
const lasted = (performance.now() - started) / 1000;
const after = await measure();
open.close();
closed.close();

console.log(`capacity ${before.rate.toFixed(0)}/s with ${CONNECTIONS} connections, p50 ${before.p50.toFixed(1)} ms`);
console.log(`open loop at ${rate.toFixed(0)}/s for ${seconds} s, answered after ${lasted.toFixed(1)} s:`);
for (const [kind, count] of counts) console.log(`  ${kind}: ${count}, ${(count / lasted).toFixed(0)}/s`);
console.log(
  `  p50 ${median(latencies).toFixed(0)} ms, p99 ${quantile(latencies, 0.99).toFixed(0)} ms of those that succeeded`,
);
console.log(
  `/livez: p50 ${median(probes).toFixed(1)} ms, p99 ${quantile(probes, 0.99).toFixed(1)} ms of ${probes.length}`,
);
console.log(`afterwards ${after.rate.toFixed(0)}/s, p50 ${after.p50.toFixed(1)} ms`);

const goodput = (counts.get('2xx') ?? 0) / lasted;
const others = [...counts.keys()].filter((kind) => kind !== '2xx' && kind !== '503 with Retry-After');
const problems = [
  ...others.map((kind) => `${counts.get(kind)} requests ended with ${kind}`),
  ...(counts.has('503 with Retry-After') ? [] : ['nothing was shed']),
  ...(quantile(latencies, 0.99) > P99_MS ? [`a request that was answered took more than ${P99_MS} ms`] : []),
  ...(goodput < MIN_GOODPUT * before.rate ? [`less than ${MIN_GOODPUT * 100} % of the capacity was answered`] : []),
  ...(quantile(probes, 0.99) > LIVEZ_MS ? [`/livez took more than ${LIVEZ_MS} ms`] : []),
  ...(after.rate < before.rate / 2 ? ['the server has not recovered'] : []),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
