/**
 * Reads from a streaming replica of PostgreSQL, which may be some seconds behind. It is asked once a second how far it
 * has come: a position in the log of the primary that it has replayed means that it has all that was committed before
 * the primary was asked for that position. So the time of asking is all that readers need to know.
 *
 * The replica is never needed: what it does not have, or cannot tell, is read from the primary.
 */
import { sql } from 'kysely';
import { steadyNow } from '../clock.ts';
import type { Queryable } from './tables.ts';

export interface Replica {
  /**
   * Runs `work` on the replica, or on the primary if the replica is away or too far behind, has not replayed a change of
   * this subject, or has no such row: if `work` fails there or finds undefined.
   */
  read<T>(subject: string, work: (db: Queryable) => Promise<T>): Promise<T>;
  /** Called after a change has been committed: reads of the subject go to the primary until the replica has it. */
  noteChange(subject: string): void;
  /** The same for all subjects. */
  noteChangeOfAll(): void;
  /** Asks the replica how far it has come. Happens once a second. */
  poll(): Promise<void>;
  /** Undefined without a replica. */
  state(): ReplicaState | undefined;
  close(): Promise<void>;
}

export interface ReplicaState {
  readonly isUsed: boolean;
  /** Milliseconds since a time whose changes the replica is known to have; undefined if none is known. */
  readonly lagMs: number | undefined;
}

export interface OpenedReplica {
  readonly query: Queryable;
  readonly close: () => Promise<void>;
}

export interface ReplicaOptions {
  readonly primary: Queryable;
  readonly open: () => Promise<OpenedReplica>;
  /** Called when reads start to go to the replica, with undefined, and when they cannot, with the reason. */
  readonly onChange?: ((problem: string | undefined) => void) | undefined;
  readonly now?: () => number;
  readonly pollIntervalMs?: number;
}

const POLL_INTERVAL_MS = 1_000;
const MAX_LAG_MS = 3_000;

/** A place in the write-ahead log of a database cluster. */
interface Position {
  readonly cluster: string;
  readonly lsn: string;
}

const cluster = sql<string>`(select system_identifier::text from pg_control_system())`;

async function readPosition(primary: Queryable): Promise<Position> {
  const { rows } = await sql<Position>`
    select ${cluster} as cluster, pg_current_wal_flush_lsn()::text as lsn`.execute(primary);
  return rows[0]!;
}

async function hasReplayed(replica: Queryable, position: Position): Promise<boolean> {
  const { rows } = await sql<{ cluster: string; replayed: boolean | null }>`
    select ${cluster} as cluster, pg_last_wal_replay_lsn() >= ${position.lsn}::pg_lsn as replayed`.execute(replica);
  const [state] = rows;
  if (state!.cluster !== position.cluster) throw new Error('it is not a replica of this database');
  if (state!.replayed === null) throw new Error('it does not follow a primary');
  return state!.replayed;
}

/** All reads go to the primary. */
export const withoutReplica = (primary: Queryable): Replica => ({
  read: (_subject, work) => work(primary),
  noteChange() {},
  noteChangeOfAll() {},
  poll: async () => {},
  state: () => undefined,
  close: async () => {},
});

/** Changes of subjects that the replica may not have. */
function createUnreplayed() {
  /** Changed after the primary was asked for the awaited position. */
  let recent = new Set<string>();
  let beforePosition = new Set<string>();
  return {
    add: (subject: string) => void recent.add(subject),
    has: (subject: string) => recent.has(subject) || beforePosition.has(subject),
    /** The next position will have everything that has changed so far. */
    awaitPosition() {
      beforePosition = new Set([...beforePosition, ...recent]);
      recent = new Set();
    },
    reachPosition: () => beforePosition.clear(),
    forget() {
      recent.clear();
      beforePosition.clear();
    },
  };
}

/** How far the replica has come, as far as it is known. */
function createProgress(primary: Queryable, now: () => number) {
  const unreplayed = createUnreplayed();
  let awaited: { readonly askedAt: number; readonly position: Position } | undefined;
  /** The replica has everything that was committed before. */
  let replayedUntil = Number.NEGATIVE_INFINITY;
  let timesDistrusted = 0;

  async function askPosition() {
    unreplayed.awaitPosition();
    return { askedAt: now(), position: await readPosition(primary) };
  }

  /** Until a position is reached that is yet to be asked for, reads go to the primary, whatever has changed. */
  function distrust(): void {
    timesDistrusted += 1;
    awaited = undefined;
    replayedUntil = Number.NEGATIVE_INFINITY;
    unreplayed.forget();
  }

  return {
    distrust,
    noteChange: unreplayed.add,
    /** Milliseconds. */
    lag: () => now() - replayedUntil,
    mayRead: (subject: string) => now() - replayedUntil <= MAX_LAG_MS && !unreplayed.has(subject),
    async ask(replica: Queryable): Promise<void> {
      if (awaited && now() - awaited.askedAt > MAX_LAG_MS) distrust();
      const before = timesDistrusted;
      awaited ??= await askPosition();
      const { askedAt, position } = awaited;
      const isReached = await hasReplayed(replica, position);
      if (timesDistrusted !== before) return distrust();
      if (!isReached) return;
      awaited = undefined;
      replayedUntil = askedAt;
      unreplayed.reachPosition();
    },
  };
}

export function followReplica(options: ReplicaOptions): Replica {
  const { primary, open, onChange, now = steadyNow, pollIntervalMs = POLL_INTERVAL_MS } = options;
  const progress = createProgress(primary, now);
  const isUsed = (): boolean => progress.lag() <= MAX_LAG_MS;
  let opened: Promise<OpenedReplica> | undefined;
  let problem: string | undefined = 'it was not asked yet';

  function report(failure?: string): void {
    const tooOld = problem === undefined ? 'it is too far behind' : problem;
    const next = isUsed() ? undefined : (failure ?? tooOld);
    if (next !== problem) onChange?.(next);
    problem = next;
  }

  async function closeReplica(): Promise<void> {
    const closing = opened;
    opened = undefined;
    await (await closing?.catch(() => undefined))?.close();
  }

  let polling = Promise.resolve();
  const poll = (): Promise<void> => {
    polling = polling
      .then(async () => {
        opened ??= open();
        await progress.ask((await opened).query);
        report();
      })
      .catch(async (error) => {
        progress.distrust();
        report(error.message || error.code);
        await closeReplica();
      });
    return polling;
  };

  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const follow = async (): Promise<void> => {
    await poll();
    if (!isClosed) timer = setTimeout(follow, pollIntervalMs).unref();
  };
  void follow();

  return {
    async read(subject, work) {
      if (opened && progress.mayRead(subject)) {
        try {
          const found = await work((await opened).query);
          if (found !== undefined) return found;
        } catch {
          // It may have ended, or cancelled the read because of what it replays.
          progress.distrust();
        }
      }
      return work(primary);
    },
    noteChange: progress.noteChange,
    noteChangeOfAll: progress.distrust,
    poll,
    state: () => ({ isUsed: isUsed(), lagMs: Number.isFinite(progress.lag()) ? progress.lag() : undefined }),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await polling;
      await closeReplica();
    },
  };
}
