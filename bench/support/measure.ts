/** One slice of an operation: its latencies, the CPU time of server and database, and the statements. */
import type pg from 'pg';
import { cpuBetween, cpuOfPostgresql, cpuOfProcess } from './cpu.ts';
import { type Driver, runClosedLoop } from './driver.ts';
import type { Slice } from './operations.ts';

/** A server under test. Without a process of this machine, only latencies can be measured. */
export interface Side {
  readonly name: string;
  readonly serverPids: readonly number[];
  readonly database?: { readonly postmaster: number; readonly name: string; readonly connection: pg.Client };
}

export interface Sample {
  readonly requests: number;
  readonly seconds: number;
  readonly latencies: readonly number[];
  /** Milliseconds of CPU time in all. */
  readonly serverCpu: number;
  readonly databaseCpu: number;
  readonly statements: number;
}

const countStatements = async ({ database }: Side): Promise<number> => {
  if (!database) return 0;
  const { rows } = await database.connection.query(
    `select coalesce(sum(calls), 0)::int as calls from pg_stat_statements s join pg_database d on d.oid = s.dbid
     where d.datname = current_database()`,
  );
  // The count itself is one of them.
  return rows[0].calls;
};

const databaseCpu = (sides: readonly Side[]): Map<number, number> =>
  new Map(sides.flatMap(({ database }) => (database ? [...cpuOfPostgresql(database.postmaster, database.name)] : [])));

const serverCpu = (loads: readonly Load[]): number =>
  loads.flatMap(({ side }) => side.serverPids).reduce((sum, pid) => sum + cpuOfProcess(pid), 0);

/** A slice for one server, from as many clients as there are connections. */
export interface Load {
  readonly side: Side;
  readonly driver: Driver;
  readonly connections: number;
  readonly slice: Slice;
}

/** Runs the loads at the same time. Their servers may be equal processes on one database. */
export async function measure(loads: readonly Load[]): Promise<Sample> {
  const databases = [...new Map(loads.map(({ side }) => [side.database?.name, side])).values()];
  const countAll = async () => (await Promise.all(databases.map(countStatements))).reduce((sum, each) => sum + each, 0);
  const statements = await countAll();
  const before = { server: serverCpu(loads), database: databaseCpu(databases) };
  const started = performance.now();
  const run = async ({ driver, connections, slice }: Load): Promise<number[]> => {
    const latencies = await runClosedLoop(driver, connections, slice.jobs);
    await slice.settled?.();
    return latencies;
  };
  const latencies = (await Promise.all(loads.map(run))).flat();
  const seconds = (performance.now() - started) / 1000;
  const after = { server: serverCpu(loads), database: databaseCpu(databases) };
  return {
    requests: loads.reduce((sum, { slice }) => sum + slice.jobs.length, 0),
    seconds,
    latencies,
    serverCpu: after.server - before.server,
    databaseCpu: cpuBetween(before.database, after.database),
    statements: (await countAll()) - statements - databases.length,
  };
}

/** Brings the planner's statistics up to date, as a server does by itself within a minute. */
export const analyze = async ({ database }: Side): Promise<unknown> => database?.connection.query('analyze');

export interface ListedStatement {
  /** In one line, with a question mark for each value. */
  readonly query: string;
  readonly calls: number;
  readonly pages: number;
}

/** PostgreSQL counts one statement under several ids, and shows it with and without its constants. */
const nameless = (query: string): string =>
  query.replaceAll(/\s+/g, ' ').replaceAll(/'[^']*'|\$\d+|\b(?:\d+|true|false)\b/g, '?');

/** The statements since the last reset, with their calls, and the pages of shared buffers that each call touches. */
export async function listStatements({ database }: Side): Promise<ListedStatement[]> {
  const { rows } = await database!.connection.query<{ query: string; calls: number; pages: number }>(
    `select query, calls::int, (shared_blks_hit + shared_blks_read)::float8 as pages
     from pg_stat_statements s join pg_database d on d.oid = s.dbid
     where d.datname = current_database() and query not like '%pg_stat_statements%'`,
  );
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const listed = [...Map.groupBy(rows, ({ query }) => nameless(query))].map(([query, parts]) => {
    const calls = sum(parts.map((part) => part.calls));
    return { query, calls, pages: sum(parts.map((part) => part.pages)) / calls };
  });
  return listed.toSorted((a, b) => b.calls - a.calls);
}

export const resetStatements = ({ database }: Side) =>
  database!.connection.query('select pg_stat_statements_reset(0, (select oid from pg_database where datname = $1))', [
    database!.name,
  ]);

/** Tables that requests write. The program and the floor have served the same ones, so both have as many rows. */
const written = [
  ...['gnap_grant', 'access_token', 'incoming_payment', 'quote', 'outgoing_payment', 'outgoing_payment_grant'],
  ...['grant_spending', 'idempotency_key', 'ledger_transfer', 'ledger_entry', 'webhook_event'],
];

/** One sentence for each table in which the one has written more rows than the other. */
export async function compareRows(...sides: readonly Side[]): Promise<string[]> {
  const counts = written.map((table) => `select '${table}' as table, count(*)::int from ${table}`).join(' union all ');
  const results = await Promise.all(sides.map(({ database }) => database!.connection.query(counts)));
  const rows = results.map((result) => new Map<string, number>(result.rows.map(({ table, count }) => [table, count])));
  return written
    .filter((table) => new Set(rows.map((one) => one.get(table))).size > 1)
    .map(
      (table) =>
        `${table} has ${rows.map((one, index) => `${one.get(table)} rows of the ${sides[index]!.name}`).join(' and ')}`,
    );
}
