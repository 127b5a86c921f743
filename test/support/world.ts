/** A world in the test's own process, on free ports. */
import { join } from 'node:path';
import pino from 'pino';
import { type Database, type DatabaseOptions, templateName } from '../../src/database/database.ts';
import { createDeployment } from '../../src/deployment.ts';
import { mainWorldId, type World, type WorldOptions } from '../../src/world.ts';

export const embedded: DatabaseOptions = {
  kind: 'embedded',
  templateFile: join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'touchstone', templateName),
};

export type TestWorld = World & { readonly db: Database };

/** Its end takes the deployment with it. */
export async function startWorld(
  options: WorldOptions & { readonly database?: DatabaseOptions } = {},
): Promise<TestWorld> {
  const deployment = await createDeployment({
    host: '127.0.0.1',
    controlPort: 0,
    database: options.database ?? embedded,
    insecure: false,
    log: pino({ level: process.env['TOUCHSTONE_TEST_LOG'] ?? 'silent' }, pino.destination({ fd: 2, sync: true })),
  });
  const world = await deployment.addWorld(mainWorldId, { consent: 'auto', ...options });
  return { ...world, db: deployment.db, close: deployment.close };
}

/** What a client is told of the world. */
export interface ClientEnvironment {
  readonly walletAddress: string;
  readonly receiver: string;
  readonly client: string;
  readonly keyId: string;
  readonly privateKey: string;
}

export const clientEnvironment = (world: World): ClientEnvironment => ({
  walletAddress: world.walletUrl(world.definition.sender),
  receiver: world.walletUrl(world.definition.receiver),
  client: world.walletUrl(world.definition.client),
  keyId: world.definition.client.keyId,
  privateKey: world.clientKey!,
});
