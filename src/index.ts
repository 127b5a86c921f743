/**
 * The library: a world inside a test's own process.
 *
 * ```ts
 * await using world = await createWorld({ consent: 'auto' });
 * const { TOUCHSTONE_WALLET_ADDRESS } = world.env;
 * ```
 */
import pino, { type Logger } from 'pino';
import type { Database, DatabaseOptions } from './database/database.ts';
import { createDeployment } from './world/deployment.ts';
import { mainWorldId } from './world/naming.ts';
import type { World, WorldOptions } from './world/world.ts';

export type { ClockChange } from './clock.ts';
export type { ConsentMode, Controls } from './control/controls.ts';
export type { DatabaseOptions } from './database/database.ts';
export type { Asset } from './open-payments/amount.ts';
export {
  type AseDefinition,
  defaultWorld,
  type WalletDefinition,
  type WorldDefinition,
} from './world/definition/definition.ts';
export type { World, WorldOptions } from './world/world.ts';

export interface CreateWorldOptions extends WorldOptions {
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string;
  /** Address of the control API. Default: 127.0.0.1. */
  readonly controlHost?: string;
  /** Default: an embedded database in memory. */
  readonly database?: DatabaseOptions;
  /** Default: silent. */
  readonly log?: Logger;
  /** Allow test-only features on addresses that are not loopback. */
  readonly insecure?: boolean;
}

export interface RunningWorld extends World, AsyncDisposable {
  /** Variables for a client, with the names that the command line prints. */
  readonly env: Readonly<Record<string, string>>;
  readonly db: Database;
  /** Stops the world, its listeners and its database. */
  close(): Promise<void>;
}

/** Starts a world on free ports. Consent is automatic by default. */
export async function createWorld(options: CreateWorldOptions = {}): Promise<RunningWorld> {
  const { host = '127.0.0.1', database = { kind: 'embedded' }, log = pino({ level: 'silent' }) } = options;
  const deployment = await createDeployment({
    host,
    ...(options.controlHost !== undefined && { controlHost: options.controlHost }),
    controlPort: 0,
    database,
    insecure: options.insecure ?? false,
    log,
  });
  try {
    const world = await deployment.addWorld(mainWorldId, { consent: 'auto', ...options });
    const { close } = deployment;
    return { ...world, env: world.describeEnvironment(), db: deployment.db, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await deployment.close();
    throw error;
  }
}

export type { AseState } from './administration/ase-state.ts';
