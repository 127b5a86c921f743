/**
 * A dialect of Kysely that runs no statement of a transaction after its end. Kysely queues the statements that a
 * transaction runs together, unless they are pipelined: when one part of it fails, those of the others would still be
 * run, after the rollback and outside of any transaction.
 */
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult, TransactionSettings } from 'kysely';
import type { Transaction } from './tables.ts';

/** A connection whose transaction can be committed before its driver is asked to. */
interface CommittingConnection extends DatabaseConnection {
  commit?(): Promise<void>;
}

class GuardedConnection implements DatabaseConnection {
  readonly connection: CommittingConnection;
  isOver = false;

  constructor(connection: CommittingConnection) {
    this.connection = connection;
  }

  async commit(): Promise<void> {
    if (!this.connection.commit) return;
    this.isOver = true;
    await this.connection.commit();
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.isOver) throw new Error('a statement comes after the end of its transaction');
    return this.connection.executeQuery<Row>(query);
  }

  streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    return this.connection.streamQuery<Row>(query, chunkSize);
  }
}

class GuardedDriver implements Driver {
  readonly #driver: Driver;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  init(): Promise<void> {
    return this.#driver.init();
  }

  async acquireConnection(): Promise<GuardedConnection> {
    return new GuardedConnection(await this.#driver.acquireConnection());
  }

  beginTransaction({ connection }: GuardedConnection, settings: TransactionSettings): Promise<void> {
    return this.#driver.beginTransaction(connection, settings);
  }

  commitTransaction(guarded: GuardedConnection): Promise<void> {
    guarded.isOver = true;
    return this.#driver.commitTransaction(guarded.connection);
  }

  rollbackTransaction(guarded: GuardedConnection): Promise<void> {
    guarded.isOver = true;
    return this.#driver.rollbackTransaction(guarded.connection);
  }

  releaseConnection({ connection }: GuardedConnection): Promise<void> {
    return this.#driver.releaseConnection(connection);
  }

  destroy(): Promise<void> {
    return this.#driver.destroy();
  }
}

/**
 * Sends the commit of a transaction together with its last statements, as the last element of their `Promise.all`. Their
 * results cannot stop it any more, so each must fail if it does not do its part. Where statements are not pipelined it
 * does nothing, and the transaction commits at its end.
 */
export async function commitTogether(tx: Transaction): Promise<void> {
  await tx.getExecutor().provideConnection((connection) => (connection as GuardedConnection).commit());
}

export const guardTransactions = (dialect: Dialect): Dialect => ({
  createAdapter: () => dialect.createAdapter(),
  createDriver: () => new GuardedDriver(dialect.createDriver()),
  createIntrospector: (db) => dialect.createIntrospector(db),
  createQueryCompiler: () => dialect.createQueryCompiler(),
});
