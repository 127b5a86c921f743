/** The poll of a deployment: one query that finds the due work of all ASEs, also what another process left behind. */
import { sql } from 'kysely';
import { toInstant, toMillis } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';

export interface DueWork {
  /** Key of the ASE. */
  readonly ase: string;
  readonly kind: 'payments' | 'events';
  /** Payments: wall time, and past. Events: business time of the earliest event or expiry, past or not. */
  readonly dueAt: number;
}

/**
 * Due payments, and the earliest webhook event or unannounced expiry of each ASE that has a webhook. Business time
 * differs between worlds, so the caller compares it with the clock of the world.
 */
export async function findDueWork(db: Queryable, wallNow: number): Promise<DueWork[]> {
  const { rows } = await sql<{ ase: string; kind: DueWork['kind']; due_at: string }>`
    select ase, 'payments' as kind, min(next_attempt_at) as due_at
    from outgoing_payment where next_attempt_at <= ${toInstant(wallNow)} group by ase
    union all
    select * from (
      select ase.ase, 'events', least(
        (select min(due_at) from webhook_event where webhook_event.ase = ase.ase and state = 'pending'),
        (select min(expires_at) from incoming_payment where incoming_payment.ase = ase.ase
          and partly_paid)
      ) as due_at
      from ase where webhook_url is not null
    ) as events
    where due_at is not null`.execute(db);
  return rows.map(({ ase, kind, due_at }) => ({ ase, kind, dueAt: toMillis(due_at) }));
}
