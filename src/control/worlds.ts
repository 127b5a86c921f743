/** Additional worlds, for tests that run in parallel. */
import type { Handlers } from '../../generated/control/routes.ts';
import { Problem } from '../errors.ts';
import type { ControlCall } from './ase-access.ts';
import type { Controls, Worlds } from './controls.ts';

function expectWorlds({ worlds }: Pick<Controls, 'worlds'>): Worlds {
  if (!worlds) throw new Problem('not_found', { description: 'only the main world can create and delete worlds' });
  return worlds;
}

export function createWorldsHandlers(controls: Pick<Controls, 'worlds'>) {
  return {
    'list-worlds': async () => ({ status: 200, body: { worlds: [...expectWorlds(controls).list()] } }),
    'create-world': async (_call, { body }) => {
      const world = await expectWorlds(controls).create(body ?? {});
      return { status: 201, body: { id: world.id, ases: [...world.ases], env: world.describeEnvironment() } };
    },
    'delete-world': async (_call, { params }) => {
      if (!(await expectWorlds(controls).remove(params.world))) throw new Problem('not_found');
      return { status: 204 };
    },
  } satisfies Partial<Handlers<ControlCall>>;
}
