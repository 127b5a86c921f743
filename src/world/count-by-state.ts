/**
 * Counts of all rows of a table by ASE and state, for metrics. They take time in proportion to the table, so they are
 * made in slices between which other work runs, and those of a large table are kept for a while.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { sql } from 'kysely';
import { steadyNow } from '../clock.ts';
import type { Queryable } from '../database/database.ts';

/** Tables with a state, and the columns of their primary keys besides the ASE. */
const keys = {
  outgoing_payment: ['id'],
  outgoing_packet: ['payment_id', 'condition'],
  webhook_event: ['subject', 'sequence'],
} as const;

export interface StateCount {
  readonly ase: string;
  readonly state: string;
  readonly count: number;
}

/** The embedded database counts them in some 20 ms, in which the program does nothing else. */
const SLICE = 5_000;
/** Lifetime of the counts of a table that has more rows than a slice. */
const LIFETIME_MS = 60_000;

/** Calls at the same time share one count. */
export function createStateCounter(
  table: keyof typeof keys,
  { slice = SLICE, now = steadyNow }: { readonly slice?: number; readonly now?: () => number } = {},
): (query: Queryable) => Promise<readonly StateCount[]> {
  let running: Promise<readonly StateCount[]> | undefined;
  let kept: { readonly counts: readonly StateCount[]; readonly until: number } | undefined;
  async function count(query: Queryable): Promise<readonly StateCount[]> {
    const counts = new Map<string, StateCount>();
    let rows = 0;
    for (let last: readonly string[] | undefined, isFirst = true; isFirst || last; isFirst = false) {
      const counted = await countSlice(query, table, last, slice);
      for (const { ase, state, count } of counted) {
        const key = JSON.stringify([ase, state]);
        counts.set(key, { ase, state, count: (counts.get(key)?.count ?? 0) + count });
      }
      const size = counted.reduce((sum, { count }) => sum + count, 0);
      rows += size;
      last = size === slice ? counted[0]?.last : undefined;
      await turn();
    }
    const result = [...counts.values()];
    kept = rows > slice ? { counts: result, until: now() + LIFETIME_MS } : undefined;
    return result;
  }
  return async (query) => {
    if (kept && now() < kept.until) return kept.counts;
    running ??= count(query).finally(() => {
      running = undefined;
    });
    return running;
  };
}

/** Counts the next rows in the order of the primary key. `last` is the key of the last one, the same in all groups. */
async function countSlice(
  query: Queryable,
  table: keyof typeof keys,
  behind: readonly string[] | undefined,
  limit: number,
): Promise<readonly (StateCount & { readonly last: readonly string[] })[]> {
  const key = ['ase', ...keys[table]];
  const columns = sql.join(key.map((column) => sql.ref(column)));
  const isBehind = behind ? sql`where (${columns}) > (${sql.join(behind)})` : sql``;
  const { rows } = await sql<StateCount & { last: string[] }>`
    with slice as materialized (
      select ase, state, array[${sql.join(key.map((column) => sql`${sql.ref(column)}::text`))}] as key,
        row_number() over (order by ${columns}) as number
      from ${sql.table(table)} ${isBehind} order by ${columns} limit ${sql.lit(limit)})
    select ase, state, count(*)::int as count, (select key from slice order by number desc limit 1) as last
    from slice group by ase, state`.execute(query);
  return rows;
}
