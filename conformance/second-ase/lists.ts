/** Pages of lists: a cursor is the id of an item that the caller sees. */
import type { FaultName } from './faults.ts';
import { badRequest } from './http.ts';

export interface Page<T> {
  readonly items: readonly T[];
  readonly pagination: {
    readonly startCursor?: string;
    readonly endCursor?: string;
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
  };
}

const DEFAULT_SIZE = 20;
const MAX_SIZE = 100;

/** @param visible everything that the caller sees, in the order of the list */
export function readPage<T extends { readonly id: string }>(
  query: URLSearchParams,
  visible: readonly T[],
  has: (fault: FaultName) => boolean,
): Page<T> {
  for (const name of ['wallet-address', 'first', 'last', 'cursor']) {
    if (query.getAll(name).length > 1) throw badRequest(`${name} is repeated`);
  }
  const [first, last, cursor] = [size(query, 'first', has), size(query, 'last', has), query.get('cursor')];
  if (first && last) throw badRequest('first and last together');
  if (last && cursor === null) throw badRequest('last without a cursor');
  const at = cursor === null ? -1 : visible.findIndex(({ id }) => id === cursor);
  if (cursor !== null && at < 0 && !has('cursor-not-checked')) throw badRequest('the cursor is not known');
  const after = has('cursor-off-by-one') && cursor !== null ? at : at + 1;
  const [begin, end] = last ? [Math.max(0, at - last), at] : [after, after + (first ?? DEFAULT_SIZE)];
  const items = visible.slice(begin, end);
  const hasNextPage = has('full-page-has-next') ? items.length === (first ?? last) : end < visible.length;
  return {
    items,
    pagination: {
      ...(items.length > 0 && { startCursor: items[0]!.id, endCursor: items.at(-1)!.id }),
      hasNextPage,
      hasPreviousPage: begin > 0 && visible.length > 0,
    },
  };
}

function size(query: URLSearchParams, name: string, has: (fault: FaultName) => boolean): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const number = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 0;
  if (number < 1 || (number > MAX_SIZE && !has('page-of-any-size'))) throw badRequest(`${name} is not from 1 to 100`);
  return number;
}
