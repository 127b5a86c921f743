/** What a deployment lends a world. */
import type { Logger } from 'pino';
import type { Worlds } from '../control/controls.ts';
import type { Database } from '../database/database.ts';
import type { Tls } from '../net/tls.ts';

export interface WorldHost {
  /** Unique among the worlds of the database. */
  readonly worldId: string;
  readonly db: Promise<Database>;
  /** Address to listen on. */
  readonly host: string;
  readonly insecure: boolean;
  /** Of the public origins. */
  readonly tls?: Tls;
  readonly log: Logger;
  /** Where the world's control API is. */
  readonly controlUrl: string;
  /** The worlds beside it, for the first one. */
  readonly worlds?: Worlds;
}
