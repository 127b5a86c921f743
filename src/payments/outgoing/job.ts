/**
 * The outgoing payment as a job, claimed under a lease whose name is in its row. Every write for the payment requires
 * that name (`job-progress.ts`), so a worker that was held up and lost its lease cannot change anything.
 */
import { sql } from 'kysely';
import { toAmount, toDebitAsset, toInstant, toReceiveAsset } from '../../database/columns.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
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
