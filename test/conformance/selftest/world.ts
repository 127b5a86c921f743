/** Worlds in the process of the selftest, where their replies can be rewritten. */
import pino from 'pino';
import { createDeployment, type Deployment } from '../../../src/world/deployment.ts';
import { mainWorldId } from '../../../src/world/naming.ts';

export const openDeployment = (): Promise<Deployment> =>
  createDeployment({
    host: '127.0.0.1',
    controlPort: 0,
    database: { kind: 'embedded' },
    insecure: false,
    log: pino({ level: 'silent' }),
  });

/** Replaces the world of the deployment by a fresh one. @returns the variables for its clients */
export async function openWorld(deployment: Deployment): Promise<Record<string, string>> {
  await deployment.removeWorld(mainWorldId);
  const world = await deployment.addWorld(mainWorldId, { consent: 'auto', profile: 'compat' });
  return world.describeEnvironment();
}
