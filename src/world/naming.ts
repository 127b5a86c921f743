/** Database keys and ILP addresses of ASEs, unique among the worlds that share a deployment. */

/** The world that a process starts with. The database keys of its ASEs are their names. */
export const mainWorldId = 'world';

/** Key of an ASE in the database. */
export const keyOf = (worldId: string, name: string): string => (worldId === mainWorldId ? name : `${worldId}/${name}`);

/** ILP address of an ASE, unique within a deployment so that no packet reaches the wrong ASE. */
export const ilpAddressOf = (key: string): string => `test.${key.replaceAll('/', '.')}`;
