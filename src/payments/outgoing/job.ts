/**
 * The outgoing payment as a job: taken under a lease that is a name in its row. Whoever writes for the payment names
 * its lease, so a worker that was held up and lost it can no longer change anything.
 */
import { sql } from 'kysely';
import { toAmount, toInstant } from '../../database/columns.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
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
  readonly payerAccountId: string;
  /** What is done so far, as it stands in the row. */
  funded: boolean;
  sentAmount: bigint;
  deliveredAmount: bigint;
  /** Attempts in a row that did not deliver anything. */
  attempts: number;
}

/** Another worker has the payment, or it is finished. */
export class LeaseLost extends Error {}

// Names of leases must differ between processes, also if these share a seed.
const { uuid: newLease } = createIds(undefined, 'lease');

/**
 * Takes the payment that has been due longest, or `paymentId` whether due or not, unless somebody holds it: until
 * `wallNow + leaseMs` it is due for nobody else. Undefined if there is none.
 */
export async function claimJob(
  db: Queryable,
  {
    ase,
    paymentId,
    wallNow,
    leaseMs,
  }: { ase: string; paymentId?: string | undefined; wallNow: number; leaseMs: number },
): Promise<Job | undefined> {
  const lease = newLease();
  const now = toInstant(wallNow);
  const row = await db
    .updateTable('outgoing_payment as payment')
    .from(['quote', 'wallet_address as wallet'])
    .set({ lease_owner: lease, next_attempt_at: toInstant(wallNow + leaseMs) })
    .where('payment.ase', '=', ase)
    .where('payment.id', '=', (select) =>
      select
        .selectFrom('outgoing_payment')
        .select('id')
        .where('ase', '=', ase)
        .where('state', '=', 'pending')
        .$if(paymentId === undefined, (due) => due.where('next_attempt_at', '<=', now))
        .$if(paymentId !== undefined, (one) =>
          one
            .where('id', '=', paymentId!)
            .where((is) => is.or([is('lease_owner', 'is', null), is('next_attempt_at', '<=', now)])),
        )
        .orderBy('next_attempt_at')
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .whereRef('quote.ase', '=', 'payment.ase')
    .whereRef('quote.id', '=', 'payment.quote_id')
    .whereRef('wallet.ase', '=', 'payment.ase')
    .whereRef('wallet.id', '=', 'payment.wallet_address_id')
    .returning(['payment.id', 'payment.grant_id', 'payment.spending_id', 'payment.funded', 'payment.attempts'])
    .returning(['payment.sent_amount', 'payment.delivered_amount', 'wallet.account_id', 'quote.receiver', 'quote.fee'])
    .returning(['quote.debit_amount', 'quote.debit_asset_code', 'quote.debit_asset_scale'])
    .returning(['quote.receive_amount', 'quote.receive_asset_code', 'quote.receive_asset_scale'])
    .executeTakeFirst();
  return (
    row && {
      ase,
      id: row.id,
      lease,
      grantId: row.grant_id,
      spendingId: row.spending_id,
      receiver: row.receiver,
      debit: {
        value: toAmount(row.debit_amount),
        asset: { code: row.debit_asset_code, scale: row.debit_asset_scale },
      },
      fee: toAmount(row.fee),
      receive: {
        value: toAmount(row.receive_amount),
        asset: { code: row.receive_asset_code, scale: row.receive_asset_scale },
      },
      payerAccountId: row.account_id,
      funded: row.funded,
      sentAmount: toAmount(row.sent_amount),
      deliveredAmount: toAmount(row.delivered_amount),
      attempts: row.attempts,
    }
  );
}

/**
 * Takes a pending payment from whoever has it, for the rest of this transaction: that worker's next step finds its
 * lease gone. Waits for a step that is being written. Undefined if the payment has ended, or is none.
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

/** What a worker may change in the row of its payment. */
export interface JobChange {
  readonly state?: 'completed' | 'failed';
  readonly failure?: string;
  readonly funded?: boolean;
  readonly sentAmount?: bigint;
  readonly deliveredAmount?: bigint;
  readonly attempts?: number;
  /** Wall time of the next attempt, null for none: hands the payment back. */
  readonly nextAttemptAt?: number | null;
}

/** Writes for the payment, and with that locks its row. Throws LeaseLost if the lease is no longer ours. */
export async function updateJob(db: Queryable, job: Job, change: JobChange): Promise<void> {
  const { state, failure, funded, sentAmount, deliveredAmount, attempts, nextAttemptAt } = change;
  const { numUpdatedRows } = await db
    .updateTable('outgoing_payment')
    .set({
      // Changes nothing, but locks the row and proves the lease if there is nothing to change.
      lease_owner: nextAttemptAt === undefined ? job.lease : null,
      ...(nextAttemptAt !== undefined && { next_attempt_at: nextAttemptAt === null ? null : toInstant(nextAttemptAt) }),
      ...(state !== undefined && { state }),
      ...(failure !== undefined && { failure }),
      ...(funded !== undefined && { funded }),
      ...(sentAmount !== undefined && { sent_amount: `${sentAmount}` }),
      ...(deliveredAmount !== undefined && { delivered_amount: `${deliveredAmount}` }),
      ...(attempts !== undefined && { attempts }),
    })
    .where('ase', '=', job.ase)
    .where('id', '=', job.id)
    .where('lease_owner', '=', job.lease)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) throw new LeaseLost('lease lost');
}

/** Keeps the payment for another `leaseMs`. */
export async function renewLease(db: Queryable, job: Job, wallNow: number, leaseMs: number): Promise<void> {
  await db
    .updateTable('outgoing_payment')
    .set({ next_attempt_at: toInstant(wallNow + leaseMs) })
    .where('ase', '=', job.ase)
    .where('id', '=', job.id)
    .where('lease_owner', '=', job.lease)
    .execute();
}

/** Locks the row that serialises the payments under a grant: first in the order of locks (LIM-13). */
export async function lockOutgoingPaymentGrant(db: Queryable, job: Job): Promise<void> {
  await db
    .selectFrom('outgoing_payment_grant')
    .select('grant_id')
    .where('ase', '=', job.ase)
    .where('grant_id', '=', job.grantId)
    .forUpdate()
    .execute();
}

/** Gives the grant back what a failed payment did not spend (LIM-14). */
export async function returnSpending(db: Queryable, job: Job): Promise<void> {
  const unsent = job.debit.value - job.sentAmount;
  const undelivered = job.receive.value - job.deliveredAmount;
  await db
    .updateTable('grant_spending')
    .set({
      spent_debit: sql<string>`spent_debit - ${`${unsent}`}::numeric`,
      spent_receive: sql<string>`spent_receive - ${`${undelivered}`}::numeric`,
    })
    .where('ase', '=', job.ase)
    .where('id', '=', job.spendingId)
    .execute();
}
