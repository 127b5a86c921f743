/** URLs of this ASE's resources: a collection and an unguessable id below the resource server (RS-15, RS-22). */
import { resourceProblem } from './problem.ts';

export type Collection = 'incoming-payments' | 'quotes' | 'outgoing-payments';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** True if a path segment has the form of a resource id; any other is unknown without a query. */
export const isResourceId = (text: string): boolean => UUID.test(text);

/** The row that `select` finds for this id. Throws `not_found`. */
export async function findResource<Row>(id: string, select: (id: string) => Promise<Row | undefined>): Promise<Row> {
  const row = isResourceId(id) ? await select(id) : undefined;
  if (!row) throw resourceProblem('not_found');
  return row;
}

/**
 * The id in a URL of this collection, with or without a trailing slash. Undefined if the URL belongs to another server,
 * even if it ends in the id of a local resource (RS-OP-21).
 */
export function resourceIdIn(resourceServer: string, collection: Collection, url: string): string | undefined {
  const base = `${resourceServer}/${collection}/`;
  // `URL` normalises scheme and host (RFC 3986 §6.2.2.1); the path has to match exactly.
  const href = URL.parse(url)?.href;
  return href?.startsWith(base) ? href.slice(base.length).replace(/\/$/, '') : undefined;
}
