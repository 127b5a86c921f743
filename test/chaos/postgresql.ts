/** The PostgreSQL server of a chaos run: a database for each ASE, and the ways in which it goes away. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const script = join(import.meta.dirname, '..', '..', '.ci', 'postgresql');
const run = promisify(execFile);

export interface ThrowAwayPostgreSql {
  urlOf(database: string): string;
  query<Row extends pg.QueryResultRow>(database: string, sql: string, values?: unknown[]): Promise<Row[]>;
  /** Restarts the server as after a power failure. */
  restart(): Promise<void>;
  /** Ends about half of the connections to these databases; returns how many. */
  terminateConnections(databases: readonly string[]): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a server at `port` with these databases, empty. */
export async function startPostgreSql(port: number, databases: readonly string[]): Promise<ThrowAwayPostgreSql> {
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-chaos-'));
  const start = () => run(script, ['start', directory, String(port)]);
  await start();
  const urlOf = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`;

  async function query<Row extends pg.QueryResultRow>(database: string, sql: string, values: unknown[] = []) {
    const client = new pg.Client({ connectionString: urlOf(database) });
    // The server may go away under it; then the query is what fails.
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }
  for (const database of databases) await query('postgres', `create database ${database}`);
  return {
    urlOf,
    query,
    async restart() {
      await run(script, ['stop', directory]);
      await start();
    },
    async terminateConnections(names) {
      const ended = await query(
        'postgres',
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = any($1) and random() < 0.5',
        [names],
      );
      return ended.length;
    },
    async stop() {
      await run(script, ['stop', directory]).catch(() => {});
      await rm(directory, { recursive: true, force: true });
    },
  };
}
