/** Databases for tests on the PostgreSQL server that `TOUCHSTONE_TEST_POSTGRES` names; `test/run.ts` starts one. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { DatabaseOptions } from '../../src/database/database.ts';

const postgresServer = process.env['TOUCHSTONE_TEST_POSTGRES'];

/** For `test(name, { skip: needsPostgres }, …)`: false, or why the test cannot run. */
export const needsPostgres: false | string =
  postgresServer === undefined && 'install PostgreSQL, or set TOUCHSTONE_TEST_POSTGRES to the URL of a server';

/** A migrated database without rows, which `test/run.ts` makes; copying it is cheaper than to migrate again. */
const template = process.env['TOUCHSTONE_TEST_TEMPLATE'];

export interface TestDatabase {
  readonly url: string;
  /** Removes it and ends all connections to it. */
  readonly drop: () => Promise<void>;
}

async function withServer<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: `${postgresServer}/postgres` });
  await client.connect();
  return work(client).finally(() => client.end());
}

async function createDatabase(source?: string): Promise<TestDatabase> {
  const name = `touchstone_${randomBytes(6).toString('hex')}`;
  await withServer(async (client) => {
    const { rows } = await client.query(
      `select current_setting('server_version_num')::int >= 150000 as has_strategies`,
    );
    // Copying files takes a tenth of the time of writing every page to the log, the default since PostgreSQL 15.
    const strategy = rows[0].has_strategies ? 'strategy file_copy' : '';
    await client.query(`create database ${name} ${source === undefined ? '' : `template ${source} ${strategy}`}`);
  });
  const drop = () => withServer((client) => client.query(`drop database if exists ${name} with (force)`));
  return { url: `${postgresServer}/${name}`, drop: async () => void (await drop()) };
}

/** Creates a database without any tables. */
export const createEmptyDatabase = (): Promise<TestDatabase> => createDatabase();

/** Creates a migrated database without rows; one without any tables if there is nothing to copy. */
export const createTestDatabase = (): Promise<TestDatabase> => createDatabase(template);

/** A fresh database on the server, which costs a fraction of the embedded one that replaces it without a server. */
export async function createFastestDatabase(): Promise<{
  readonly options: DatabaseOptions;
  readonly drop: () => Promise<void>;
}> {
  if (postgresServer === undefined) return { options: { kind: 'embedded' }, drop: async () => {} };
  const { url, drop } = await createTestDatabase();
  return { options: { kind: 'postgresql', url }, drop };
}
