/** A world in the test's own process, on free ports. */
import { join } from 'node:path';
import pino from 'pino';
import { type DatabaseOptions, templateName } from '../../src/database/database.ts';
import { createWorld, type World, type WorldOptions } from '../../src/world.ts';

export const embedded: DatabaseOptions = {
  kind: 'embedded',
  templateFile: join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'touchstone', templateName),
};

export const startWorld = (options: Partial<WorldOptions> = {}): Promise<World> =>
  createWorld({
    host: '127.0.0.1',
    port: 0,
    consent: 'auto',
    profile: 'compat',
    database: embedded,
    insecure: false,
    log: pino({ level: process.env['TOUCHSTONE_TEST_LOG'] ?? 'silent' }, pino.destination({ fd: 2, sync: true })),
    ...options,
  });

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
