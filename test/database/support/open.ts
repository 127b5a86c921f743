/** The embedded database for tests. */
import { type Database, openDatabase } from '../../../src/database/database.ts';

/** A new database in memory, migrated and empty. One for each test file: it takes a second. */
export function openEmbedded(): Promise<Database> {
  return openDatabase({ kind: 'embedded' });
}
