/** The program and the floor as they are measured: each with a database that the program has filled. */
import { parseTarget, type Target } from '../../conformance/runner/target.ts';
import { findFreePort } from '../../test/support/free-port.ts';
import type { Side } from './measure.ts';
import { createDatabase, openConnection, type PostgresqlServer, type ServerProcess, startServer } from './processes.ts';

export interface StartedSide extends Side, AsyncDisposable {
  readonly target: Target;
  readonly database: NonNullable<Side['database']>;
  readonly server: ServerProcess;
}

/** The other ASE listens 100 above the first, and the control API 900 above it. */
const findPort = () => findFreePort(100, 900);

const programArgs = (port: number, url: string): string[] => [
  ...['start', '--json', '--detached', '--consent', 'auto', '--port', String(port), '--database-url', url],
];

/** The client's target: a receiver at the same ASE, unless `remote` is set. */
function targetOf({ ready }: ServerProcess, { remote = false } = {}): Target {
  const { env, ases } = ready as { env: Record<string, string>; ases: { walletAddresses: { url: string }[] }[] };
  const receiver = remote ? env['TOUCHSTONE_RECEIVER'] : ases[0]!.walletAddresses[1]!.url;
  return parseTarget({ ...env, TOUCHSTONE_RECEIVER: receiver });
}

async function watchDatabase(postgresql: PostgresqlServer, name: string) {
  const connection = await openConnection(`${postgresql.url}/${name}`);
  return { postmaster: postgresql.postmaster, name, connection };
}

export async function startProgram(postgresql: PostgresqlServer, name: string, options = {}): Promise<StartedSide> {
  const url = await createDatabase(postgresql, name);
  const server = await startServer('src/main.ts', programArgs(await findPort(), url));
  const database = await watchDatabase(postgresql, name);
  return {
    ...{ name, server, database, serverPids: [server.pid] },
    target: targetOf(server, options),
    async [Symbol.asyncDispose]() {
      await server.stop();
      await database.connection.end();
    },
  };
}

/** The floor takes the place of a program that has founded its world in the database. */
export async function startFloor(postgresql: PostgresqlServer, name: string): Promise<StartedSide> {
  const url = await createDatabase(postgresql, name);
  const port = await findPort();
  const founder = await startServer('src/main.ts', programArgs(port, url));
  const target = targetOf(founder);
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
