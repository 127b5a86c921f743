/**
 * The processes of a chaos run: two for each ASE, restarted whenever they die. Each is started with a failpoint, at
 * which it kills itself; the failpoints reached least often come first.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type FailpointName, failpointNames } from '../../src/payments/outgoing/failpoint.ts';
import type { Ready } from '../support/process.ts';
import type { FrontDoor } from './proxy.ts';
import type { Chance } from './random.ts';

const root = join(import.meta.dirname, '..', '..');

/** One of the two places where an ASE runs. */
export interface Berth {
  readonly name: string;
  readonly ase: string;
  readonly door: FrontDoor;
  /** Where the process listens, behind the door. */
  readonly port: number;
  /** Time by which its clock is ahead. */
  readonly skewMs: number;
  /** Arguments of `touchstone start`. */
  readonly args: readonly string[];
}

export interface FleetOptions {
  readonly berths: readonly Berth[];
  readonly chance: Chance;
  /** How often each failpoint is to be hit. */
  readonly killsPerFailpoint: number;
  /** Where the processes' logs go. */
  readonly logFile: string;
  readonly mutant?: string;
  /** True while a start may fail because the database is down. */
  readonly isDisturbed: () => boolean;
}

export interface Fleet {
  /** Hits by failpoint, so far. */
  readonly kills: ReadonlyMap<FailpointName, number>;
  readonly randomKills: () => number;
  readonly starts: () => number;
  /** Processes that ended otherwise than by a kill: there must be none. */
  readonly crashes: readonly string[];
  hasHitAll(): boolean;
  /** The ready line of any process of this ASE. */
  readyOf(ase: string): Ready | undefined;
  killAny(): void;
  /** No more failpoints for processes that start from now on. */
  calm(): void;
  stop(): Promise<void>;
}

/** Starts all processes, the first of each ASE before the others; resolves when all were ready once. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { berths, chance, killsPerFailpoint } = options;
  const log = createWriteStream(options.logFile, { flags: 'a' });
  const kills = new Map<FailpointName, number>(failpointNames.map((name) => [name, 0]));
  const crashes: string[] = [];
  const ready = new Map<Berth, Ready>();
  const running = new Map<Berth, { child: ChildProcess; armed: FailpointName | undefined; killed?: true }>();
  let isCalm = false;
  let isStopping = false;
  let randomKills = 0;
  let starts = 0;

  function chooseFailpoint(): FailpointName | undefined {
    if (isCalm) return undefined;
    const armed = [...running.values()].map((process) => process.armed);
    const hits = (name: FailpointName) => kills.get(name)! + armed.filter((other) => other === name).length;
    const wanted = failpointNames.filter((name) => hits(name) < killsPerFailpoint);
    const least = Math.min(...wanted.map(hits));
    return wanted.length > 0 ? chance.pick(wanted.filter((name) => hits(name) === least)) : undefined;
  }

  function startProcess(berth: Berth, onReady: () => void): Promise<number | NodeJS.Signals> {
    const armed = chooseFailpoint();
    const failpoint = armed ? ['--failpoint', `${armed}:${chance.integer(1, 4)}`] : [];
    const loader = options.mutant ? ['--import', join(root, 'test', 'mutants', 'register.ts')] : [];
    const clock = ['--import', join(root, 'test', 'chaos', 'skewed-clock.ts')];
    const main = [...clock, ...loader, join(root, 'src', 'main.ts'), 'start', '--json', ...berth.args, ...failpoint];
    const skew = { TOUCHSTONE_CHAOS_SKEW_MS: String(berth.skewMs) };
    const env = { ...process.env, ...skew, ...(options.mutant && { TOUCHSTONE_MUTANT: options.mutant }) };
    const child = spawn(process.execPath, main, { stdio: ['ignore', 'pipe', 'pipe'], env });
    starts += 1;
    running.set(berth, { child, armed });
    child.stderr!.on('data', (chunk) => log.write(chunk));
    createInterface(child.stdout!).on('line', (line) => {
      if (!line.startsWith('{"event":"ready"')) return void log.write(`${berth.name}: ${line}\n`);
      ready.set(berth, JSON.parse(line));
      berth.door.add(berth.port);
      onReady();
    });
    return once(child, 'exit').then(([code, signal]) => signal ?? code);
  }

  /** One life after another. */
  async function keepRunning(berth: Berth, firstReady: () => void): Promise<void> {
    while (!isStopping) {
      let isReady = false;
      const wasDisturbed = options.isDisturbed();
      const how = await startProcess(berth, () => {
        isReady = true;
        firstReady();
      });
      berth.door.remove(berth.port);
      const { armed, killed } = running.get(berth)!;
      running.delete(berth);
      if (isStopping) return;
      if (killed) randomKills += 1;
      else if (how === 'SIGKILL' && armed) kills.set(armed, kills.get(armed)! + 1);
      else if (isReady || !(wasDisturbed || options.isDisturbed())) crashes.push(`${berth.name} ended with ${how}`);
      if (how !== 'SIGKILL') await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  const loops: Promise<void>[] = [];
  const startAll = (some: readonly Berth[]) =>
    Promise.all(some.map((berth) => new Promise<void>((resolve) => loops.push(keepRunning(berth, resolve)))));
  const firsts = berths.filter((berth, index) => berths.findIndex(({ ase }) => ase === berth.ase) === index);
  await startAll(firsts);
  await startAll(berths.filter((berth) => !firsts.includes(berth)));

  return {
    kills,
    randomKills: () => randomKills,
    starts: () => starts,
    crashes,
    hasHitAll: () => [...kills.values()].every((hits) => hits >= killsPerFailpoint),
    readyOf: (ase) => [...ready].findLast(([berth]) => berth.ase === ase && running.has(berth))?.[1],
    killAny() {
      const up = [...running.values()];
      if (up.length === 0) return;
      const victim = chance.pick(up);
      victim.killed = true;
      victim.child.kill('SIGKILL');
    },
    calm() {
      isCalm = true;
    },
    async stop() {
      isStopping = true;
      for (const { child } of running.values()) child.kill('SIGKILL');
      await Promise.all(loops);
      log.end();
    },
  };
}
