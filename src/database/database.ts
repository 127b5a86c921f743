/**
 * The unit of work: one database, embedded (PGlite) or PostgreSQL, with the same tables and migrations.
 *
 * Isolation is READ COMMITTED. Code that changes a row on which other rows depend locks it first, in this order:
 * ase → grant → outgoing payment grant → quote → outgoing payment → incoming payment → account (a peer's first) → event.
 * Nothing waits for the network inside a transaction; `assertOutsideTransaction` enforces this.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { availableParallelism } from 'node:os';
import { type Dialect, Kysely, type KyselyPlugin, PostgresDialect, sql } from 'kysely';
import type { PoolConfig } from 'pg';
import { inSpan } from '../telemetry/spans.ts';
import { connectWithLimits } from './connection-limits.ts';
import { migrateEmbedded, startEmbedded } from './embedded.ts';
import { guardTransactions } from './guarded-dialect.ts';
import { statementsOf } from './migrations.ts';
import { createPooledDialect, createSender } from './postgresql-driver.ts';
import { followReplica, type Replica, type ReplicaOptions, withoutReplica } from './replica.ts';
import { pipelineStatements, sendStatementsTo } from './statement.ts';
import type { Queryable, Tables, Transaction } from './tables.ts';

export type { Queryable, Tables, Transaction } from './tables.ts';

export interface Database {
  readonly kind: 'embedded' | 'postgresql';
  /** For statements outside a transaction. */
  readonly query: Queryable;
  /** Runs `work` in one transaction; rolled back if it throws. Does not nest. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** For reads that may be some seconds old. Without a replica they go to the primary. */
  readonly replica: Replica;
  /** Removes all rows of these ASEs and of the world, for its end or a reset: the one exception to append-only. */
  clear(ases: readonly string[], world: string): Promise<void>;
  /** The connections of this process; undefined for the embedded database, which has one. */
  readonly connections: (() => Connections) | undefined;
  close(): Promise<void>;
}

export interface Connections {
  readonly inUse: number;
  readonly idle: number;
  /** Statements and transactions that wait for a connection. */
  readonly awaited: number;
}

export type DatabaseOptions = (
  | { readonly kind: 'embedded'; readonly directory?: string }
  | {
      readonly kind: 'postgresql';
      readonly url: string;
      /** A streaming replica of the database. */
      readonly replicaUrl?: string | undefined;
      /** Connections to each server at most, 2 or more. Default: see `defaultPoolSize`. */
      readonly poolSize?: number | undefined;
      /** How long the server may take for a connection, or for a statement. Default: 20 s. */
      readonly patienceMs?: number;
    }
) & {
  /** Called when the result of a statement has arrived, except those of `begin` and `commit`. */
  readonly onStatement?: () => void;
  /** Called when reads start to go to the replica, with undefined, and when they cannot, with the reason. */
  readonly onReplicaChange?: ReplicaOptions['onChange'];
};

/** The callbacks of the transaction that the current code runs in. */
const currentTransaction = new AsyncLocalStorage<{ readonly afterCommit: Set<() => void> }>();

/** Calls `callback` once the current transaction has committed, and never if it rolls back. */
export function afterCommit(callback: () => void): void {
  const transaction = currentTransaction.getStore();
  if (!transaction) throw new Error('afterCommit outside a database transaction');
  transaction.afterCommit.add(callback);
}

/** Throws if called inside a transaction: a network wait there would hold locks. */
export function assertOutsideTransaction(what: string): void {
  if (currentTransaction.getStore()) throw new Error(`${what} inside a database transaction`);
}

/** Opens the database and brings it up to date. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const opened = await (options.kind === 'embedded' ? openEmbedded(options) : openPostgreSql(options));
  performance.mark('touchstone: tables up to date');
  return wrap(options, opened);
}

interface Opened {
  readonly query: Queryable;
  /** True if statements of a transaction can be sent together. */
  readonly isPipelined?: boolean;
  readonly connections?: () => Connections;
  readonly replica?: Replica;
  readonly close: () => Promise<void>;
}

/**
 * PostgreSQL's rule of thumb for a server with as many cores as this process may use. With more connections than that,
 * backends displace each other's data from the caches of the cores, and transactions wait for each other's locks.
 */
const defaultPoolSize = (): number => Math.min(2 * availableParallelism() + 1, 10);

const DEFAULT_PATIENCE_MS = 20_000;
/** After this time without an answer, a read of the replica goes to the primary. */
const REPLICA_PATIENCE_MS = 2_000;

const createQuery = (dialect: Dialect): Queryable => new Kysely<Tables>({ dialect: guardTransactions(dialect) });

