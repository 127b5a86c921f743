/**
 * A dialect of Kysely that runs no statement of a transaction after its end. Kysely queues the statements that a
 * transaction runs together, unless they are pipelined: when one part of it fails, those of the others would still be
 * run, after the rollback and outside of any transaction.
 */
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult, TransactionSettings } from 'kysely';

class GuardedConnection implements DatabaseConnection {
  readonly connection: DatabaseConnection;
  isOver = false;

  constructor(connection: DatabaseConnection) {
    this.connection = connection;
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

export const guardTransactions = (dialect: Dialect): Dialect => ({
  createAdapter: () => dialect.createAdapter(),
  createDriver: () => new GuardedDriver(dialect.createDriver()),
  createIntrospector: (db) => dialect.createIntrospector(db),
  createQueryCompiler: () => dialect.createQueryCompiler(),
});
