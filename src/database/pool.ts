/** The pool of connections to a PostgreSQL server. */
import type { Duplex } from 'node:stream';
import pg, { type Pool, type PoolConfig } from 'pg';

/** Types whose values stay text: date, timestamp, timestamptz and interval. `columns.ts` converts them. */
const textTypes = new Set([1082, 1114, 1184, 1186]);

const types: PoolConfig['types'] = {
  getTypeParser: (id, format) => (textTypes.has(id) ? String : pg.types.getTypeParser(id, format)),
};

/** The host, the port, the user, the password and the database come from the URL; nothing else in it counts. */
export function createPool(url: string, max: number, options: PoolConfig): Pool {
  const { hostname, port, username, password, pathname } = new URL(url);
  const pool = new pg.Pool({
    host: decodeURIComponent(hostname),
    port: Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    max,
    types,
    ...options,
  });
  return withoutErrors(pool);
}

/** A pool of one connection, which stays open. */
export const createEmbeddedPool = (stream: () => Duplex): Pool =>
  withoutErrors(
    new pg.Pool({
      stream,
      user: 'postgres',
      database: 'postgres',
      max: 1,
      idleTimeoutMillis: 0,
      types,
      pipeline: true,
    } as PoolConfig),
  );

function withoutErrors(pool: Pool): Pool {
  // Without a listener, the end of an unused connection would be the end of the process. The pool replaces it.
  pool.on('error', () => {});
  // The statement in progress reports the end of its connection.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
