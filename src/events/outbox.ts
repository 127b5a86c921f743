/**
 * The outbox of webhook events: each is written in the transaction that changes its payment, in order per payment, and
 * keeps its attempts and the business time of the next one (EVT-01, EVT-06).
 *
 * Only the oldest undelivered event of a payment can be claimed. A claim is a lease with a name, and recording the
 * result requires that name, so a process that was held up and lost its lease cannot change anything.
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { toInstant, toMillis } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { createIds } from '../ids.ts';

export type EventState = 'pending' | 'delivered' | 'undelivered';

/** An event as the operator sees it. */
export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  /** Id of the payment. */
  readonly subject: string;
  readonly state: EventState;
  /** Attempts since the start, or since the operator requested a retry. */
  readonly attempts: number;
  readonly createdAt: number;
  /** Business time. */
  readonly dueAt: number;
  /** Reason why the last attempt failed. */
  readonly failure: string | undefined;
}

/** An event that this process has leased for delivery. */
export interface ClaimedEvent {
  readonly id: string;
  readonly subject: string;
  readonly lease: string;
  /** The event in canonical JSON. */
  readonly body: string;
  readonly attempts: number;
}

/** Lease names must differ between processes, even if these share a seed. */
const { uuid: newLease } = createIds(undefined, 'event lease');

/** A UUID (RFC 9562 §5.8) derived from the change, so that one change never gets two ids. */
export function eventIdOf(ase: string, type: string, subject: string): string {
  const bytes = createHash('sha256').update(`${ase}\n${type}\n${subject}`).digest();
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

/** The caller holds the lock of the payment's row, so its events are numbered in the order of its changes. */
export async function storeEvent(
  tx: Transaction,
  ase: string,
  event: { readonly id: string; readonly type: string; readonly subject: string; readonly body: string },
  now: number,
): Promise<void> {
  const { sequence } = await tx
    .selectFrom('webhook_event')
    .select(({ fn }) => sql<number>`coalesce(${fn.max('sequence')}, 0) + 1`.as('sequence'))
    .where('ase', '=', ase)
    .where('subject', '=', event.subject)
    .executeTakeFirstOrThrow();
  const time = toInstant(now);
  await tx
    .insertInto('webhook_event')
    .values({ ...event, ase, sequence, state: 'pending', attempts: 0, created_at: time, due_at: time })
    .execute();
}

/**
 * Leases the event that has been due longest among those that are the oldest undelivered event of their payment.
 * Undefined if none is due.
 */
export async function claimEvent(
  db: Queryable,
  { ase, now, wallNow, leaseMs }: EventClaim,
): Promise<ClaimedEvent | undefined> {
  const lease = newLease();
  const row = await db
    .updateTable('webhook_event')
    .set({ lease, lease_until: toInstant(wallNow + leaseMs) })
    .where('ase', '=', ase)
    .where('id', '=', (select) =>
      select
        .selectFrom('webhook_event as event')
        .select('event.id')
        .where('event.ase', '=', ase)
        .where('event.state', '=', 'pending')
        .where('event.due_at', '<=', toInstant(now))
        .where((is) => is.or([is('event.lease_until', 'is', null), is('event.lease_until', '<=', toInstant(wallNow))]))
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('webhook_event as other')
                .select('other.sequence')
                .whereRef('other.ase', '=', 'event.ase')
                .whereRef('other.subject', '=', 'event.subject')
                .whereRef('other.sequence', '<', 'event.sequence')
                .where('other.state', '!=', 'delivered'),
            ),
          ),
        )
        .orderBy('event.due_at')
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returning(['id', 'subject', 'body', 'attempts'])
    .executeTakeFirst();
  return row && { ...row, lease };
}

export interface EventClaim {
  readonly ase: string;
  /** Business time. */
  readonly now: number;
  readonly wallNow: number;
  readonly leaseMs: number;
}

export type DeliveryResult =
  | { readonly state: 'delivered' }
  | { readonly state: 'undelivered'; readonly failure: string }
  | { readonly state: 'pending'; readonly failure: string; readonly dueAt: number };

/** Records the result of an attempt and ends the lease; false if another process has the lease. */
export async function recordDelivery(
  db: Queryable,
  ase: string,
  event: ClaimedEvent,
  result: DeliveryResult,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('webhook_event')
    .set({
      state: result.state,
      attempts: event.attempts + 1,
      failure: result.state === 'delivered' ? null : result.failure,
      lease: null,
      lease_until: null,
      ...(result.state === 'pending' && { due_at: toInstant(result.dueAt) }),
    })
    .where('ase', '=', ase)
    .where('id', '=', event.id)
    .where('lease', '=', event.lease)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/**
 * Marks at most `limit` incoming payments that have received something, are not completed and have expired; each is
 * marked once. Returns their ids; their rows are locked (EVT-04).
 */
export async function markExpired(tx: Transaction, ase: string, now: number, limit: number): Promise<string[]> {
  const rows = await tx
    .updateTable('incoming_payment')
    .set({ expiry_announced: true, partly_paid: false })
    .where('ase', '=', ase)
    .where('id', 'in', (select) =>
      select
        .selectFrom('incoming_payment')
        .select('id')
        .where('ase', '=', ase)
        .where(sql<boolean>`partly_paid`)
        .where('expires_at', '<=', toInstant(now))
        .orderBy('expires_at')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .returning('id')
    .execute();
  return rows.map(({ id }) => id);
}

// ── The operator's view

const selectEvents = (db: Queryable, ase: string) =>
  db
    .selectFrom('webhook_event')
    .select(['id', 'type', 'subject', 'state', 'attempts', 'created_at', 'due_at', 'failure'])
    .where('ase', '=', ase);

type Row = Awaited<ReturnType<ReturnType<typeof selectEvents>['executeTakeFirstOrThrow']>>;

const toStoredEvent = ({ created_at, due_at, failure, ...row }: Row): StoredEvent => ({
  ...row,
  createdAt: toMillis(created_at),
  dueAt: toMillis(due_at),
  failure: failure ?? undefined,
});

/** The oldest events in a state; those of one payment are in order. */
export async function listEvents(db: Queryable, ase: string, state: EventState, limit: number): Promise<StoredEvent[]> {
  const rows = await selectEvents(db, ase)
    .where('state', '=', state)
    .orderBy('created_at')
    .orderBy('subject')
    .orderBy('sequence')
    .limit(limit)
    .execute();
  return rows.map(toStoredEvent);
}

/** Makes an undelivered event due at once and restarts its attempts. */
export async function retryEvent(
  db: Queryable,
  ase: string,
  id: string,
  now: number,
): Promise<StoredEvent | undefined> {
  await db
    .updateTable('webhook_event')
    .set({ state: 'pending', attempts: 0, due_at: toInstant(now) })
    .where('ase', '=', ase)
    .where('id', '=', id)
    .where('state', '!=', 'delivered')
    .execute();
  const row = await selectEvents(db, ase).where('id', '=', id).executeTakeFirst();
  return row && toStoredEvent(row);
}

/** Deletes an undelivered event, so that the later ones of its payment no longer wait. */
export async function dropEvent(db: Queryable, ase: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('webhook_event')
    .where('ase', '=', ase)
    .where('id', '=', id)
    .where('state', '!=', 'delivered')
    .executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}
