/** A database for one test file. */
import { type Database, openDatabase } from '../../../src/database/database.ts';
import { createFastestDatabase } from '../../support/postgresql.ts';

/** A new database, migrated and without rows, on the fastest engine that there is. */
export async function openTestDatabase(): Promise<Database> {
  const { options, drop } = await createFastestDatabase();
  const db = await openDatabase(options);
  return { ...db, close: () => db.close().finally(drop) };
}
