/**
 * Time limits of connections to PostgreSQL, against a network that silently drops packets. The server aborts long
 * statements and abandoned transactions; the client closes a connection that stays silent, so that its statements fail
 * and the pool replaces it.
 *
 * Behind a pooler of transactions, such as PgBouncer, a session has no settings of one client: the pooler refuses
 * startup parameters or ignores them, and a setting that one client makes for a session is found by the next one. There
 * each transaction begins with the limits, for itself only and in the same message; a single statement has those of the
 * pooler. Statements of a transaction follow each other there instead of being sent together, and a commit that the
 * server answers with a rollback fails. Nothing else in the program needs a session there: no LISTEN, named statements,
 * temporary tables or session locks.
 */
import type { Socket } from 'node:net';
import type { Pool, PoolClient, PoolConfig, QueryResult } from 'pg';

type Connect = (limits: PoolConfig) => Pool;

function closeSilentConnections(pool: Pool, patienceMs: number): void {
  pool.on('connect', (client) => {
    const { stream } = (client as PoolClient & { readonly connection: { readonly stream: Socket } }).connection;
    stream.setTimeout(1.25 * patienceMs, () => stream.destroy(new Error('the database does not answer')));
  });
}

function limitSessions(connect: Connect, patienceMs: number): Pool {
  return connect({
    connectionTimeoutMillis: patienceMs,
    statement_timeout: patienceMs,
    idle_in_transaction_session_timeout: patienceMs,
    keepAlive: true,
    // Allows several statements in flight; see `postgresql-driver.ts`.
    pipeline: true,
  } as PoolConfig);
}

/** PostgreSQL answers the commit of a transaction in which a statement has failed with ROLLBACK. */
function refuseRollback(result: QueryResult): QueryResult {
  if (result.command === 'ROLLBACK') throw new Error('the transaction was rolled back');
  return result;
}

function limitTransactions(connect: Connect, patienceMs: number): Pool {
  const pool = connect({ connectionTimeoutMillis: patienceMs, keepAlive: true });
  const limits = ['statement_timeout', 'idle_in_transaction_session_timeout'].map(
    (name) => `set local ${name} = ${patienceMs}`,
  );
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<QueryResult>;
    const begin = (text: string): string => [text, ...limits].join('; ');
    let last: Promise<unknown> = Promise.resolve();
    // A rollback can come while a statement is in progress, and `pg` does not queue statements for much longer.
    const limited = (text: unknown, ...rest: unknown[]) => {
      const isBegin = typeof text === 'string' && /^(begin|start transaction)\b/.test(text);
      const result = last.then(() => query(isBegin ? begin(text) : text, ...rest));
      last = result.catch(() => {});
      return text === 'commit' ? result.then(refuseRollback) : result;
    };
    Object.assign(client, { query: limited });
  });
  return pool;
}

/** PgBouncer's answer to a startup parameter that it does not know. */
const isRefusedParameter = (error: unknown): boolean => (error as { code?: string }).code === '08P01';

/** True if the server did not take the limits of the session. False also if it cannot be reached. */
async function isPooled(pool: Pool, patienceMs: number): Promise<boolean> {
  try {
    const { rows } = await pool.query(`select setting from pg_settings where name = 'statement_timeout'`);
    return rows[0]?.setting !== String(patienceMs);
  } catch (error) {
    return isRefusedParameter(error);
  }
}

/** Connects with the limits in the session or, if what answers is a pooler of transactions, in each transaction. */
export async function connectWithLimits(
  connect: Connect,
  patienceMs: number,
): Promise<{ readonly pool: Pool; readonly hasSessions: boolean }> {
  const connectLimited = (limit: typeof limitSessions): Pool => {
    const pool = limit(connect, patienceMs);
    closeSilentConnections(pool, patienceMs);
    return pool;
  };
  const sessions = connectLimited(limitSessions);
  if (!(await isPooled(sessions, patienceMs))) return { pool: sessions, hasSessions: true };
  await sessions.end();
  return { pool: connectLimited(limitTransactions), hasSessions: false };
}
