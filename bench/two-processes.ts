/**
 * CPU time per request of one process and of two equal ones on one PostgreSQL, in one run, a slice of the one after a
 * slice of the other. It ends with status 1 if two cost more than the limit. `node bench/two-processes.ts [--only PATTERN]`
 */
import { parseArgs } from 'node:util';
import { operations } from './support/operations.ts';
import { pinDriver, startPostgresql } from './support/processes.ts';
import { meet, type Summary, sample, summarize } from './support/run.ts';
import { startEqualProcesses } from './support/sides.ts';

/** Two processes may cost this share more than one. */
const LIMIT = 0.15;

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, slices: { type: 'string', default: '7' } },
});
const options = { connections: 16, slices: Number(values.slices), requests: 1 };

await using postgresql = await startPostgresql();
await using one = await startEqualProcesses(postgresql, 'one', 1);
await using two = await startEqualProcesses(postgresql, 'two', 2);
pinDriver();
const opponents = [
  await meet(one, one.target, options.connections, one.ports),
  // Each process has as many connections as the one.
  await meet(two, two.target, 2 * options.connections, two.ports),
];
const describeCpu = ({ cpu, server, database }: Summary): string =>
  `${cpu.toFixed(2)} (${server.toFixed(2)} + ${database.toFixed(2)})`;
console.log('| operation | one process: CPU ms (server + database) | two: CPU ms | ratio |');
console.log('|---|---|---|---|');
let isExceeded = false;
for (const operation of operations.filter(({ name }) => new RegExp(values.only).test(name))) {
  const [ofOne, ofTwo] = (await sample(operation, opponents, options)).map(summarize);
  const ratio = ofTwo!.cpu / ofOne!.cpu;
  if (ratio > 1 + LIMIT) isExceeded = true;
  console.log(`| ${operation.name} | ${describeCpu(ofOne!)} | ${describeCpu(ofTwo!)} | ${ratio.toFixed(2)} |`);
}
for (const { driver } of opponents) driver.close();
if (isExceeded) {
  console.error(`two processes cost more than ${LIMIT * 100} % above one`);
  process.exitCode = 1;
}
