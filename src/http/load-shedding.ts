/**
 * Load shedding. A server that is asked for more than it can do would answer everything late; instead it answers the
 * requests that it cannot serve soon with 503 and `Retry-After`, at once and before it reads their content. Requests in
 * progress are never given up.
 *
 * The measure is how long trivial statements take, from their call to their result: they wait for the event loop, for a
 * connection and for the database, as a request does, and for nothing else. Requests that wait for slow
 * servers of strangers do not count as load, so a slow client cannot bring an ASE to refuse others.
 */
import { sql } from 'kysely';
import { steadyNow } from '../clock.ts';
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { RetryLater } from '../errors.ts';

export interface LoadShedder {
  /** Counts a request as in progress until the returned function is called. Undefined if it is to be refused. */
  admit(): (() => void) | undefined;
}

export interface LoadShedderOptions {
  /** Runs the trivial statement. Its failure is not load. */
  readonly probe: () => Promise<unknown>;
  /** Milliseconds. */
  readonly now?: () => number;
}

const readAse = statement((db, { ase }: { readonly ase: string }) =>
  db.selectFrom('ase').select('ase').where('ase', '=', ase),
);

/** Trivial statements on the connection that short reads share, and on one of the pool. */
export const probeDatabase = (db: Queryable, ase: string): Promise<unknown> =>
  Promise.all([readAse.first(db, { ase }), sql`select 1`.execute(db)]);

/**
 * A server with fewer requests in progress is not measured and refuses none: if they take long, the machine has
 * stalled, as those of continuous integration do, and waiting is the better answer.
 */
const MIN_IN_PROGRESS = 100;
const MAX_DELAY_MS = 50;
/** Between the start of a probe and that of the next one. */
const PROBE_INTERVAL_MS = 50;
/** An older result does not count, so that the first requests after a pause are served. */
const RESULT_LIFETIME_MS = 1_000;
const RETRY_AFTER_SECONDS = 1;

/** Why requests are refused. Made once: each new error would collect a stack trace. */
export const overloaded = new RetryLater('overloaded', RETRY_AFTER_SECONDS);

export function createLoadShedder({ probe, now = steadyNow }: LoadShedderOptions): LoadShedder {
  let inProgress = 0;
  let isProbing = false;
  let startedAt = Number.NEGATIVE_INFINITY;
  let lastDelay = 0;

  function startProbe(): void {
    if (now() - startedAt > lastDelay + RESULT_LIFETIME_MS) lastDelay = 0;
    isProbing = true;
    startedAt = now();
    const end = (): void => {
      isProbing = false;
      lastDelay = now() - startedAt;
    };
    probe().then(end, end);
  }

  /** The time that the running probe has taken so far, or the last one took. */
  const delay = (): number => (isProbing ? Math.max(now() - startedAt, lastDelay) : lastDelay);

  return {
    admit() {
      if (inProgress >= MIN_IN_PROGRESS) {
        if (!isProbing && now() - startedAt >= PROBE_INTERVAL_MS) startProbe();
        if (delay() > MAX_DELAY_MS) return undefined;
      }
      inProgress += 1;
      return () => {
        inProgress -= 1;
      };
    },
  };
}
