/** Databases for tests: embedded from a template, or a fresh one on the PostgreSQL server that the environment names. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Database } from '../../../src/database/database.ts';
import { openDatabase } from '../../../src/database/database.ts';

/** A migrated, empty database of its own, in memory. One for each test file: it takes a second. */
export function openEmbedded(): Promise<Database> {
  return openDatabase({ kind: 'embedded' });
}

/** Reason to skip a test that needs PostgreSQL, or false. */
export const skipWithoutPostgres =
  process.env['TOUCHSTONE_TEST_POSTGRES'] === undefined && 'TOUCHSTONE_TEST_POSTGRES names no PostgreSQL server';

/** Name for a database of its own on the server, and how to remove it. Nobody may be connected to it by then. */
export function nameDatabase(prefix: string): { url: string; drop: () => Promise<void> } {
  const server = process.env['TOUCHSTONE_TEST_POSTGRES']!;
  const name = `${prefix}_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      const client = new pg.Client({ connectionString: server });
      await client.connect();
      await client.query(`drop database if exists "${name}" with (force)`);
      await client.end();
    },
  };
}
