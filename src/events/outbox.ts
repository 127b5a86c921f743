/**
 * Webhook events as they stand in the database: written with the change that they tell of, in order per payment, each
 * with its attempts and the business time of the next one (EVT-01, EVT-04, EVT-06).
 *
 * Only the oldest event of a payment that is not delivered can be taken. Who takes it has it for the time of a lease;
 * whoever writes its fate names the lease, so one that was held up can no longer change anything.
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { toInstant, toMillis } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { createIds } from '../ids.ts';

export type EventState = 'pending' | 'delivered' | 'undelivered';

/** What is known of an event, for the operator. */
export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  /** The payment that it tells of. */
  readonly subject: string;
  readonly state: EventState;
  /** Since the start, or since the operator had it tried again. */
  readonly attempts: number;
  readonly createdAt: number;
  /** Business time. */
  readonly dueAt: number;
  /** Why the last attempt failed. */
  readonly failure: string | undefined;
}

/** An event that was taken to be delivered. */
export interface TakenEvent {
  readonly id: string;
  readonly subject: string;
  readonly lease: string;
  /** The event in canonical JSON. */
  readonly body: string;
  readonly attempts: number;
}

/** Names of leases must differ between processes, also if these share a seed. */
const { uuid: newLease } = createIds(undefined, 'event lease');

/** A UUID (RFC 9562 §5.8) of what is told: the same change is never told under two ids. */
export function eventIdOf(ase: string, type: string, subject: string): string {
  const bytes = createHash('sha256').update(`${ase}\n${type}\n${subject}`).digest();
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

/** Called while the payment's row is locked, so that its events are numbered in the order of its changes. */
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

/** Takes the payment's oldest undelivered event if it is due and nobody has it. */
export async function takeEvent(
  db: Queryable,
  { ase, subject, now, wallNow, leaseMs }: EventQuery & { readonly subject: string; readonly leaseMs: number },
): Promise<TakenEvent | undefined> {
  const lease = newLease();
  const row = await db
    .updateTable('webhook_event as event')
    .set({ lease, lease_until: toInstant(wallNow + leaseMs) })
    .where('event.ase', '=', ase)
    .where('event.subject', '=', subject)
    .where('event.sequence', '=', (select) =>
      select
        .selectFrom('webhook_event as oldest')
        .select(({ fn }) => fn.min('oldest.sequence').as('sequence'))
        .where('oldest.ase', '=', ase)
        .where('oldest.subject', '=', subject)
        .where('oldest.state', '!=', 'delivered'),
    )
    // Judged again on the row itself once it is locked: of two who come at once, one finds it taken.
    .where('event.state', '=', 'pending')
    .where('event.due_at', '<=', toInstant(now))
    .where((is) => is.or([is('event.lease_until', 'is', null), is('event.lease_until', '<=', toInstant(wallNow))]))
    .returning(['event.id', 'event.body', 'event.attempts'])
    .executeTakeFirst();
  return row && { ...row, subject, lease };
}

export interface EventQuery {
  readonly ase: string;
  /** Business time. */
  readonly now: number;
  readonly wallNow: number;
}

/** Payments with an event that could be taken now, longest due first. */
export async function listDueSubjects(
  db: Queryable,
  { ase, now, wallNow, limit }: EventQuery & { readonly limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('webhook_event as event')
    .select('event.subject')
    .where('event.ase', '=', ase)
    .where('event.state', '=', 'pending')
    .where('event.due_at', '<=', toInstant(now))
    .where((is) => is.or([is('event.lease_until', 'is', null), is('event.lease_until', '<=', toInstant(wallNow))]))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('webhook_event as older')
            .select('older.sequence')
            .whereRef('older.ase', '=', 'event.ase')
            .whereRef('older.subject', '=', 'event.subject')
            .whereRef('older.sequence', '<', 'event.sequence')
            .where('older.state', '!=', 'delivered'),
        ),
      ),
    )
    .orderBy('event.due_at')
    .limit(limit)
    .execute();
  return rows.map(({ subject }) => subject);
}

export type Fate =
  | { readonly state: 'delivered' }
  | { readonly state: 'undelivered'; readonly failure: string }
  | { readonly state: 'pending'; readonly failure: string; readonly dueAt: number };

/** Writes down what became of a taken event; false if the lease is no longer ours. */
export async function settleEvent(db: Queryable, ase: string, event: TakenEvent, fate: Fate): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('webhook_event')
    .set({
      state: fate.state,
      attempts: event.attempts + 1,
      failure: fate.state === 'delivered' ? null : fate.failure,
      lease: null,
      lease_until: null,
      ...(fate.state === 'pending' && { due_at: toInstant(fate.dueAt) }),
    })
    .where('ase', '=', ase)
    .where('id', '=', event.id)
    .where('lease', '=', event.lease)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/**
 * Marks incoming payments that have received something, are not completed and have expired: each once, at most `limit`
 * of them. Returns their ids, their rows locked (EVT-04).
 */
export async function markExpired(tx: Transaction, ase: string, now: number, limit: number): Promise<string[]> {
  const rows = await tx
    .updateTable('incoming_payment')
    .set({ expiry_announced: true })
    .where('ase', '=', ase)
    .where('id', 'in', (select) =>
      select
        .selectFrom('incoming_payment')
        .select('id')
        .where('ase', '=', ase)
        .where('completed', '=', false)
        .where('expiry_announced', '=', false)
        .where('received_amount', '>', '0')
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

// ── The operator's view ─────────────────────────────────────────────────────────────────────────────────────────────

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

/** The oldest events in a state, those of one payment in their order. */
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

/** Has an event that is not delivered tried again at once, from the first attempt on. */
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

/** Drops an event that is not delivered, for good: the later ones of its payment no longer wait. */
export async function dropEvent(db: Queryable, ase: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('webhook_event')
    .where('ase', '=', ase)
    .where('id', '=', id)
    .where('state', '!=', 'delivered')
    .executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}
