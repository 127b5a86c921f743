/**
 * Memory and idle CPU of one process on PostgreSQL: resident memory while requests of several kinds go on, what each
 * parallel world adds, and CPU while nothing is asked. Fails above the targets. Linux only. `node bench/memory.ts [--requests N] [--worlds N] [--idle S] [--compiled]`
 */
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Call, createDriver, runClosedLoop, sendOk } from './support/driver.ts';
import { createIncoming, openReceiver } from './support/operations.ts';
import { incomingAccess, meetParty, requestGrant } from './support/party.ts';
import { startPostgresql } from './support/processes.ts';
import { startProgram } from './support/sides.ts';

const CONNECTIONS = 16;
const SLICE = 1000;
const BETWEEN_TOKENS = 10 * SLICE;
/** Requests from one line of figures to the next: ten lines of a short run, and enough of a long one to see a trend. */
const MAX_BETWEEN = 50_000;

/** Targets: megabytes of the process and of each parallel world, and percent of a core while nothing is asked. */
const MAX_RESIDENT = 200;
const MAX_WORLD = 3;
const MAX_IDLE = 0.5;
const problems = new Set<string>();

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    worlds: { type: 'string', default: '20' },
    idle: { type: 'string', default: '60' },
    compiled: { type: 'boolean', default: false },
  },
});
const requests = Number(values.requests);
const between = Math.min(MAX_BETWEEN, SLICE * Math.ceil(requests / SLICE / 10));

await using postgresql = await startPostgresql();
await using program = await startProgram(postgresql, 'memory', values.compiled ? 'dist/src/main.js' : undefined);
const { pid, ready } = program.server;
const { env } = ready as { readonly env: Readonly<Record<string, string>> };

const { TOUCHSTONE_CONTROL: control, TOUCHSTONE_CONTROL_TOKEN: operator } = env;
const headers = { authorization: `Bearer ${operator}`, 'content-type': 'application/json' };

/** Megabytes of objects that have lived for a while, of which a leak would be made. */
async function readOldObjects(): Promise<number> {
  const text = await (await fetch(`${control}/metrics`, { headers })).text();
  return Number(/^nodejs_heap_space_size_used_bytes\{space="old"\} (\d+)/m.exec(text)?.[1]) / 1024 ** 2;
}

/** Megabytes of memory that the process has in RAM. */
const readResident = (): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

/** Milliseconds of CPU, in steps of ten, of all threads. */
function readCpu(): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function measureIdle(title: string): Promise<void> {
  await wait(5_000);
  const [cpu, started] = [readCpu(), performance.now()];
  await wait(Number(values.idle) * 1000);
  const share = (readCpu() - cpu) / (performance.now() - started);
  console.log(`idle CPU ${title}: ${(100 * share).toFixed(2)} % of a core, ${readResident().toFixed(0)} MB`);
  if (100 * share > MAX_IDLE) problems.add(`idle it takes more than ${MAX_IDLE} % of a core`);
}

console.log(`ready: ${readResident().toFixed(0)} MB`);
await measureIdle('at the start');

const driver = createDriver(CONNECTIONS);
const party = await meetParty(driver.send, program.target);
let token = '';
const kinds: readonly (() => Call)[] = [
  () => ({ method: 'GET', url: party.payer['id'], headers: {} }),
  () => createIncoming(party, token),
  () => requestGrant(party, party.receiver['authServer'], incomingAccess),
];
for (let done = 0; done < requests; done += SLICE) {
  // A token lasts ten minutes.
  if (done % BETWEEN_TOKENS === 0) ({ token } = await openReceiver(driver.send, party));
  const calls = Array.from({ length: SLICE }, (_, index) => kinds[index % kinds.length]!());
  await runClosedLoop(
    driver,
    CONNECTIONS,
    calls.map((call) => (send) => sendOk(send, call)),
  );
  const count = done + SLICE;
  if (count % between === 0 || count >= requests) {
    const [resident, cpu] = [readResident(), readCpu() / 1000];
    const old = await readOldObjects();
    if (resident > MAX_RESIDENT) problems.add(`the process has more than ${MAX_RESIDENT} MB`);
    console.log(
      `${count} requests: ${resident.toFixed(0)} MB, ${old.toFixed(0)} MB of it old, ${cpu.toFixed(0)} s of CPU`,
    );
  }
}
driver.close();
await measureIdle('after the requests');

const before = readResident();
for (let count = 0; count < Number(values.worlds); count += 1) {
  const answer = await fetch(`${control}/worlds`, { method: 'POST', headers, body: '{}' });
  if (!answer.ok) throw new Error(`the world was not created: ${await answer.text()}`);
}
const perWorld = (readResident() - before) / Number(values.worlds);
console.log(`${values.worlds} parallel worlds: ${perWorld.toFixed(1)} MB each`);
if (perWorld > MAX_WORLD) problems.add(`a parallel world has more than ${MAX_WORLD} MB`);
for (const problem of problems) console.error(problem);
if (problems.size > 0) process.exitCode = 1;
