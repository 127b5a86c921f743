/** A world in this process, with its database: what the library and the tests start. */
import pino, { type Logger } from 'pino';
import type { Database, DatabaseOptions } from '../database/database.ts';
import { parseAddressRanges } from '../net/addresses.ts';
import type { Tls } from '../net/tls.ts';
import { createDeployment } from './deployment.ts';
import { mainWorldId } from './naming.ts';
import type { World, WorldOptions } from './world.ts';

export interface EmbeddedWorldOptions extends WorldOptions {
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string;
  /** Address of the control API. Default: 127.0.0.1. */
  readonly controlHost?: string;
  /** Default: an embedded database in memory. */
  readonly database?: DatabaseOptions;
  readonly tls?: Tls;
  /** Default: silent. */
  readonly log?: Logger;
  /** Allow test-only features on addresses that are not loopback. */
  readonly insecure?: boolean;
  /** Private addresses that requests to clients and receivers may go to, such as `loopback,10.0.0.0/8`. */
  readonly allowPrivateAddresses?: string | undefined;
}

export interface EmbeddedWorld extends World, AsyncDisposable {
  /** Variables for a client, with the names that the command line prints. */
  readonly env: Readonly<Record<string, string>>;
  readonly db: Database;
  /** URL of the inspector with a code that works once. */
  readonly issueInspectorLink: () => string;
  /** Stops the world, its listeners and its database. */
  close(): Promise<void>;
}

/** Starts a world on free ports. Consent is automatic by default. */
export async function startEmbeddedWorld(options: EmbeddedWorldOptions = {}): Promise<EmbeddedWorld> {
  const { host = '127.0.0.1', database = { kind: 'embedded' }, log = pino({ level: 'silent' }) } = options;
  const deployment = await createDeployment({
    host,
    ...(options.controlHost !== undefined && { controlHost: options.controlHost }),
    controlPort: 0,
    database,
    tls: options.tls,
    insecure: options.insecure ?? false,
    allowedRanges: parseAddressRanges(options.allowPrivateAddresses),
    log,
  });
  try {
    const world = await deployment.addWorld(mainWorldId, { consent: 'auto', ...options });
    const { db, close, issueInspectorLink } = deployment;
    const env = world.describeEnvironment();
    return { ...world, env, db, issueInspectorLink, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await deployment.close();
    throw error;
  }
}
