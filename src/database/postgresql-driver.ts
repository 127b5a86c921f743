/**
 * How statements reach PostgreSQL over a pool of `pg`, as a driver of Kysely. Three things make them cheap:
 *   1. Each text is prepared once per connection, under a name, so that PostgreSQL parses and plans it once.
 *   2. Short reads outside transactions that are under way at the same time share one connection and are pipelined on
 *      it: each is sent at once, without waiting for the answers to those before it (see `statement.ts`).
 *   3. What is sent within one turn of the event loop leaves in one system call. So `begin` costs no round trip, and
 *      statements of a transaction that do not need each other's results need only one if they are sent together.
 *
 * Not for poolers of transactions such as PgBouncer, where a name and a pipeline would end up on several sessions.
 */
import type { Socket } from 'node:net';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { isShortRead } from './statement.ts';

/** Texts that get a name. Each costs PostgreSQL memory in each connection, so texts that vary without end do not. */
const MAX_NAMES = 500;
const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= MAX_NAMES) return known;
  const name = `s${names.size}`;
  names.set(text, name);
  return name;
}

/**
 * Holds back what is written to the socket: of reads that share it, until the event loop has seen to the other sockets
 * of this turn; of a transaction, which may hold locks, only until the current callback and its microtasks have ended.
 */
function cork(client: PoolClient, until: 'turn' | 'tick'): void {
  const { stream } = (client as PoolClient & { readonly connection: { readonly stream: Socket } }).connection;
  if (stream.writableCorked > 0) return;
  stream.cork();
  const uncork = () => stream.uncork();
  if (until === 'turn') setImmediate(uncork);
  else process.nextTick(uncork);
}

async function send<Row>(client: PoolClient, { sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
  const name = parameters.length > 0 ? nameOf(sql) : undefined;
  const values = parameters as unknown[];
  const { command, rowCount, rows } = await client.query({ text: sql, values, ...(name !== undefined && { name }) });
  const numAffectedRows = command === 'SELECT' ? undefined : BigInt(rowCount ?? 0);
  return { rows: rows ?? [], ...(numAffectedRows !== undefined && { numAffectedRows }) };
}

/** The connection of the short reads under way. It returns to the pool when there are none. */
interface SharedClient {
  readonly client: Promise<PoolClient>;
  readers: number;
}

function createShortReads(pool: Pool): DatabaseConnection['executeQuery'] {
  let shared: SharedClient | undefined;

  /** Later reads get another connection. */
  const retire = (one: SharedClient): void => {
    if (shared === one) shared = undefined;
  };

  return async <Row>(query: CompiledQuery): Promise<QueryResult<Row>> => {
    shared ??= { client: pool.connect(), readers: 0 };
    const own = shared;
    own.readers += 1;
    try {
      const client = await own.client;
      cork(client, 'turn');
      return await send<Row>(client, query);
    } catch (error) {
      retire(own);
      throw error;
    } finally {
      own.readers -= 1;
      if (own.readers === 0) {
        retire(own);
        own.client.then(
          (client) => client.release(),
          () => {},
        );
      }
    }
  };
}

/** Sends statements outside transactions: short reads on the connection that they share, others each on its own. */
export function createSender(pool: Pool): Pick<DatabaseConnection, 'executeQuery'> {
  const readShortly = createShortReads(pool);
  return {
    async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
      if (isShortRead(query)) return readShortly(query);
      const client = await pool.connect();
      try {
        return await send<Row>(client, query);
      } finally {
        // The pool drops a connection that is broken.
        client.release();
      }
    },
  };
}

/** Takes a connection from the pool only for a statement or transaction that needs it. */
class LazyConnection implements DatabaseConnection {
  readonly #pool: Pool;
  #client: PoolClient | undefined;
  #begun: Promise<unknown> | undefined;
  /** The first error of the transaction. */
  #failure: unknown;
  #committed: Promise<{ readonly command: string }> | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const client = await this.open();
    if (this.#begun) cork(client, 'tick');
    try {
      const [result] = await Promise.all([send<Row>(client, query), this.#begun]);
      return result;
    } catch (error) {
      // The statements that were sent together with one that fails say only that it has failed.
      this.#failure ??= error;
      throw this.#begun ? this.#failure : error;
    }
  }

  /** Sends `begin` together with the first statement, which fails if it fails. */
  async begin(): Promise<void> {
    const client = await this.open();
    cork(client, 'tick');
    this.#begun = client.query('begin');
    this.#begun.catch(() => {});
  }

  /** Sends `commit` once, together with the statements before it. Throws if the server has rolled back instead. */
  async commit(): Promise<void> {
    const client = await this.open();
    cork(client, 'tick');
    this.#committed ??= client.query('commit');
    const { command } = await this.#committed;
    // PostgreSQL's answer if a statement has failed.
    if (command === 'ROLLBACK') throw this.#failure ?? new Error('the transaction was rolled back');
  }

  async rollback(): Promise<void> {
    if (this.#committed) await this.#committed;
    else await (await this.open()).query('rollback');
  }

  async open(): Promise<PoolClient> {
    this.#client ??= await this.#pool.connect();
    return this.#client;
  }

  /** The pool drops a connection that is broken. */
  release(): void {
    this.#client?.release();
    this.#client = undefined;
    this.#begun = undefined;
    this.#failure = undefined;
    this.#committed = undefined;
  }

  // biome-ignore lint/correctness/useYield: no statement is streamed
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('statements are not streamed');
  }
}

class PooledDriver implements Driver {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<LazyConnection> {
    return new LazyConnection(this.#pool);
  }

  async beginTransaction(connection: LazyConnection): Promise<void> {
    await connection.begin();
  }

  async commitTransaction(connection: LazyConnection): Promise<void> {
    await connection.commit();
  }

  async rollbackTransaction(connection: LazyConnection): Promise<void> {
    await connection.rollback();
  }

  async releaseConnection(connection: LazyConnection): Promise<void> {
    connection.release();
  }

  /** The owner of the pool closes it. */
  async destroy(): Promise<void> {}
}

export const createPooledDialect = (pool: Pool): Dialect => ({
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => new PooledDriver(pool),
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
});
