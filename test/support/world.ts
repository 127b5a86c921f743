/** A world in the test's own process, on free ports. */
import pino from 'pino';
import type { DatabaseOptions } from '../../src/database/database.ts';
import { type EmbeddedWorld, type EmbeddedWorldOptions, startEmbeddedWorld } from '../../src/world/embedded.ts';
import type { World } from '../../src/world/world.ts';
import { createFastestDatabase } from './postgresql.ts';

export type TestWorld = EmbeddedWorld;

export const embedded: DatabaseOptions = { kind: 'embedded' };

const log = pino({ level: process.env['TOUCHSTONE_TEST_LOG'] ?? 'silent' }, pino.destination({ fd: 2, sync: true }));

/** Starts a world; by default on the fastest database that there is. */
export async function startWorld(options: EmbeddedWorldOptions = {}): Promise<TestWorld> {
  if (options.database) return startEmbeddedWorld({ log, ...options });
  const { options: database, drop } = await createFastestDatabase();
  const world = await startEmbeddedWorld({ log, database, ...options });
  const close = () => world.close().finally(drop);
  return { ...world, close, [Symbol.asyncDispose]: close };
}

/** The settings of a client of the world. */
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
