/**
 * CPU time per request of one process, of two equal ones on one database, and of two that have nothing to do with each
 * other, in one run, a slice of the one after a slice of the others. Each process has 16 connections. All processes and
 * PostgreSQL share one core, where any two displace each other's code and data from its caches: what the unrelated ones
 * cost above one is that. The run ends with status 1 if the equal ones cost more than the limit above one.
 * `node bench/two-processes.ts [--only PATTERN] [--slices 21]`
 */
import { parseArgs } from 'node:util';
import { median } from './support/driver.ts';
import type { Sample } from './support/measure.ts';
import { operations } from './support/operations.ts';
import { pinDriver, startPostgresql } from './support/processes.ts';
import { meet, type Summary, sampleTeams, summarize } from './support/run.ts';
import { type EqualProcesses, startEqualProcesses } from './support/sides.ts';

/** Two equal processes may cost this share more than one. */
const LIMIT = 0.15;

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, slices: { type: 'string', default: '21' } },
});
const options = { connections: 16, slices: Number(values.slices), requests: 1 / 3 };

/** A client stays with its process, so that both always have as many connections. */
const meetEach = (processes: EqualProcesses) =>
  Promise.all(
    processes.ports.map((port, index) =>
      meet({ ...processes, serverPids: [processes.serverPids[index]!] }, processes.target, options.connections, port),
    ),
  );

await using postgresql = await startPostgresql();
await using one = await startEqualProcesses(postgresql, 'one', 1);
await using first = await startEqualProcesses(postgresql, 'unrelated_1', 1);
await using second = await startEqualProcesses(postgresql, 'unrelated_2', 1);
await using equal = await startEqualProcesses(postgresql, 'equal', 2);
pinDriver();
const teams = [await meetEach(one), [...(await meetEach(first)), ...(await meetEach(second))], await meetEach(equal)];
const cpuOf = ({ serverCpu, databaseCpu, requests }: Sample): number => (serverCpu + databaseCpu) / requests;
/** Slices of the same round are compared, because the speed of the machine changes from minute to minute. */
const compare = (samples: readonly Sample[], others: readonly Sample[]): number =>
  median(samples.map((sample, round) => cpuOf(sample) / cpuOf(others[round]!)));
const describeCpu = ({ cpu, server, database }: Summary): string =>
  `${cpu.toFixed(2)} (${server.toFixed(2)} + ${database.toFixed(2)})`;
console.log(
  '| operation | one process: CPU ms (server + database) | two unrelated | two equal | equal to one | equal to unrelated |',
);
console.log('|---|---|---|---|---|---|');
let isExceeded = false;
for (const operation of operations.filter(({ name }) => new RegExp(values.only).test(name))) {
  const [ofOne, ofUnrelated, ofEqual] = await sampleTeams(operation, teams, options);
  const summaries = [ofOne, ofUnrelated, ofEqual].map((samples) => summarize(samples!));
  const ratios = [compare(ofEqual!, ofOne!), compare(ofEqual!, ofUnrelated!)];
  if (ratios[0]! > 1 + LIMIT) isExceeded = true;
  const cells = [operation.name, ...summaries.map(describeCpu), ...ratios.map((ratio) => ratio.toFixed(2))];
  console.log(`| ${cells.join(' | ')} |`);
}
for (const { driver } of teams.flat()) driver.close();
if (isExceeded) {
  console.error(`two equal processes cost more than ${LIMIT * 100} % above one`);
  process.exitCode = 1;
}
