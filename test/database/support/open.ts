/** Databases for tests. */
import { after, before } from 'node:test';
import { type Database, openDatabase } from '../../../src/database/database.ts';
import { createFastestDatabase } from '../../support/postgresql.ts';

/** A new database, migrated and without rows, on the fastest engine that there is. */
export async function openTestDatabase(): Promise<Database> {
  const { options, drop } = await createFastestDatabase();
  const db = await openDatabase(options);
  return { ...db, close: () => db.close().finally(drop) };
}

/**
 * The same for the tests of a file or suite: opened before the first and closed after the last. A second `before` of a file
 * would not wait for this one, so what the tests need in the database is a function.
 */
export function useTestDatabase(prepare: () => Promise<void> = async () => {}): Database {
  const db = {} as Database;
  before(async () => {
    Object.assign(db, await openTestDatabase());
    await prepare();
  });
  after(() => db.close());
  return db;
}
