/**
 * `/readyz`: 200 only while the ASE could create a payment. Load balancers ask often, so one probe of the database at a
 * time serves all of them, its result is kept for a while, and it writes the same few pages each time (OPI-099).
 */
import { sql } from 'kysely';
import type { Clock } from '../clock.ts';
import type { Database, Transaction } from '../database/database.ts';
import { createIds } from '../ids.ts';

export type NotReady =
  | 'payments_stopped'
  | 'not_provisioned'
  | 'database_unreachable'
  | 'database_read_only'
  | 'database_full'
  | 'database_cannot_write';

export interface ReadinessOptions {
  readonly key: string;
  readonly db: Database;
  readonly clock: Pick<Clock, 'wallNow'>;
  readonly log: { warn(fields: object, message: string): void };
}

/** Milliseconds for which a result counts. */
const KEPT_MS = 2_000;
/** A database that has not answered by then is unreachable. */
const PATIENCE_MS = 5_000;
/** Rows that fill eight pages at ten per cent each. */
const PROBE_ROWS = 180;

// Probes of different processes must not wait for each other.
const { uuid: newName } = createIds(undefined, 'write probe');

/** Rolls the probe back. */
class Probed extends Error {}

/**
 * Writes to a table that exists in this transaction only: its file is new, so each row needs space on the disk, which
 * an update of an old row might not.
 */
async function writePages(tx: Transaction): Promise<never> {
  const table = sql.table(`write_probe_${newName()}`);
  await sql`create table ${table} (n int) with (fillfactor = 10)`.execute(tx);
  await sql`insert into ${table} select generate_series(1, ${sql.lit(PROBE_ROWS)})`.execute(tx);
  throw new Probed();
}

function describeFailure(error: unknown): NotReady | undefined {
  if (error instanceof Probed) return undefined;
  const code = (error as { code?: unknown }).code;
  // No SQLSTATE: the connection failed. Classes 08 and 57: no connection, or the server is starting or stopping.
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code) || /^(08|57)/.test(code)) return 'database_unreachable';
  // The role may not create tables; the server checks that after it has checked that it may write.
  if (code === '42501') return undefined;
  if (code === '25006') return 'database_read_only';
  return code === '53100' ? 'database_full' : 'database_cannot_write';
}

async function probe({ db, key }: ReadinessOptions): Promise<NotReady | undefined> {
  try {
    const row = await db.query.selectFrom('ase').select('ase').where('ase', '=', key).executeTakeFirst();
    return row ? await db.transaction(writePages) : 'not_provisioned';
  } catch (error) {
    return describeFailure(error);
  }
}

/** Returns a function that says why the ASE is not ready; undefined if it is. */
export function createReadiness(options: ReadinessOptions): () => Promise<NotReady | undefined> {
  const { clock, log, key } = options;
  let running: Promise<NotReady | undefined> | undefined;
  let last: { readonly at: number; readonly reason: NotReady | undefined } | undefined;

  async function refresh(): Promise<NotReady | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<NotReady>();
    const timer = setTimeout(() => resolve('database_unreachable'), PATIENCE_MS).unref();
    const reason = await Promise.race([probe(options), late]);
    clearTimeout(timer);
    if (reason !== undefined && reason !== last?.reason) log.warn({ ase: key, reason }, 'not ready');
    last = { at: clock.wallNow(), reason };
    running = undefined;
    return reason;
  }

  return async () => {
    const age = last && clock.wallNow() - last.at;
    if (age !== undefined && age >= 0 && age < KEPT_MS) return last?.reason;
    running ??= refresh();
    return running;
  };
}
