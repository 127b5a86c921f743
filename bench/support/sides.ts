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

/** The other ASE listens 100 above the first, and the control API 900 above it. */
const findPort = () => findFreePort(100, 900);

const programArgs = (port: number, url: string): string[] => [
  ...['start', '--json', '--detached', '--consent', 'auto', '--port', String(port), '--database-url', url],
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

export async function startProgram(postgresql: PostgresqlServer, name: string): Promise<StartedProgram> {
  const url = await createDatabase(postgresql, name);
  const server = await startServer('src/main.ts', programArgs(await findPort(), url));
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

export interface StartedPair extends Side, AsyncDisposable {
  readonly target: Target;
  /** Ports of the first ASE in each process. */
  readonly ports: readonly number[];
}

/** Equal processes on one database. Clients know them by one origin, where nothing needs to listen. */
export async function startEqualProcesses(
  postgresql: PostgresqlServer,
  name: string,
  count: number,
): Promise<StartedPair> {
  const url = await createDatabase(postgresql, name);
  const origin = `http://localhost:${await findPort()}`;
  const [ports, servers]: [number[], ServerProcess[]] = [[], []];
  for (let i = 0; i < count; i += 1) {
    const port = await findPort();
    ports.push(port);
    servers.push(await startServer('src/main.ts', [...programArgs(port, url), '--public-url', origin]));
  }
  const database = await watchDatabase(postgresql, name);
  return {
    ...{ name, database, ports, serverPids: servers.map(({ pid }) => pid) },
    target: targetsOf(servers[0]!).local,
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
