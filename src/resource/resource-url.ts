/** URLs of the resources of this ASE: collection and unguessable id below the resource server (RS-15, RS-22, RS-25). */

export type Collection = 'incoming-payments' | 'quotes' | 'outgoing-payments';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether a path segment can be the id of a resource; all others are unknown without asking the database. */
export const isResourceId = (text: string): boolean => UUID.test(text);

/**
 * Last part of a URL in the collection, one trailing slash tolerated; undefined if the URL stands elsewhere
 * (RS-OP-21: another resource server's, even if the id is one of ours).
 */
export function resourceIdIn(resourceServer: string, collection: Collection, url: string): string | undefined {
  const base = `${resourceServer}/${collection}/`;
  // Scheme and host have one spelling each (RFC 3986 §6.2.2.1); the path has only ours.
  const href = URL.parse(url)?.href;
  return href?.startsWith(base) ? href.slice(base.length).replace(/\/$/, '') : undefined;
}
