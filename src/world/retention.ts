/**
 * Retention: what is deleted, and when. One table serves the poller, which deletes in bounded batches, and
 * `docs/retention.md`.
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
/** Rows of a kind in one run. */
const BATCH = 500;

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

/** Deletes a bounded number of old rows of each kind of an ASE. Returns their number. */
export async function deleteOldRows(
  db: Database,
  ase: string,
  clock: { readonly businessNow: () => number; readonly wallNow: () => number },
): Promise<number> {
  let deleted = 0;
  for (const { table, key, clock: name, days, condition } of retentionRules) {
    const now = name === 'business' ? clock.businessNow() : clock.wallNow();
    const columns = sql.join(key.map((column) => sql.ref(column)));
    const { numAffectedRows } = await sql`
      delete from ${sql.table(table)} where ase = ${ase} and (${columns}) in (
        select ${sql.join(key.map((column) => sql.ref(`r.${column}`)))} from ${sql.table(table)} r
        where r.ase = ${ase} and ${condition(toInstant(now - days * DAY_MS))}
        limit ${sql.lit(BATCH)} for update of r skip locked
      )`.execute(db.query);
    deleted += Number(numAffectedRows ?? 0n);
  }
  return deleted;
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
