/** A database of its own for a test, on the server that `TOUCHSTONE_TEST_POSTGRES` names. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

export const postgresServer = process.env['TOUCHSTONE_TEST_POSTGRES'];

/** For `test(name, { skip: needsPostgres }, …)`: false, or why the test cannot run. */
export const needsPostgres: false | string =
  postgresServer === undefined && 'set TOUCHSTONE_TEST_POSTGRES to the URL of a PostgreSQL server';

/** Creates an empty database; `drop` removes it, whoever is connected. */
export async function createTestDatabase(): Promise<{ readonly url: string; readonly drop: () => Promise<void> }> {
  const name = `touchstone_${randomBytes(6).toString('hex')}`;
  const run = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: `${postgresServer}/postgres` });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await run(`create database ${name}`);
  return { url: `${postgresServer}/${name}`, drop: () => run(`drop database if exists ${name} with (force)`) };
}
