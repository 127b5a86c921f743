/** Pages of the lists that an administrator reads. Each ends with the cursor of the next page. */
import { type SelectQueryBuilder, sql } from 'kysely';
import { toInstant } from '../database/columns.ts';
import { adminProblem } from './problem.ts';

export interface PageRequest {
  readonly cursor?: string | undefined;
  /** Maximum number of items; default 20. */
  readonly first?: number | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly endCursor: string | undefined;
  readonly hasNextPage: boolean;
}

/** A page begins after the item with this time (milliseconds) and id. */
export interface Position {
  readonly at: number;
  readonly id: string;
}

const formatCursor = ({ at, id }: Position): string => Buffer.from(`${at} ${id}`).toString('base64url');

function parseCursor(cursor: string): Position {
  const [, at, id] = /^(\d{1,14}) ([^\0]+)$/s.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (at === undefined || id === undefined) throw adminProblem('invalid_request', 'unknown cursor');
  return { at: Number(at), id };
}

/** Selects one item more than fit, to know whether a next page exists. Throws `invalid_request` for an unknown cursor. */
export async function listPage<Item>(
  { cursor, first = 20 }: PageRequest,
  positionOf: (item: Item) => Position,
  select: (after: Position | undefined, limit: number) => Promise<readonly Item[]>,
): Promise<Page<Item>> {
  const selected = await select(cursor === undefined ? undefined : parseCursor(cursor), first + 1);
  const items = selected.slice(0, first);
  const last = items.at(-1);
  return { items, endCursor: last && formatCursor(positionOf(last)), hasNextPage: selected.length > first };
}

/** The position of items with a creation time. */
export const creationOf = ({ createdAt, id }: { readonly createdAt: number; readonly id: string }): Position => ({
  at: createdAt,
  id,
});

const inOrder =
  (direction: 'asc' | 'desc') =>
  (columns: { readonly at: string; readonly id: string }, after: Position | undefined, limit: number) =>
  <DB, TB extends keyof DB, Row>(query: SelectQueryBuilder<DB, TB, Row>): SelectQueryBuilder<DB, TB, Row> => {
    const [at, id] = [sql.ref(columns.at), sql.ref(columns.id)];
    const beyond = sql.raw(direction === 'asc' ? '>' : '<');
    const rest = after
      ? sql<boolean>`(${at}, ${id}) ${beyond} (${toInstant(after.at)}::timestamptz, ${after.id})`
      : sql<boolean>`true`;
    return query.where(rest).orderBy(at, direction).orderBy(id, direction).limit(limit);
  };

/** Restricts a query to the rows after a position, newest first. For `$call`. */
export const newestFirst = inOrder('desc');

/** The same, oldest first. */
export const oldestFirst = inOrder('asc');
