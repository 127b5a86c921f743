/** A new database for the world that a run starts, on a PostgreSQL server. */
import { randomUUID } from 'node:crypto';

export interface FreshDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** @param server URL of any database of the server. Throws an error of one sentence, without the URL, if it fails */
export async function createFreshDatabase(server: string): Promise<FreshDatabase> {
  const { default: pg } = await import('pg');
  const name = `touchstone_check_${randomUUID().replaceAll('-', '')}`;
  const query = async (text: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server, connectionTimeoutMillis: CONNECT_MS });
    // A server that ends the connection later is not an error of the run.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query(text);
    } finally {
      await client.end().catch(() => {});
    }
  };
  const explain = (error: NodeJS.ErrnoException): never => {
    throw new Error(`the PostgreSQL server cannot make a database (${error.code ?? error.message})`);
  };
  const url = URL.parse(server);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) throw new Error('--database-url takes a postgresql:// URL');
  await query(`create database ${name}`).catch(explain);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => query(`drop database if exists ${name} with (force)`) };
}

const CONNECT_MS = 10_000;
