/** The content of a database, for comparison. */
import { sql } from 'kysely';
import type { Database } from '../../src/database/database.ts';
import { entities } from '../../src/database/entities.ts';

/** Number and digest of the rows of each table. */
export async function fingerprint(db: Database): Promise<Record<string, unknown>> {
  const result: Record<string, unknown> = {};
  for (const { meta } of entities) {
    const { rows } =
      await sql`select count(*) as n, md5(string_agg(t::text, ',' order by t::text)) as digest from ${sql.table(meta.tableName)} t`.execute(
        db.query,
      );
    result[meta.tableName] = rows[0];
  }
  return result;
}
