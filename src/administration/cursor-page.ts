/** Pages of lists that an administrator reads: newest or oldest first, each with the cursor of the next. */
import { invalid } from './problem.ts';

export interface PageRequest {
  readonly cursor?: string | undefined;
  /** Items at most; default 20. */
  readonly first?: number | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly endCursor: string | undefined;
  readonly hasNextPage: boolean;
}

/** Where a page begins: after the item of this time (milliseconds) and id. */
export interface Position {
  readonly at: number;
  readonly id: string;
}

/** Reads one row more than fit, to know whether there are others. Throws `invalid_request` for a cursor of nobody's. */
export async function listPage<Item>(
  { cursor, first = 20 }: PageRequest,
  positionOf: (item: Item) => Position,
  read: (after: Position | undefined, limit: number) => Promise<readonly Item[]>,
): Promise<Page<Item>> {
  const found = await read(cursor === undefined ? undefined : readCursor(cursor), first + 1);
  const items = found.slice(0, first);
  const last = items.at(-1);
  return { items, endCursor: last && writeCursor(positionOf(last)), hasNextPage: found.length > first };
}

const writeCursor = ({ at, id }: Position): string => Buffer.from(`${at} ${id}`).toString('base64url');

function readCursor(cursor: string): Position {
  const [, at, id] = /^(\d{1,14}) ([^\0]+)$/s.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (at === undefined || id === undefined) throw invalid('unknown cursor');
  return { at: Number(at), id };
}
