/** Rows of any number as one parameter, so that one statement inserts few as well as many. */
import { type RawBuilder, sql } from 'kysely';
import type { Tables } from './tables.ts';

/**
 * Rows of a table from a JSON array of objects, whose members are named after its columns. A column without a member is
 * null. PostgreSQL decodes all text in it, also within JSON columns: text with a NUL or half a surrogate pair fails the
 * statement (`isStorableJson`). So it is not for the metadata of payments, which may have both.
 */
export const rowsOf = <Table extends keyof Tables & string>(table: Table, rows: string): RawBuilder<Tables[Table]> =>
  sql`json_populate_recordset(null::${sql.table(table)}, ${rows}::json)`;

/** Inserts rows of an ASE. Columns that are not listed get their defaults. */
export function insertRows<Table extends keyof Tables & string>(
  table: Table,
  columns: readonly (keyof Tables[Table] & string)[],
  { ase, rows }: { readonly ase: string; readonly rows: string },
): RawBuilder<unknown> {
  const names = sql.join(columns.map((column) => sql.ref(column)));
  return sql`insert into ${sql.table(table)} ("ase", ${names}) select ${ase}, ${names} from ${rowsOf(table, rows)}`;
}
