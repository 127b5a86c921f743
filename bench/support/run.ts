/** Runs of operations on several sides, a slice of the one after a slice of the other. */
import type { Target } from '../../conformance/runner/target.ts';
import { cpuBesideMain, cpuOfProcess } from './cpu.ts';
import { createDriver, type Driver, median, quantile, runClosedLoop } from './driver.ts';
import { analyze, type Load, measure, type Sample, type Side } from './measure.ts';
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

/** `port` is that of one of several equal processes; without it, URLs name the server. */
export async function meet(side: Side, target: Target, connections: number, port?: number): Promise<Opponent> {
  const driver = createDriver(connections, port);
  return { side, driver, connections, party: await meetParty(driver.send, target) };
}

/**
 * Slices before the measured ones, in which V8 optimizes what the operation runs, so that it is measured as in a server
 * that has been up for a while. The threads of V8 take a third of the time of the first slices and share the core, so
 * requests wait for them. So the warm-up lasts until those of all teams are quiet: each has had as many requests then.
 */
const WARM_UP = { minSlices: 4, maxSlices: 20, quietSlices: 3, quietShare: 0.08 };

/** Opponents that have their load at the same time, and are measured as one. */
export type Team = readonly Opponent[];

const prepareLoads = (team: Team, prepare: (opponent: Opponent) => Promise<Slice>): Promise<Load[]> =>
  Promise.all(team.map(async (opponent) => ({ ...opponent, slice: await prepare(opponent) })));

/** Serves one slice. True if V8 has optimized next to nothing meanwhile. */
async function isQuietSlice(team: Team, loads: readonly Load[]): Promise<boolean> {
  const pids = team.flatMap(({ side }) => side.serverPids);
  const sum = (read: (pid: number) => number): number => pids.reduce((total, pid) => total + read(pid), 0);
  const before = { all: sum(cpuOfProcess), beside: sum(cpuBesideMain) };
  await Promise.all(loads.map(({ driver, connections, slice }) => runClosedLoop(driver, connections, slice.jobs)));
  await Promise.all(loads.map(({ slice }) => slice.settled?.()));
  const share = (sum(cpuBesideMain) - before.beside) / (sum(cpuOfProcess) - before.all);
  // NaN without a process of this machine.
  return !(share > WARM_UP.quietShare);
}

/** Sends slices until V8 has optimized what they run. */
export async function warmUp(teams: readonly Team[], prepare: (team: Team) => Promise<Load[]>): Promise<void> {
  const quietSlices = teams.map(() => 0);
  for (let round = 1; round <= WARM_UP.maxSlices; round += 1) {
    for (const [index, team] of teams.entries()) {
      quietSlices[index] = (await isQuietSlice(team, await prepare(team))) ? quietSlices[index]! + 1 : 0;
    }
    if (round >= WARM_UP.minSlices && Math.min(...quietSlices) >= WARM_UP.quietSlices) return;
  }
}

/** Samples of every team: a warm-up, then the slices of the teams in turn. */
export async function sampleTeams(
  operation: Operation,
  teams: readonly Team[],
  { connections, slices, requests }: RunOptions,
): Promise<Sample[][]> {
  const count = Math.max(connections, Math.round(operation.requests * requests));
  const makers = new Map<Opponent, (count: number) => Promise<Slice>>();
  for (const opponent of teams.flat()) {
    makers.set(opponent, await operation.prepare(opponent.driver.send, opponent.party));
  }
  const prepare = (team: Team): Promise<Load[]> => prepareLoads(team, (opponent) => makers.get(opponent)!(count));
  const samples: Sample[][] = teams.map(() => []);
  await warmUp(teams, prepare);
  await Promise.all(teams.flat().map(({ side }) => analyze(side)));
  for (let round = 0; round < slices; round += 1) {
    for (const [index, team] of teams.entries()) samples[index]!.push(await measure(await prepare(team)));
  }
  return samples;
}

/** Samples of every opponent, each measured alone. */
export const sample = (operation: Operation, opponents: readonly Opponent[], options: RunOptions) =>
  sampleTeams(
    operation,
    opponents.map((opponent) => [opponent]),
    options,
  );

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
