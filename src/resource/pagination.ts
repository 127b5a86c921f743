/** Cursor pagination of payments: newest first, forward and backward (RS-L-01…17). */
import { createHash } from 'node:crypto';
import { toInstant, toMillis } from '../database/columns.ts';
import { parseQuery } from '../http/received-request.ts';
import { resourceProblem } from './problem.ts';

const DEFAULT_PAGE_SIZE = 20;

const invalidRequest = (description: string) => resourceProblem('invalid_request', { description });

/** The list that a cursor belongs to. A cursor of another list is rejected. */
export interface CursorScope {
  readonly collection: 'incoming-payments' | 'outgoing-payments';
  readonly walletAddressId: string;
  /** Set if the list shows only the resources of this client. */
  readonly ownClientId: string | undefined;
}

/** Place in the order of a list. It remains valid when the item at that place is gone (RS-L-16). */
export interface Position {
  readonly createdAt: string;
  readonly id: string;
}

export interface PageRequest {
  readonly scope: CursorScope;
  readonly direction: 'forward' | 'backward';
  readonly size: number;
  readonly cursor: Position | undefined;
}

/** How the rows of a slice compare with a position: older ones come newest first, newer ones oldest first. */
export type Comparison = '<' | '<=' | '>' | '>=';

/** Rows to select, nearest to the position first; without one, from the end of the list. */
export interface Slice {
  readonly comparison: Comparison;
  readonly position: Position | undefined;
  readonly limit: number;
}

export interface PageInfo {
  startCursor?: string;
  endCursor?: string;
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

/** Accepts only digits: the request validator would also take `10.0` and `+5` (RS-L-17). */
function parseSize(query: NodeJS.Dict<string | string[]>, name: 'first' | 'last'): number | undefined {
  const text = singleValue(query, name);
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]?$|^100$/.test(text)) throw invalidRequest(`${name} is not an integer from 1 to 100`);
  return Number(text);
}

function singleValue(query: NodeJS.Dict<string | string[]>, name: string): string | undefined {
  const value = query[name];
  if (Array.isArray(value)) throw invalidRequest(`${name} is repeated`);
  return value;
}

// A cursor is 8 bytes of time in milliseconds, 16 bytes of id and 8 bytes that tie both to the list. It needs no secret:
// a forged cursor only names another place in a list that the client may read.
const POSITION_LENGTH = 24;
const BINDING_LENGTH = 8;

/** 1969 years on either side of the epoch: years that ISO 8601 writes with four digits. */
const MAX_MILLIS = 62_135_596_800_000;

function bindCursor(position: Buffer, { collection, walletAddressId, ownClientId }: CursorScope): Buffer {
  const hash = createHash('sha256').update(JSON.stringify([collection, walletAddressId, ownClientId ?? null]));
  return hash.update(position).digest().subarray(0, BINDING_LENGTH);
}

/** The cursor of an item. */
export function formatCursor({ createdAt, id }: Position, scope: CursorScope): string {
  const position = Buffer.alloc(POSITION_LENGTH);
  position.writeBigInt64BE(BigInt(toMillis(createdAt)));
  position.write(id.replaceAll('-', ''), 8, 'hex');
  return Buffer.concat([position, bindCursor(position, scope)]).toString('base64url');
}

function parseCursor(text: string, scope: CursorScope): Position {
  const bytes = Buffer.from(text, 'base64url');
  const position = bytes.subarray(0, POSITION_LENGTH);
  const isValid =
    bytes.length === POSITION_LENGTH + BINDING_LENGTH &&
    bytes.toString('base64url') === text &&
    bytes.subarray(POSITION_LENGTH).equals(bindCursor(position, scope));
  const millis = isValid ? Number(position.readBigInt64BE()) : Number.NaN;
  if (!(Math.abs(millis) <= MAX_MILLIS)) throw invalidRequest('unknown cursor');
  const hex = position.toString('hex', 8);
  const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  return { createdAt: toInstant(millis), id };
}

/** Parses the query of a request target. Throws `invalid_request`. */
export function parsePageRequest(rawTarget: string, scope: CursorScope): PageRequest {
  const query = parseQuery(rawTarget);
  const [first, last] = [parseSize(query, 'first'), parseSize(query, 'last')];
  const cursor = singleValue(query, 'cursor');
  if (first !== undefined && last !== undefined) throw invalidRequest('first and last are mutually exclusive');
  if (last !== undefined && cursor === undefined) throw invalidRequest('last requires cursor');
  return {
    scope,
    direction: last === undefined ? 'forward' : 'backward',
    size: first ?? last ?? DEFAULT_PAGE_SIZE,
    cursor: cursor === undefined ? undefined : parseCursor(cursor, scope),
  };
}

const toPosition = ({ id, created_at }: { id: string; created_at: string }): Position => ({
  createdAt: created_at,
  id,
});

/**
 * Selects a page; `select` runs one statement for a slice. Rows are newest first in both directions (RS-L-09), and both
 * flags describe the current rows (RS-L-10).
 */
export async function selectPage<Row extends { id: string; created_at: string }>(
  { scope, direction, size, cursor }: PageRequest,
  select: (slice: Slice) => Promise<Row[]>,
): Promise<{ rows: Row[]; pagination: PageInfo }> {
  const [before, after] = ['>', '<'] as const;
  const [ahead, behind] = direction === 'forward' ? [after, before] : [before, after];
  const selected = await select({ comparison: ahead, position: cursor, limit: size + 1 });
  const rows = direction === 'forward' ? selected.slice(0, size) : selected.slice(0, size).reverse();
  const edge = selected[0] && toPosition(selected[0]);
  // Rows behind the page: those before its first row or, if the page is empty, from the cursor on.
  const rest = !cursor
    ? []
    : await select({ comparison: edge ? behind : `${behind}=`, position: edge ?? cursor, limit: 1 });
  const [hasMore, hasRest] = [selected.length > size, rest.length > 0];
  const [start, end] = [rows[0], rows.at(-1)];
  return {
    rows,
    pagination: {
      ...(start && { startCursor: formatCursor(toPosition(start), scope) }),
      ...(end && { endCursor: formatCursor(toPosition(end), scope) }),
      hasNextPage: direction === 'forward' ? hasMore : hasRest,
      hasPreviousPage: direction === 'forward' ? hasRest : hasMore,
    },
  };
}
