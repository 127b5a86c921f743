/**
 * The processes of a run: a PostgreSQL server with durability on, the program and the floor. Where `taskset` is
 * available and there is more than one core, servers and PostgreSQL share one core and the driver has another.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pg from 'pg';
import { findFreePort } from '../../test/support/free-port.ts';

const root = join(import.meta.dirname, '..', '..');
const postgresql = join(root, '.ci', 'postgresql');

const SERVER_CORE = '0';
const DRIVER_CORE = '1';

function findTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return availableParallelism() > 1;
  } catch {
    return false;
  }
}

/** False on one core, and where there is no `taskset`: the figures are then noisier. */
export const isPinned = findTaskset();

let serverCores = SERVER_CORE;

/** Servers and PostgreSQL that are started from now on have the driver's core as well. */
export function shareDriverCore(): void {
  serverCores = `${SERVER_CORE},${DRIVER_CORE}`;
}

const onServerCore = (command: string, args: readonly string[]): [string, string[]] =>
  isPinned ? ['taskset', ['-c', serverCores, command, ...args]] : [command, [...args]];

/** Moves this process, with all its threads, to the driver's core. */
export function pinDriver(): void {
  if (isPinned) execFileSync('taskset', ['-a', '-c', '-p', DRIVER_CORE, String(process.pid)], { stdio: 'ignore' });
}

export interface PostgresqlServer extends AsyncDisposable {
  /** URL without a database. */
  readonly url: string;
  readonly postmaster: number;
}

/** The defaults of PostgreSQL, instead of those of the tests, for what makes a commit durable. */
const durable = [
  'fsync=on',
  'full_page_writes=on',
  'synchronous_commit=on',
  'wal_level=replica',
  'checkpoint_timeout=5min',
  'shared_preload_libraries=pg_stat_statements',
];

export async function startPostgresql(settings: readonly string[] = []): Promise<PostgresqlServer> {
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-bench-'));
  const port = await findFreePort();
  const options = [...durable, ...settings].flatMap((setting) => ['-c', setting]);
  const run = (args: readonly string[]) => promisify(execFile)(...onServerCore(postgresql, args));
  const stop = async (): Promise<void> => {
    await run(['stop', directory]).catch(() => {});
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await run(['start', directory, String(port), ...options]);
  } catch (error) {
    await stop();
    throw new Error(`PostgreSQL was not started: ${(error as { stderr?: string }).stderr?.trim() || error}`);
  }
  const postmaster = Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
  return { url: `postgres://postgres@127.0.0.1:${port}`, postmaster, [Symbol.asyncDispose]: stop };
}

export async function openConnection(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

export async function createDatabase(server: PostgresqlServer, name: string): Promise<string> {
  const client = await openConnection(`${server.url}/postgres`);
  await client.query(`create database ${name}`).finally(() => client.end());
  const url = `${server.url}/${name}`;
  const database = await openConnection(url);
  await database.query('create extension pg_stat_statements').finally(() => database.end());
  return url;
}

export interface ServerProcess {
  readonly pid: number;
  /** Port of the inspector of Node.js, which SIGUSR1 opens. */
  readonly inspectPort: number;
  readonly ready: Readonly<Record<string, unknown>>;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

/** Starts a script that prints one line of JSON when it is ready. */
export async function startServer(script: string, args: readonly string[]): Promise<ServerProcess> {
  const inspectPort = await findFreePort();
  const nodeOptions = [`--inspect-port=127.0.0.1:${inspectPort}`];
  const [command, all] = onServerCore(process.execPath, [...nodeOptions, join(root, script), ...args]);
  const child = spawn(command, all, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface(child.stdout!).once('line', resolve)),
    ended.then(([code, signal]) => Promise.reject(new Error(`${script} ended with ${signal ?? code}`))),
  ]);
  child.stdout!.resume();
  return {
    // taskset replaces itself by the program, so this is the program's.
    pid: child.pid!,
    inspectPort,
    ready: JSON.parse(line),
    child,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
