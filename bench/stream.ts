/**
 * Payments over STREAM between two ASEs in one process: how many a second, from the first POST to the last receipt, and
 * how long `/livez` takes meanwhile; on PostgreSQL, and on the embedded database. Server, PostgreSQL and the driver share
 * two cores. `node bench/stream.ts [--payments N] [--connections N]`
 */
import { parseArgs } from 'node:util';
import { cpuOfProcess } from './support/cpu.ts';
import { createDriver, quantile, runClosedLoop } from './support/driver.ts';
import { paymentsFrom } from './support/operations.ts';
import { meetParty } from './support/party.ts';
import { probeDuring } from './support/probe.ts';
import { isPinned, shareDriverCore, startPostgresql } from './support/processes.ts';
import { type StartedProgram, startEmbedded, startProgram } from './support/sides.ts';

const { values } = parseArgs({
  options: { payments: { type: 'string', default: '600' }, connections: { type: 'string', default: '16' } },
});
const payments = Number(values.payments);
const connections = Number(values.connections);
/** Payments that are made before, so that the program is compiled. */
const WARM_UP = 200;

async function measure(
  name: string,
  { remoteTarget, server }: Pick<StartedProgram, 'remoteTarget' | 'server'>,
): Promise<void> {
  const driver = createDriver(connections);
  const party = await meetParty(driver.send, remoteTarget);
  const prepareSlice = await paymentsFrom(name).prepare(driver.send, party);
  const pay = async (count: number) => {
    const { jobs, settled } = await prepareSlice(count);
    return probeDuring(party.payer.resourceServer, async () => {
      const before = cpuOfProcess(server.pid);
      const started = performance.now();
      const latencies = await runClosedLoop(driver, connections, jobs);
      await settled?.();
      const seconds = (performance.now() - started) / 1000;
      return { seconds, latencies, cpu: cpuOfProcess(server.pid) - before };
    });
  };
  await pay(WARM_UP);
  const { result, latencies } = await pay(payments);
  const ms = (times: readonly number[]) =>
    `p50 ${quantile(times, 0.5).toFixed(0)} ms, p99 ${quantile(times, 0.99).toFixed(0)} ms`;
  console.log(
    `${name}: ${(payments / result.seconds).toFixed(0)} payments/s, ${payments} in ${result.seconds.toFixed(1)} s`,
  );
  console.log(`  CPU of the server ${(result.cpu / payments).toFixed(2)} ms a payment, both ASEs together`);
  console.log(`  POST: ${ms(result.latencies)}`);
  console.log(`  /livez: ${ms(latencies)} of ${latencies.length}`);
  driver.close();
}

shareDriverCore();
if (!isPinned) console.log('not pinned to two cores');
{
  await using postgresql = await startPostgresql();
  await using program = await startProgram(postgresql, 'stream');
  await measure('PostgreSQL', program);
}
await using program = await startEmbedded();
await measure('embedded database', program);
