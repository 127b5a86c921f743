/** Writes of the progress of an outgoing payment, under the lease of its job or a lock of its row. */
import { sql, type Updateable } from 'kysely';
import { toInstant } from '../../database/columns.ts';
import type { Queryable, Tables, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { type Job, LeaseLost } from './job.ts';

/** Changes that a worker may make to the row of its payment. */
export interface JobChange {
  readonly state?: 'completed' | 'failed';
  readonly failure?: string;
  readonly lastError?: string;
  readonly funded?: boolean;
  readonly sentAmount?: bigint;
  readonly deliveredAmount?: bigint;
  readonly attempts?: number;
  readonly peer?: string;
  /** Wall time of the next attempt, or null for none. Setting it ends the lease. */
  readonly nextAttemptAt?: number | null;
}

/** The change that ends a payment which has delivered everything. */
export const COMPLETED = { state: 'completed', nextAttemptAt: null } as const satisfies JobChange;

interface OfJob {
  readonly ase: string;
  readonly id: string;
  readonly lease: string;
}

const update = statement((db, { ase, id, lease, ...change }: Updateable<Tables['outgoing_payment']> & OfJob) =>
  db
    .updateTable('outgoing_payment')
    .set(change)
    .where('ase', '=', ase)
    .where('id', '=', id)
    .where('lease_owner', '=', lease),
);

/** Updates the row of the payment, and so locks it. Throws LeaseLost if another worker has the lease. */
export async function updateJob(db: Queryable, job: Job, change: JobChange): Promise<void> {
  const { state, failure, lastError, funded, sentAmount, deliveredAmount, attempts, peer, nextAttemptAt } = change;
  const updated = await update.change(db, {
    ...{ ase: job.ase, id: job.id, lease: job.lease },
    // Without any other change, this still locks the row and proves the lease.
    lease_owner: nextAttemptAt === undefined ? job.lease : null,
    ...(nextAttemptAt !== undefined && { next_attempt_at: nextAttemptAt === null ? null : toInstant(nextAttemptAt) }),
    ...(state !== undefined && { state }),
    ...(failure !== undefined && { failure }),
    ...(lastError !== undefined && { last_error: lastError }),
    ...(funded !== undefined && { funded }),
    ...(sentAmount !== undefined && { sent_amount: `${sentAmount}` }),
    ...(deliveredAmount !== undefined && { delivered_amount: `${deliveredAmount}` }),
    ...(attempts !== undefined && { attempts }),
    ...(peer !== undefined && { peer }),
  });
  if (updated !== 1) throw new LeaseLost('lease lost');
}

/** Locks the row of the payment. Throws LeaseLost if another worker has the lease. */
export const lockJob = (tx: Transaction, job: Job): Promise<void> => updateJob(tx, job, {});

/** A payment as a step of its worker leaves it. */
export interface JobStep {
  readonly job: Job;
  readonly sentAmount: bigint;
  readonly deliveredAmount: bigint;
  readonly attempts: number;
  /** True if the payment has delivered everything, and ends. */
  readonly isCompleted: boolean;
}

interface Steps {
  readonly ase: string;
  /** One element of each list is a payment. */
  readonly ids: readonly string[];
  readonly leases: readonly string[];
  readonly sent: readonly string[];
  readonly delivered: readonly string[];
  readonly attempts: readonly number[];
  readonly completed: readonly boolean[];
}

const advance = statement(
  (_db, { ase, ids, leases, sent, delivered, attempts, completed }: Steps) => sql`
    update outgoing_payment as payment set funded = true,
      sent_amount = step.sent, delivered_amount = step.delivered, attempts = step.attempts,
      state = case when step.completed then 'completed' else payment.state end,
      lease_owner = case when step.completed then null else payment.lease_owner end,
      next_attempt_at = case when step.completed then null else payment.next_attempt_at end
    from unnest(${ids}::text[], ${leases}::text[], ${sent}::numeric[], ${delivered}::numeric[], ${attempts}::integer[],
      ${completed}::boolean[]) as step (id, lease, sent, delivered, attempts, completed)
    where payment.ase = ${ase} and payment.id = any(${ids}::text[]) and payment.id = step.id
      and payment.lease_owner = step.lease`,
);

/** Stores the progress of payments whose debits are held, and so locks them. Throws LeaseLost if one is not leased. */
export async function advanceJobs(tx: Transaction, ase: string, steps: readonly JobStep[]): Promise<void> {
  const advanced = await advance.change(tx, {
    ase,
    ids: steps.map(({ job }) => job.id),
    leases: steps.map(({ job }) => job.lease),
    sent: steps.map(({ sentAmount }) => `${sentAmount}`),
    delivered: steps.map(({ deliveredAmount }) => `${deliveredAmount}`),
    attempts: steps.map(({ attempts }) => attempts),
    completed: steps.map(({ isCompleted }) => isCompleted),
  });
  if (advanced !== steps.length) throw new LeaseLost('lease lost');
}

interface Completed {
  readonly ase: string;
  /** One element of each list is a payment. */
  readonly ids: readonly string[];
  readonly sent: readonly string[];
  readonly delivered: readonly string[];
}

const complete = statement(
  (_db, { ase, ids, sent, delivered }: Completed) => sql`
    update outgoing_payment as payment set state = 'completed', funded = true, lease_owner = null,
      next_attempt_at = null, sent_amount = completed.sent, delivered_amount = completed.delivered
    from unnest(${ids}::text[], ${sent}::numeric[], ${delivered}::numeric[]) as completed (id, sent, delivered)
    where payment.ase = ${ase} and payment.id = any(${ids}::text[]) and payment.id = completed.id`,
);

/** Completes payments that this transaction has locked and that have delivered all of their amount. */
export async function completeJobs(
  tx: Transaction,
  ase: string,
  jobs: readonly { readonly job: Job; readonly sentAmount: bigint }[],
): Promise<void> {
  await complete.change(tx, {
    ase,
    ids: jobs.map(({ job }) => job.id),
    sent: jobs.map(({ sentAmount }) => `${sentAmount}`),
    delivered: jobs.map(({ job }) => `${job.receive.value}`),
  });
}
