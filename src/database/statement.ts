/**
 * Statements of the hot path: written with the query builder, compiled at their first use, and from then on run with
 * other values only. Building and compiling takes longer than all other work of the program for a statement.
 */
import {
  type Compilable,
  type CompiledQuery,
  type DatabaseConnection,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
} from 'kysely';
import type { Queryable, Tables, Transaction } from './tables.ts';

export interface Statement<Values, Row> {
  readonly all: (db: Queryable, values: Values) => Promise<Row[]>;
  readonly first: (db: Queryable, values: Values) => Promise<Row | undefined>;
  /** Returns the number of rows that were inserted, updated or deleted. */
  readonly change: (db: Queryable, values: Values) => Promise<number>;
}

/** Stands for a value while a statement is built. It has no value yet, so any conversion of it is a mistake. */
class Placeholder {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  [Symbol.toPrimitive](): never {
    throw new Error(`the value ${this.name} of a statement was used while it was built`);
  }
  toJSON(): never {
    return this[Symbol.toPrimitive]();
  }
}

const compiler = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** A statement with its values. */
interface BoundStatement<Row> extends CompiledQuery<Row> {
  readonly isShortRead: boolean;
}

/** True for a select of `statement()` that locks no row: such reads are short and may share a connection. */
export const isShortRead = (query: CompiledQuery): boolean =>
  (query as Partial<BoundStatement<unknown>>).isShortRead === true;

const isRead = ({ query }: CompiledQuery): boolean =>
  query.kind === 'SelectQueryNode' && (query.endModifiers ?? []).length === 0;

/** Where the statements of a database or transaction are sent without Kysely's executor, which allots connections. */
const connections = new WeakMap<Queryable, Pick<DatabaseConnection, 'executeQuery'>>();

/** From now on the statements go straight to this connection, or to the pool that it stands for. */
export function sendStatementsTo(db: Queryable, connection: Pick<DatabaseConnection, 'executeQuery'>): void {
  connections.set(db, connection);
}

/**
 * From now on the statements of this transaction that are run together, as with `Promise.all`, are sent together. The
 * server runs them in their order, and none after one that fails.
 */
export async function pipelineStatements(tx: Transaction): Promise<void> {
  connections.set(tx, await tx.getExecutor().provideConnection(async (connection) => connection));
}

const allCompiled: Map<string, unknown>[] = [];

/** Builds all statements again at their next use: for tests that change how they are built. */
export function recompileStatements(): void {
  for (const compiled of allCompiled) compiled.clear();
}

/** Names of the values that are there, in the order in which the caller has written them. */
const namesOf = (values: object): string[] =>
  Object.keys(values).filter((name) => values[name as keyof typeof values] !== undefined);

/**
 * `build` writes the statement with the values that it is given only as parameters: they are placeholders. It is called
 * once for each set of names, so it may look whether a value is there, and a row may have optional columns. A list of
 * any length is an array as one parameter: `= any(…)`.
 */
export function statement<Values extends object, Row>(
  build: (db: Queryable, values: Values) => Compilable<Row> | RawBuilder<Row>,
): Statement<Values, Row> {
  const compiled = new Map<string, BoundStatement<Row>>();
  allCompiled.push(compiled);

  const compile = (names: readonly string[]): BoundStatement<Row> => {
    const placeholders = Object.fromEntries(names.map((name) => [name, new Placeholder(name)]));
    const query = build(compiler, placeholders as Values).compile(compiler);
    return { ...query, isShortRead: isRead(query) };
  };

  const bind = (db: Queryable, values: Values): CompiledQuery<Row> => {
    // Plugins see each statement as it is built.
    if (db.getExecutor().plugins.length > 0) return build(db, values).compile(db);
    const names = namesOf(values);
    const key = names.join();
    const template = compiled.get(key) ?? compile(names);
    compiled.set(key, template);
    const parameters = template.parameters.map((value) =>
      value instanceof Placeholder ? values[value.name as keyof Values] : value,
    );
    return { ...template, parameters };
  };

  const run = (db: Queryable, values: Values) =>
    (connections.get(db) ?? db.getExecutor()).executeQuery<Row>(bind(db, values));

  return {
    all: async (db, values) => (await run(db, values)).rows,
    first: async (db, values) => (await run(db, values)).rows[0],
    change: async (db, values) => Number((await run(db, values)).numAffectedRows ?? 0n),
  };
}
