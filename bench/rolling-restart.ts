/**
 * Two equal processes behind HAProxy are restarted in turn, several times, while clients make payments within the ASE
 * and to another one. It ends with status 1 if a request fails or a payment is lost. `node bench/rolling-restart.ts`
 */
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createDriver, type Send } from './support/driver.ts';
import { startHaproxy } from './support/haproxy.ts';
import { wholeFlow } from './support/operations.ts';
import { meetParty } from './support/party.ts';
import { pinDriver, startPostgresql } from './support/processes.ts';
import { OTHER_ASE, startEqualProcesses } from './support/sides.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, connections: { type: 'string', default: '8' } },
});
/** Time after which HAProxy has seen that a process is ready. */
const SEEN_MS = 2_000;
const connections = Number(values.connections);

await using postgresql = await startPostgresql();
await using pair = await startEqualProcesses(postgresql, 'rolling', 2);
const { publicPort, ports } = pair;
await using _haproxy = await startHaproxy([
  { port: publicPort, servers: ports },
  { port: publicPort + OTHER_ASE, servers: ports.map((port) => port + OTHER_ASE) },
]);
pinDriver();

const driver = createDriver(connections);
const counts = { requests: 0, flows: 0 };
const failures: string[] = [];
const counted: Send = async (call) => {
  counts.requests += 1;
  return driver.send(call);
};
const parties = [await meetParty(driver.send, pair.target), await meetParty(driver.send, pair.remoteTarget)];
let isOver = false;

/** Payments one after the other, every other one to the other ASE. */
async function pay(): Promise<void> {
  for (let number = 0; !isOver; number += 1) {
    const prepare = await wholeFlow.prepare(counted, parties[number % 2]!);
    const { jobs } = await prepare(1);
    try {
      await jobs[0]!(counted);
      counts.flows += 1;
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
}

const clients = Array.from({ length: connections }, pay);
for (let round = 1; round <= Number(values.rounds); round += 1) {
  for (const index of ports.keys()) {
    await pair.restart(index);
    // HAProxy asks for its readiness several times a second.
    await wait(SEEN_MS);
    console.log(`round ${round}: process ${index} restarted; ${counts.requests} requests, ${failures.length} failures`);
  }
}
isOver = true;
await Promise.all(clients);

/** Counts of payments by state, until none is pending. */
async function settledPayments(): Promise<Map<string, number>> {
  for (;;) {
    const { rows } = await pair.database.connection.query(
      'select state, count(*)::int as count from outgoing_payment group by state',
    );
    const states = new Map<string, number>(rows.map(({ state, count }) => [state, count]));
    if (!states.has('pending')) return states;
  }
}

const states = await settledPayments();
const { rows: received } = await pair.database.connection.query(
  'select sum(received_amount)::int as units from incoming_payment',
);
driver.close();
console.log(
  `${counts.requests} requests, ${failures.length} failed; ${counts.flows} payments accepted, ${[...states]
    .map(([state, count]) => `${count} ${state}`)
    .join(', ')}; ${received[0].units} units received`,
);
for (const failure of new Set(failures.slice(0, 20))) console.error(failure);
const isComplete = states.size === 1 && states.get('completed') === counts.flows && received[0].units === counts.flows;
if (failures.length > 0 || !isComplete) process.exitCode = 1;
