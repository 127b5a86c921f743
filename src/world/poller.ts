/** Looks at intervals for payments and events that are due, and for changes that other processes made. */
import type { Logger } from 'pino';
import { wallNow } from '../clock.ts';
import type { Database } from '../database/database.ts';
import { findDueWork } from './due-work.ts';
import type { World } from './world.ts';

const POLL_MS = 1000;

export interface Poller {
  /** Resolves when the poll in progress has ended. */
  stop(): Promise<void>;
}

export function startPoller(opening: Promise<Database>, worlds: ReadonlyMap<string, World>, log: Logger): Poller {
  /** One query covers the work of all worlds, so an idle ASE costs nothing. */
  async function poll(): Promise<void> {
    const db = await opening;
    for (const work of await findDueWork(db.query, wallNow())) {
      for (const world of worlds.values()) if (world.wake(work)) break;
    }
    // Only a PostgreSQL server has other processes.
    if (db.kind === 'postgresql') await Promise.all([...worlds.values()].map((world) => world.refresh()));
  }

  let polling = Promise.resolve();
  const timer = setInterval(() => {
    polling = polling.then(poll).catch((error) => log.warn({ err: error }, 'polling failed'));
  }, POLL_MS).unref();
  return {
    stop() {
      clearInterval(timer);
      return polling;
    },
  };
}
