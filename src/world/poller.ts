/** Looks at intervals for payments and events that are due, and for changes that other processes made. */
import type { Logger } from 'pino';
import { wallNow } from '../clock.ts';
import type { Database } from '../database/database.ts';
import { findDueWork } from './due-work.ts';
import { deleteDeadWorlds, deleteOldCounters } from './retention.ts';
import type { World } from './world.ts';

const POLL_MS = 1000;
/** Polls between two runs of the retention. */
const RETENTION_POLLS = 60;

export interface Poller {
  /** Resolves when the poll in progress has ended. */
  stop(): Promise<void>;
}

export function startPoller(opening: Promise<Database>, worlds: ReadonlyMap<string, World>, log: Logger): Poller {
  /** Undefined if it cannot be opened: the start reports that. */
  const opened = opening.catch(() => undefined);

  /** One query covers the work of all worlds, so an idle ASE costs nothing. */
  async function poll(): Promise<void> {
    const db = await opened;
    if (!db) return;
    for (const work of await findDueWork(db.query, wallNow())) {
      for (const world of worlds.values()) if (world.wake(work)) break;
    }
    // Only a PostgreSQL server has other processes.
    if (db.kind === 'postgresql') await Promise.all([...worlds.values()].map((world) => world.refresh()));
  }

  /** Additional worlds that another process vouches for are left alone. */
  async function retain(): Promise<void> {
    const db = await opened;
    if (!db) return;
    const now = wallNow();
    await deleteOldCounters(db, now);
    const dead = await deleteDeadWorlds(db, [...worlds.keys()], now);
    if (dead.length > 0) log.info({ worlds: dead }, 'worlds of an ended process deleted');
    for (const world of worlds.values()) await world.deleteOldRows();
  }

  let polls = 0;
  let polling = Promise.resolve();
  const timer = setInterval(() => {
    polling = polling.then(poll).catch((error) => log.warn({ err: error }, 'polling failed'));
    polls += 1;
    if (polls % RETENTION_POLLS !== 1) return;
    polling = polling.then(retain).catch((error) => log.warn({ err: error }, 'retention failed'));
  }, POLL_MS).unref();
  return {
    stop() {
      clearInterval(timer);
      return polling;
    },
  };
}
