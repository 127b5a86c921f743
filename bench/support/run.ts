/** Runs of operations on several sides, a slice of the one after a slice of the other. */
import type { Target } from '../../conformance/runner/target.ts';
import { cpuBesideMain, cpuOfProcess } from './cpu.ts';
import { createDriver, type Driver, median, quantile, runClosedLoop } from './driver.ts';
import { analyze, measure, type Sample, type Side } from './measure.ts';
import type { Operation, Slice } from './operations.ts';
import { meetParty, type Party } from './party.ts';

export interface RunOptions {
  readonly connections: number;
  /** Slices of each side. */
  readonly slices: number;
  /** Requests of a slice, as a share of the usual number. */
  readonly requests: number;
}

export interface Opponent {
  readonly side: Side;
  readonly party: Party;
  readonly driver: Driver;
  readonly connections: number;
}

/** `ports` are those of equal processes, which share the connections; without them, URLs name the server. */
export async function meet(
  side: Side,
  target: Target,
  connections: number,
  ports?: readonly number[],
): Promise<Opponent> {
  const driver = createDriver(connections, ports);
  return { side, driver, connections, party: await meetParty(driver.send, target) };
}

/**
 * Slices before the measured ones, in which V8 optimizes what the operation runs, so that it is measured as in a server
 * that has been up for a while. The threads of V8 take a third of the time of the first slices and share the core, so
 * requests wait for them. So the warm-up lasts until they are quiet.
 */
const WARM_UP = { minSlices: 4, maxSlices: 20, quietShare: 0.08 };

async function warmUp({ side, driver, connections }: Opponent, prepare: () => Promise<Slice>): Promise<void> {
  const { serverPids } = side;
  const sum = (read: (pid: number) => number): number => serverPids.reduce((total, pid) => total + read(pid), 0);
  let quietSlices = 0;
  for (let round = 1; round <= WARM_UP.maxSlices; round += 1) {
    const before = { all: sum(cpuOfProcess), beside: sum(cpuBesideMain) };
    const { jobs, settled } = await prepare();
    await runClosedLoop(driver, connections, jobs);
    await settled?.();
    const share = (sum(cpuBesideMain) - before.beside) / (sum(cpuOfProcess) - before.all);
    // NaN without a process of this machine.
    quietSlices = share > WARM_UP.quietShare ? 0 : quietSlices + 1;
    if (round >= WARM_UP.minSlices && quietSlices >= 3) return;
  }
}

/** Samples of every side: a warm-up, then the slices of the sides in turn. More connections send more requests. */
export async function sample(
  operation: Operation,
  opponents: readonly Opponent[],
  { connections: usual, slices, requests }: RunOptions,
): Promise<Sample[][]> {
  const countFor = ({ connections }: Opponent): number =>
    Math.max(connections, Math.round((operation.requests * requests * connections) / usual));
  const prepared = await Promise.all(opponents.map(({ party, driver }) => operation.prepare(driver.send, party)));
  const samples: Sample[][] = opponents.map(() => []);
  for (const [index, opponent] of opponents.entries()) {
    await warmUp(opponent, () => prepared[index]!(countFor(opponent)));
    await analyze(opponent.side);
  }
  for (let round = 0; round < slices; round += 1) {
    for (const [index, opponent] of opponents.entries()) {
      const slice = await prepared[index]!(countFor(opponent));
      samples[index]!.push(await measure(opponent.side, opponent.driver, opponent.connections, slice));
    }
  }
  return samples;
}

const per = (samples: readonly Sample[], value: (sample: Sample) => number): number =>
  median(samples.map((one) => value(one) / one.requests));

export function summarize(samples: readonly Sample[]) {
  const latencies = samples.flatMap((one) => one.latencies);
  return {
    rate: median(samples.map((one) => one.requests / one.seconds)),
    p50: median(latencies),
    p99: quantile(latencies, 0.99),
    server: per(samples, (one) => one.serverCpu),
    database: per(samples, (one) => one.databaseCpu),
    cpu: per(samples, (one) => one.serverCpu + one.databaseCpu),
    statements: per(samples, (one) => one.statements),
  };
}

export type Summary = ReturnType<typeof summarize>;