async function openPostgreSql(options: DatabaseOptions & { readonly kind: 'postgresql' }): Promise<Opened> {
  const { url, replicaUrl, poolSize = defaultPoolSize(), patienceMs = DEFAULT_PATIENCE_MS } = options;
  const { createPool } = await import('./pool.ts');
  const connect = async (url: string, patienceMs: number) => {
    const { pool, hasSessions } = await connectWithLimits(
      (limits: PoolConfig) => createPool(url, poolSize, limits),
      patienceMs,
    );
    const dialect = hasSessions ? createPooledDialect(pool) : new PostgresDialect({ pool });
    const query = createQuery(dialect);
    if (hasSessions) sendStatementsTo(query, createSender(pool));
    return {
      query,
      isPipelined: hasSessions,
      connections: () => ({
        inUse: pool.totalCount - pool.idleCount,
        idle: pool.idleCount,
        awaited: pool.waitingCount,
      }),
      close: () => pool.end(),
    };
  };
  const open = () => connect(url, patienceMs);
  let opened = await open();
  // Fails if the database does not exist yet.
  if (!(await isMigrated(opened.query).catch(() => false))) {
    await opened.close();
    await (await import('./migrate.ts')).migratePostgreSql(url);
    opened = await open();
  }
  if (replicaUrl === undefined) return opened;
  const { query: primary, close } = opened;
  const openReplica = () => connect(replicaUrl, REPLICA_PATIENCE_MS);
  const replica = followReplica({ primary, open: openReplica, onChange: options.onReplicaChange });
  return { ...opened, replica, close: () => replica.close().finally(close) };
}

async function openEmbedded({ directory }: { readonly directory?: string }): Promise<Opened> {
  const { pglite, pool, isNew, close } = await startEmbedded(directory);
  const query = createQuery(createPooledDialect(pool));
  if (!isNew && !(await isMigrated(query))) await migrateEmbedded(pglite);
  // Reads share no connection as those of a server do, because transactions would wait for it until there are none.
  return { query, isPipelined: true, close };
}

/** True if all migrations ran. Two queries, where the migrator needs a dozen. */
async function isMigrated(query: Queryable): Promise<boolean> {
  const { rows } = await sql<{ present: boolean }>`
    select to_regclass('mikro_orm_migrations') is not null as present`.execute(query);
  if (!rows[0]!.present) return false;
  const executed = await sql<{ name: string }>`select name from mikro_orm_migrations`.execute(query);
  const names = new Set(executed.rows.map(({ name }) => name));
  return Object.keys(statementsOf).every((name) => names.has(name));
}

const countStatements = (onStatement: () => void): KyselyPlugin => ({
  transformQuery: ({ node }) => node,
  async transformResult({ result }) {
    onStatement();
    return result;
  },
});

function wrap(
  { kind, onStatement }: DatabaseOptions,
  { query: plain, isPipelined, connections, replica, close }: Opened,
): Database {
  const query = onStatement ? plain.withPlugin(countStatements(onStatement)) : plain;
  const execute = <T>(work: (tx: Transaction) => Promise<T>) =>
    query.transaction().execute(async (tx) => {
      if (isPipelined) await pipelineStatements(tx);
      return work(tx);
    });
  return {
    kind,
    query,
    replica: replica ?? withoutReplica(query),
    async transaction(work) {
      assertOutsideTransaction('a second transaction');
      const transaction = { afterCommit: new Set<() => void>() };
      const result = await inSpan(
        { kind: 'client', name: 'transaction', attributes: { 'db.system.name': 'postgresql' } },
        () => execute((tx) => currentTransaction.run(transaction, () => work(tx))),
      );
      for (const callback of transaction.afterCommit) callback();
      return result;
    },
    async clear(ases, world) {
      const { entities } = await import('./entities.ts');
      await this.transaction(async (tx) => {
        await sql`select set_config('touchstone.clearing', 'on', true)`.execute(tx);
        // Children first: `entities` lists referenced tables before the tables that refer to them.
        for (const { meta } of entities.toReversed()) {
          const table = sql.table(meta.tableName);
          // Counters expire by themselves, and another world must not lose its own.
          if (meta.tableName === 'rate_limit') continue;
          // Nothing refers to an entry or its account, so wait for transactions of other processes that are booking.
          if (meta.tableName === 'ledger_entry')
            await sql`select from account where ase = any(${sql.val([...ases])}) order by id for update`.execute(tx);
          if (meta.tableName === 'world') await sql`delete from ${table} where id = ${world}`.execute(tx);
          else await sql`delete from ${table} where ase = any(${sql.val([...ases])})`.execute(tx);
        }
      });
      this.replica.noteChangeOfAll();
    },
    connections,
    close,
  };
}
