/** Names of worlds and their ASEs where several share a deployment and its database. */

/** The world that a process is started with; its ASEs bear their own names in the database. */
export const mainWorldId = 'world';

/** Key of an ASE in the database. */
export const keyOf = (worldId: string, name: string): string => (worldId === mainWorldId ? name : `${worldId}/${name}`);

/** ILP address of an ASE: no two of a deployment share one, or a packet for one could be taken for the other's. */
export const ilpAddressOf = (key: string): string => `test.${key.replaceAll('/', '.')}`;
