/** Statements of the floor, prepared once for each connection. */
import pg from 'pg';

/** Name of the ASE that the program has founded in the database. */
export const ASE = 'granite';

/** `timestamptz`, left as text: replies parse only what they show. */
pg.types.setTypeParser(1184, (text) => text);

let pool: pg.Pool;

export function connect(connectionString: string): void {
  pool = new pg.Pool({ connectionString, max: 10, idleTimeoutMillis: 0 });
}

/** Runs a statement whose text never changes under this name. `ase` is $1. */
export async function query(name: string, text: string, values: readonly unknown[]): Promise<pg.QueryResultRow[]> {
  const { rows } = await pool.query({ name, text, values: [ASE, ...values] });
  return rows;
}
