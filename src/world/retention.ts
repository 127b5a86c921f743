/**
 * Retention: what is deleted, and when. One table serves the poller and `docs/retention.md`. Each run looks at a bounded
 * number of rows in the order of the primary key and the next one goes on from there, so that its cost does not grow
 * with the table and no index has to be kept for it.
 */
import { type RawBuilder, sql } from 'kysely';
import { toInstant } from '../database/columns.ts';
import type { Database } from '../database/database.ts';
import { mainWorldId } from './naming.ts';

interface RetentionRule {
  readonly kind: string;
  /** Table of the rows, and the columns of its primary key besides the ASE. */
  readonly table: string;
  readonly key: readonly string[];
  /** The clock that says when they are old. */
  readonly clock: 'business' | 'wall';
  readonly days: number;
  /** One sentence: after which event the days count, and why so many. */
  readonly reason: string;
  /** Condition on a row `r` that may be deleted at `before`. */
  readonly condition: (before: string) => RawBuilder<unknown>;
}

const DAY_MS = 86_400_000;
/** Rows of a kind that are looked at together. */
const SLICE = 2_000;
/** Slices of a kind in one run, if most of their rows are deleted. */
const MAX_SLICES = 5;

export const retentionRules: readonly RetentionRule[] = [
  {
    kind: 'unused quotes',
    table: 'quote',
    key: ['id'],
    clock: 'business',
    days: 1,
    reason: 'After their expiry they cannot be paid, only read.',
    condition: (before) => sql`r.expires_at < ${before}::timestamptz and not exists (
      select from outgoing_payment p where p.ase = r.ase and p.quote_id = r.id)`,
  },
  {
    kind: 'access tokens',
    table: 'access_token',
    key: ['id'],
    clock: 'business',
    days: 30,
    reason: 'After their expiry or revocation; until then a client can rotate an expired one.',
    condition: (before) => sql`coalesce(r.revoked_at, r.expires_at) < ${before}::timestamptz`,
  },
  {
    kind: 'ended grants',
    table: 'gnap_grant',
    key: ['id'],
    clock: 'business',
    days: 90,
    reason: 'After their creation, once they are final and have no tokens; those that paid stay, for the books.',
    condition: (before) => sql`r.finalization is not null and r.created_at < ${before}::timestamptz
      and not exists (select from access_token t where t.ase = r.ase and t.grant_id = r.id)
      and not exists (select from outgoing_payment_grant g where g.ase = r.ase and g.grant_id = r.id)`,
  },
  {
    kind: 'abandoned grants',
    table: 'gnap_grant',
    key: ['id'],
    clock: 'business',
    days: 1,
    reason: 'After their interaction has expired without a token; until then a client that polls late gets the reason.',
    // Any client can request consent without limit and never come back (RFC 9635 §11).
    condition: (before) => sql`r.interaction_expires_at < ${before}::timestamptz
      and r.finalization is distinct from 'issued'
      and not exists (select from access_token t where t.ase = r.ase and t.grant_id = r.id)`,
  },
  {
    kind: 'delivered events',
    table: 'webhook_event',
    key: ['subject', 'sequence'],
    clock: 'business',
    days: 30,
    reason: 'After their creation, once nothing of their payment waits to be delivered.',
    condition: (before) => sql`r.state = 'delivered' and r.created_at < ${before}::timestamptz and not exists (
      select from webhook_event w where w.ase = r.ase and w.subject = r.subject and w.state <> 'delivered')`,
  },
  {
    kind: 'packets sent',
    table: 'outgoing_packet',
    key: ['payment_id', 'condition'],
    clock: 'wall',
    days: 180,
    reason: 'After they were sent, once the payment has ended; until then peers can compare their books.',
    condition: (before) => sql`r.state <> 'prepared' and r.prepared_at < ${before}::timestamptz and not exists (
      select from outgoing_payment p where p.ase = r.ase and p.id = r.payment_id and p.state = 'pending')`,
  },
  {
    kind: 'packets received',
    table: 'incoming_packet',
    key: ['condition'],
    clock: 'wall',
    days: 180,
    reason: 'After they were answered and have expired; a copy is then rejected for its expiry.',
    condition: (before) => sql`greatest(r.booked_at, r.expires_at) < ${before}::timestamptz`,
  },
  {
    kind: 'idempotency keys',
    table: 'idempotency_key',
    key: ['client_id', 'operation', 'key'],
    clock: 'wall',
    days: 0,
    reason: 'After their expiry.',
    condition: (before) => sql`r.expires_at < ${before}::timestamptz`,
  },
  {
    kind: 'nonces of signatures',
    table: 'signature_nonce',
    key: ['key_thumbprint', 'nonce'],
    clock: 'wall',
    days: 0,
    reason: 'After the signature has become too old to be accepted.',
    condition: (before) => sql`r.expires_at < ${before}::timestamptz`,
  },
];

