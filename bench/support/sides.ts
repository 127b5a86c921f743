/** The program and the floor as they are measured: each with a database that the program has filled. */
import { parseTarget, type Target } from '../../conformance/runner/target.ts';
import { findFreePort } from '../../test/support/free-port.ts';
import type { Side } from './measure.ts';
import { createDatabase, openConnection, type PostgresqlServer, type ServerProcess, startServer } from './processes.ts';

export interface StartedSide extends Side, AsyncDisposable {
  /** A client whose receiver is at the same ASE. */
  readonly target: Target;
  readonly database: NonNullable<Side['database']>;
  readonly server: ServerProcess;
}

/** How far above the first ASE the other one listens. */
export const OTHER_ASE = 100;

/** The control API is 900 above. */
const findPort = () => findFreePort(OTHER_ASE, 900);

/** Requests are neither recorded nor graded, which is the default where other machines reach the program. */
const programArgs = (port: number, url?: string): string[] => [
  ...['start', '--json', '--detached', '--consent', 'auto', '--port', String(port), '--record-exchanges', '0'],
  ...(url === undefined ? [] : ['--database-url', url]),
];

/** Targets with a receiver at the same ASE and at the other. */
function targetsOf({ ready }: ServerProcess): Record<'local' | 'remote', Target> {
  const { env, ases } = ready as { env: Record<string, string>; ases: { walletAddresses: { url: string }[] }[] };
  return {
    local: parseTarget({ ...env, TOUCHSTONE_RECEIVER: ases[0]!.walletAddresses[1]!.url }),
    remote: parseTarget(env),
  };
}

async function watchDatabase(postgresql: PostgresqlServer, name: string) {
  const connection = await openConnection(`${postgresql.url}/${name}`);
  return { postmaster: postgresql.postmaster, name, connection };
}

export interface StartedProgram extends StartedSide {
  /** The same client, with a receiver at another ASE in the same process. */
  readonly remoteTarget: Target;
}

/** `script` is the program from its sources, or the compiled one. */
export async function startProgram(
  postgresql: PostgresqlServer,
  name: string,
  script = 'src/main.ts',
): Promise<StartedProgram> {
  const url = await createDatabase(postgresql, name);
  const server = await startServer(script, programArgs(await findPort(), url));
  const database = await watchDatabase(postgresql, name);
  const targets = targetsOf(server);
  return {
    ...{ name, server, database, serverPids: [server.pid] },
    target: targets.local,
    remoteTarget: targets.remote,
    async [Symbol.asyncDispose]() {
      await server.stop();
      await database.connection.end();
    },
  };
}

/** The program on its embedded database, in memory. */
export async function startEmbedded(): Promise<Pick<StartedProgram, 'remoteTarget' | 'server'> & AsyncDisposable> {
  const server = await startServer('src/main.ts', programArgs(await findPort()));
  return { server, remoteTarget: targetsOf(server).remote, [Symbol.asyncDispose]: server.stop };
}

export interface EqualProcesses extends StartedSide {
  /** Port of the origin that clients know, where something else may distribute the requests; the other ASE is above. */
  readonly publicPort: number;
  /** Ports of the first ASE in each process. */
  readonly ports: readonly number[];
  readonly remoteTarget: Target;
  /** Stops a process in good order and starts it again. */
  restart(index: number): Promise<void>;
}

/** Equal processes on one database, behind one origin. */
export async function startEqualProcesses(
  postgresql: PostgresqlServer,
  name: string,
  count: number,
): Promise<EqualProcesses> {
  const url = await createDatabase(postgresql, name);
  const publicPort = await findPort();
  const start = (port: number) =>
    startServer('src/main.ts', [...programArgs(port, url), '--public-url', `http://localhost:${publicPort}`]);
  const [ports, servers]: [number[], ServerProcess[]] = [[], []];
  for (let i = 0; i < count; i += 1) {
    ports.push(await findPort());
    servers.push(await start(ports[i]!));
  }
  const database = await watchDatabase(postgresql, name);
  const targets = targetsOf(servers[0]!);
  return {
    ...{ name, database, publicPort, ports, server: servers[0]!, serverPids: servers.map(({ pid }) => pid) },
    target: targets.local,
    remoteTarget: targets.remote,
    async restart(index) {
      await servers[index]!.stop();
      servers[index] = await start(ports[index]!);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.stop()));
      await database.connection.end();
    },
  };
}

/** The floor takes the place of a program that has founded its world in the database. */
export async function startFloor(postgresql: PostgresqlServer, name: string): Promise<StartedSide> {
  const url = await createDatabase(postgresql, name);
  const port = await findPort();
  const founder = await startServer('src/main.ts', programArgs(port, url));
  const target = targetsOf(founder).local;
  await founder.stop();
  const server = await startServer('bench/floor/main.ts', [String(port), url]);
  const database = await watchDatabase(postgresql, name);
  return {
    ...{ name, server, database, target, serverPids: [server.pid] },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await database.connection.end();
    },
  };
}
