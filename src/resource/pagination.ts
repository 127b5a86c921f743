/** Lists by cursor: newest first, forward and backward (RS-L-01…17). */
import { createHash } from 'node:crypto';
import { parse as parseQuery } from 'node:querystring';
import { type RawBuilder, sql } from 'kysely';
import { toInstant, toMillis } from '../database/columns.ts';
import { Problem } from '../errors.ts';

const DEFAULT_PAGE_SIZE = 20;

/** What a cursor belongs to: in another list it means nothing. */
export interface CursorScope {
  readonly collection: 'incoming-payments' | 'outgoing-payments';
  readonly walletAddressId: string;
  /** Client to whose resources the list is limited. */
  readonly ownClientId: string | undefined;
}

/** Place in the order of a list. It stays one when the item that stood there is gone (RS-L-16). */
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

/** Which rows of the table `payment` to select, and in which order. */
export interface Slice {
  readonly where: RawBuilder<boolean>;
  readonly orderBy: RawBuilder<unknown>;
  readonly limit: number;
}

export interface PageInfo {
  startCursor?: string;
  endCursor?: string;
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

/** Reads the page that a request target asks for. Throws `invalid_request`. */
export function readPageRequest(rawTarget: string, scope: CursorScope): PageRequest {
  const query = parseQuery(rawTarget.split('?', 2)[1] ?? '');
  const [first, last] = [readSize(query, 'first'), readSize(query, 'last')];
  const cursor = readOnce(query, 'cursor');
  if (first !== undefined && last !== undefined) throw refuse('first and last are mutually exclusive');
  if (last !== undefined && cursor === undefined) throw refuse('last requires cursor');
  return {
    scope,
    direction: last === undefined ? 'forward' : 'backward',
    size: first ?? last ?? DEFAULT_PAGE_SIZE,
    cursor: cursor === undefined ? undefined : parseCursor(cursor, scope),
  };
}

/**
 * Reads a page; `select` runs one statement for a slice. Rows come newest first in both directions (RS-L-09), and both
 * flags tell what is there now (RS-L-10).
 */
export async function readPage<Row extends { id: string; created_at: string }>(
  { scope, direction, size, cursor }: PageRequest,
  select: (slice: Slice) => Promise<Row[]>,
): Promise<{ rows: Row[]; pagination: PageInfo }> {
  const [before, after] = [
    { orderBy: sql`payment.created_at asc, payment.id asc`, beyond: '>' },
    { orderBy: sql`payment.created_at desc, payment.id desc`, beyond: '<' },
  ] as const;
  const [ahead, behind] = direction === 'forward' ? [after, before] : [before, after];
  const found = await select({ where: compare(ahead.beyond, cursor), orderBy: ahead.orderBy, limit: size + 1 });
  const rows = direction === 'forward' ? found.slice(0, size) : found.slice(0, size).reverse();
  const edge = found[0] && toPosition(found[0]);
  // Behind the page: the rows before its first one, or, where the page is empty, from the cursor on.
  const rest = !cursor
    ? []
    : await select({
        where: compare(edge ? behind.beyond : `${behind.beyond}=`, edge ?? cursor),
        orderBy: behind.orderBy,
        limit: 1,
      });
  const [hasMore, hasRest] = [found.length > size, rest.length > 0];
  const [start, end] = [rows[0], rows.at(-1)];
  return {
    rows,
    pagination: {
      ...(start && { startCursor: writeCursor(toPosition(start), scope) }),
      ...(end && { endCursor: writeCursor(toPosition(end), scope) }),
      hasNextPage: direction === 'forward' ? hasMore : hasRest,
      hasPreviousPage: direction === 'forward' ? hasRest : hasMore,
    },
  };
}

const toPosition = ({ id, created_at }: { id: string; created_at: string }): Position => ({
  createdAt: created_at,
  id,
});

function compare(operator: '<' | '>' | '<=' | '>=', position: Position | undefined): RawBuilder<boolean> {
  if (!position) return sql<boolean>`true`;
  const instant = toInstant(toMillis(position.createdAt));
  return sql<boolean>`(payment.created_at, payment.id) ${sql.raw(operator)} (${instant}::timestamptz, ${position.id})`;
}

/** The document's validator turns `10.0` and `+5` into integers; a number of items is written in digits (RS-L-17). */
function readSize(query: NodeJS.Dict<string | string[]>, name: 'first' | 'last'): number | undefined {
  const text = readOnce(query, name);
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]?$|^100$/.test(text)) throw refuse(`${name} is not an integer from 1 to 100`);
  return Number(text);
}

function readOnce(query: NodeJS.Dict<string | string[]>, name: string): string | undefined {
  const value = query[name];
  if (Array.isArray(value)) throw refuse(`${name} is repeated`);
  return value;
}

// A cursor is 8 bytes of time in milliseconds, 16 bytes of id and 8 bytes that tie both to the list. It is no secret:
// whoever makes one of his own has named a place in a list that he may read.
const POSITION_LENGTH = 24;
const BINDING_LENGTH = 8;

/** The cursor that stands for an item of a list. */
export function writeCursor({ createdAt, id }: Position, scope: CursorScope): string {
  const position = Buffer.alloc(POSITION_LENGTH);
  position.writeBigInt64BE(BigInt(toMillis(createdAt)));
  position.write(id.replaceAll('-', ''), 8, 'hex');
  return Buffer.concat([position, bindCursor(position, scope)]).toString('base64url');
}

function parseCursor(text: string, scope: CursorScope): Position {
  const bytes = Buffer.from(text, 'base64url');
  const position = bytes.subarray(0, POSITION_LENGTH);
  const isOurs =
    bytes.length === POSITION_LENGTH + BINDING_LENGTH &&
    bytes.toString('base64url') === text &&
    bytes.subarray(POSITION_LENGTH).equals(bindCursor(position, scope));
  const millis = isOurs ? Number(position.readBigInt64BE()) : Number.NaN;
  if (!(Math.abs(millis) <= MAX_MILLIS)) throw refuse('unknown cursor');
  const hex = position.toString('hex', 8);
  const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  return { createdAt: toInstant(millis), id };
}

/** About 1969 years on both sides of the epoch: times that ISO 8601 writes with four digits. */
const MAX_MILLIS = 62_135_596_800_000;

function bindCursor(position: Buffer, { collection, walletAddressId, ownClientId }: CursorScope): Buffer {
  const hash = createHash('sha256').update(JSON.stringify([collection, walletAddressId, ownClientId ?? null]));
  return hash.update(position).digest().subarray(0, BINDING_LENGTH);
}

const refuse = (description: string): Problem => new Problem('invalid_request', { description });
