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

async function createDatabase(clause: string): Promise<TestDatabase> {
  const name = `touchstone_${randomBytes(6).toString('hex')}`;
  const run = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: `${postgresServer}/postgres` });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await run(`create database ${name} ${clause}`);
  return { url: `${postgresServer}/${name}`, drop: () => run(`drop database if exists ${name} with (force)`) };
}

/** Creates a database without any tables. */
export const createEmptyDatabase = (): Promise<TestDatabase> => createDatabase('');

/** Creates a migrated database without rows; one without any tables if there is nothing to copy. */
export const createTestDatabase = (): Promise<TestDatabase> =>
  createDatabase(template === undefined ? '' : `template ${template}`);

/** A fresh database on the server, which costs a fraction of the embedded one that replaces it without a server. */
export async function createFastestDatabase(): Promise<{
  readonly options: DatabaseOptions;
  readonly drop: () => Promise<void>;
}> {
  if (postgresServer === undefined) return { options: { kind: 'embedded' }, drop: async () => {} };
  const { url, drop } = await createTestDatabase();
  return { options: { kind: 'postgresql', url }, drop };
}