/** Last rows that were looked at, by ASE and kind: the next run goes on behind them. Each process has its own. */
export type RetentionProgress = Map<string, readonly string[]>;

/** Deletes a bounded number of old rows of each kind of an ASE. Returns their number. */
export async function deleteOldRows(
  db: Database,
  ase: string,
  clock: { readonly businessNow: () => number; readonly wallNow: () => number },
  progress: RetentionProgress,
  slice = SLICE,
): Promise<number> {
  let deleted = 0;
  for (const { kind, table, key, clock: name, days, condition } of retentionRules) {
    const now = name === 'business' ? clock.businessNow() : clock.wallNow();
    const isOld = condition(toInstant(now - days * DAY_MS));
    const place = JSON.stringify([ase, kind]);
    for (let slices = 0; slices < MAX_SLICES; slices += 1) {
      const swept = await sweep(db, { table, key, isOld }, { ase, behind: progress.get(place), limit: slice });
      if (swept.last) progress.set(place, swept.last);
      else progress.delete(place);
      deleted += swept.deleted;
      if (!swept.last || swept.deleted < slice / 2) break;
    }
  }
  return deleted;
}

/** Deletes the old ones of the next rows behind a key. Returns the last key, undefined at the end of the table. */
async function sweep(
  db: Database,
  { table, key, isOld }: { table: string; key: readonly string[]; isOld: RawBuilder<unknown> },
  { ase, behind, limit }: { ase: string; behind: readonly string[] | undefined; limit: number },
): Promise<{ last: readonly string[] | undefined; deleted: number }> {
  const columns = sql.join(key.map((column) => sql.ref(`r.${column}`)));
  const isBehind = behind ? sql`and (${columns}) > (${sql.join(behind)})` : sql``;
  const { rows } = await sql<{ key: string[]; size: number; deleted: number }>`
    with slice as materialized (
      select r.ctid as place, array[${sql.join(key.map((column) => sql`r.${sql.ref(column)}::text`))}] as key,
        row_number() over (order by ${columns}) as number
      from ${sql.table(table)} r where r.ase = ${ase} ${isBehind} order by ${columns} limit ${sql.lit(limit)}),
    deleted as (
      delete from ${sql.table(table)} where ase = ${ase} and ctid = any(array(
        select r.ctid from ${sql.table(table)} r
        where r.ctid = any(array(select place from slice)) and ${isOld} for update of r skip locked))
      returning 1)
    select key, number::int as size, (select count(*)::int from deleted) as deleted
    from slice order by number desc limit 1`.execute(db.query);
  const [last] = rows;
  return { last: last && last.size === limit ? last.key : undefined, deleted: last?.deleted ?? 0 };
}

/** Deletes counters of rate limits whose time is over. */
export async function deleteOldCounters(db: Database, wallNow: number): Promise<void> {
  await db.query.deleteFrom('rate_limit').where('expire', '<', String(wallNow)).execute();
}

/** How long a process vouches for an additional world; it renews that at each run. Milliseconds of wall time. */
export const WORLD_LEASE_MS = 5 * 60_000;

/** Renews the leases of these additional worlds, and deletes the worlds whose process has died, with their payments. */
export async function deleteDeadWorlds(db: Database, alive: readonly string[], wallNow: number): Promise<string[]> {
  const additional = alive.filter((id) => id !== mainWorldId);
  if (additional.length > 0) {
    await db.query
      .updateTable('world')
      .set({ alive_until: toInstant(wallNow + WORLD_LEASE_MS) })
      .where('id', 'in', additional)
      .execute();
  }
  const dead = await db.query
    .selectFrom('world')
    .select('id')
    .where('id', '<>', mainWorldId)
    .where('alive_until', '<', toInstant(wallNow))
    .execute();
  for (const { id } of dead) {
    const ases = await db.query
      .selectFrom('ase')
      .select('ase')
      .where(sql<boolean>`starts_with(ase, ${`${id}/`})`)
      .execute();
    await db.clear(
      ases.map(({ ase }) => ase),
      id,
    );
  }
  return dead.map(({ id }) => id);
}

/** The table of `docs/retention.md`, in Markdown. */
export const printRetentionTable = (): string =>
  [
    '| Kind | Days | Clock | Counted |',
    '| --- | --- | --- | --- |',
    ...retentionRules.map(({ kind, days, clock, reason }) => `| ${kind} | ${days} | ${clock} | ${reason} |`),
  ].join('\n');
