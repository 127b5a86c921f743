/** The ASEs of a world, and where a URL belongs. */
import type { AseState } from '../administration/ase-state.ts';
import type { InspectedWorld } from './route.ts';

export const listAses = ({ controls }: Pick<InspectedWorld, 'controls'>): Promise<readonly AseState[]> =>
  controls.describeAses();

/** The last part of the path of a URL: the id of a resource. */
export const lastPart = (url: string): string =>
  url
    .replace(/[?#].*$/s, '')
    .split('/')
    .at(-1)!;

/** The ASE whose resource server has this URL, if it is one of this world. */
export const aseOfResource = (ases: readonly AseState[], url: string): AseState | undefined =>
  ases.find(({ resourceServer }) => url.startsWith(`${resourceServer}/`));
