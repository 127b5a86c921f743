/**
 * The outgoing payment as a job, claimed under a lease whose name is in its row. Every write for the payment requires
 * that name, so a worker that was held up and lost its lease cannot change anything.
 */
import { sql, type Updateable } from 'kysely';
import { toAmount, toDebitAsset, toInstant, toReceiveAsset } from '../../database/columns.ts';
import type { Queryable, Tables, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { createIds } from '../../ids.ts';
import type { Amount } from '../../open-payments/amount.ts';

export interface Job {
  readonly ase: string;
  readonly id: string;
  readonly lease: string;
  readonly grantId: string;
  readonly spendingId: string;
  /** URL of the incoming payment. */
  readonly receiver: string;
  readonly debit: Amount;
  /** In the debit's asset. */
  readonly fee: bigint;
  readonly receive: Amount;
  /** The account of the wallet address when the payment was created: the hold debits it, refunds go to it. */
  readonly payerAccountId: string;
  /** Name of the next hop when the payment was created or last sent; undefined for a receiver of this ASE. */
  readonly peer: string | undefined;
  /** Progress so far, as stored in the row. */
  funded: boolean;
  sentAmount: bigint;
  deliveredAmount: bigint;
  /** Attempts in a row without any delivery. */
  attempts: number;
}

/** Name in place of a peer's for payments within the ASE. Peers cannot have it. */
export const LOCAL = '';

/** Name of no lease. */
const NO_LEASE = '';

/** Another worker has the payment, or it has ended. */
export class LeaseLost extends Error {}

// Lease names must differ between processes, even if these share a seed.
const { uuid: newLease } = createIds(undefined, 'lease');

interface ClaimOptions {
  readonly ase: string;
  readonly paymentId: string;
  readonly wallNow: number;
  readonly leaseMs: number;
}

interface DueOptions {
  readonly ase: string;
  readonly wallNow: number;
  readonly leaseMs: number;
  readonly busyPeers: readonly string[];
  readonly limit: number;
}

interface Claim {
  readonly ase: string;
  readonly lease: string;
  readonly now: string;
  readonly until: string;
  /** Without it, the payments that are due. */
  readonly paymentId: string | undefined;
  readonly busyPeers: readonly string[] | undefined;
  readonly limit: number;
}

/** The columns of a job, of an `outgoing_payment as payment` and its quote. */
const jobColumns = [
  ...(['payment.id', 'payment.grant_id', 'payment.spending_id', 'payment.funded', 'payment.attempts'] as const),
  ...(['payment.sent_amount', 'payment.delivered_amount', 'payment.account_id', 'payment.peer'] as const),
  ...(['quote.receiver', 'quote.fee'] as const),
  ...(['quote.debit_amount', 'quote.debit_asset_code', 'quote.debit_asset_scale'] as const),
  ...(['quote.receive_amount', 'quote.receive_asset_code', 'quote.receive_asset_scale'] as const),
] as const;

const claim = statement((db, { ase, lease, now, until, paymentId, busyPeers, limit }: Claim) =>
  db
    .updateTable('outgoing_payment as payment')
    .from('quote')
    .set({ lease_owner: lease, next_attempt_at: until })
    .where('payment.ase', '=', ase)
    .where(({ eb, selectFrom }) => {
      const chosen = selectFrom('outgoing_payment')
        .select('id')
        .where('ase', '=', ase)
        .where('state', '=', 'pending')
        .$if(paymentId === undefined, (due) => due.where('next_attempt_at', '<=', now))
        .$if(busyPeers !== undefined, (due) =>
          due.where(sql<boolean>`coalesce(peer, ${LOCAL}) <> all(${busyPeers}::text[])`),
        )
        .$if(paymentId !== undefined, (one) =>
          one
            .where('id', '=', paymentId!)
            .where((is) => is.or([is('lease_owner', 'is', null), is('next_attempt_at', '<=', now)])),
        )
        .orderBy('next_attempt_at')
        .limit(limit)
        .forUpdate()
        .skipLocked();
      // An array is evaluated once, whatever the plan.
      return eb('payment.id', '=', sql<string>`any(array(${chosen}))`);
    })
    .whereRef('quote.ase', '=', 'payment.ase')
    .whereRef('quote.id', '=', 'payment.quote_id')
    .returning(jobColumns),
);

const lockDue = statement((db, { ase, now, limit }: { ase: string; now: string; limit: number }) =>
  db
    .selectFrom('outgoing_payment as payment')
    .innerJoin('quote', (join) =>
      join.onRef('quote.ase', '=', 'payment.ase').onRef('quote.id', '=', 'payment.quote_id'),
    )
    .select(jobColumns)
    .where('payment.ase', '=', ase)
    .where('payment.state', '=', 'pending')
    .where('payment.funded', '=', false)
    .where('payment.peer', 'is', null)
    .where('payment.next_attempt_at', '<=', now)
    .orderBy('payment.next_attempt_at')
    .limit(limit)
    .forUpdate('payment')
    .skipLocked(),
);

type JobRow = Awaited<ReturnType<typeof lockDue.all>>[number];

const toJob = (ase: string, lease: string, row: JobRow): Job => ({
  ase,
  id: row.id,
  lease,
  grantId: row.grant_id,
  spendingId: row.spending_id,
  receiver: row.receiver,
  debit: { value: toAmount(row.debit_amount), asset: toDebitAsset(row) },
  fee: toAmount(row.fee),
  receive: { value: toAmount(row.receive_amount), asset: toReceiveAsset(row) },
  payerAccountId: row.account_id,
  peer: row.peer ?? undefined,
  funded: row.funded,
  sentAmount: toAmount(row.sent_amount),
  deliveredAmount: toAmount(row.delivered_amount),
  attempts: row.attempts,
});

/**
 * Leases the payments that have been due longest, apart from those to `busyPeers`. The leases end at
 * `wallNow + leaseMs`.
 */
export async function claimDueJobs(
  db: Queryable,
  { ase, wallNow, leaseMs, busyPeers, limit }: DueOptions,
): Promise<Job[]> {
  const lease = newLease();
  const rows = await claim.all(db, {
    ...{ ase, lease, now: toInstant(wallNow), until: toInstant(wallNow + leaseMs), limit },
    paymentId: undefined,
    busyPeers: busyPeers.length > 0 ? busyPeers : undefined,
  });
  return rows.map((row) => toJob(ase, lease, row));
}

/** Leases this payment, whether due or not, unless it is leased. Undefined if it was not found. */
export async function claimJob(
  db: Queryable,
  { ase, paymentId, wallNow, leaseMs }: ClaimOptions,
): Promise<Job | undefined> {
  const lease = newLease();
  const row = await claim.first(db, {
    ...{ ase, lease, now: toInstant(wallNow), until: toInstant(wallNow + leaseMs), limit: 1 },
    paymentId,
    busyPeers: undefined,
  });
  return row && toJob(ase, lease, row);
}

/**
 * Locks payments within the ASE that are due and have not begun, the longest due first, until the transaction ends:
 * meanwhile no worker can claim them. They have no lease.
 */
export async function lockDueJobs(tx: Transaction, ase: string, wallNow: number, limit: number): Promise<Job[]> {
  const rows = await lockDue.all(tx, { ase, now: toInstant(wallNow), limit });
  return rows.map((row) => toJob(ase, NO_LEASE, row));
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

/**
 * Takes a pending payment from the worker that has it, for the rest of this transaction: that worker's next step throws
 * LeaseLost. Waits for a step that is being written. Undefined if the payment has ended or does not exist.
 */
export async function takeOverJob(
  tx: Transaction,
  { ase, paymentId, wallNow }: { ase: string; paymentId: string; wallNow: number },
): Promise<Job | undefined> {
  await tx
    .updateTable('outgoing_payment')
    .set({ lease_owner: null })
    .where('ase', '=', ase)
    .where('id', '=', paymentId)
    .where('state', '=', 'pending')
    .execute();
  return claimJob(tx, { ase, paymentId, wallNow, leaseMs: 0 });
}

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

/** Extends the lease to `wallNow + leaseMs`. */
export async function renewLease(db: Queryable, job: Job, wallNow: number, leaseMs: number): Promise<void> {
  await db
    .updateTable('outgoing_payment')
    .set({ next_attempt_at: toInstant(wallNow + leaseMs) })
    .where('ase', '=', job.ase)
    .where('id', '=', job.id)
    .where('lease_owner', '=', job.lease)
    .execute();
}
