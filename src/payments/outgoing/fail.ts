/** The failure of an outgoing payment: its reason, which operators and the log see, and its end with a refund. */
import type { Clock } from '../../clock.ts';
import type { Database, Transaction } from '../../database/database.ts';
import type { AnnouncePayment } from '../payment-event.ts';
import type { Failpoint } from './failpoint.ts';
import { lockGrant, returnSpending } from './grant-spending.ts';
import type { Job } from './job.ts';
import { updateJob } from './job-progress.ts';
import { bookRefund } from './transfers.ts';

/** A subset of pino's `Logger`. */
export interface SenderLog {
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

export interface FailPaymentContext {
  readonly db: Database;
  readonly clock: Clock;
  readonly failpoint: Failpoint;
  readonly announce: AnnouncePayment;
  readonly log?: SenderLog | undefined;
}

/** Why an attempt did not succeed: a code, and what is known beyond it. */
export interface Reason {
  readonly reason: string;
  readonly detail?: string | undefined;
}

export type Failed = { readonly kind: 'failed' } & Reason;

const MAX_REASON_LENGTH = 500;

/** The reason as it is stored. A detail can quote another server. */
export const describeReason = ({ reason, detail }: Reason): string =>
  (detail === undefined ? reason : `${reason}: ${detail.replaceAll('\0', '')}`)
    .slice(0, MAX_REASON_LENGTH)
    .toWellFormed();

/**
 * Ends the payment with what was delivered and paid so far; payer and grant get the rest back (SET-12, LIM-14). Locks
 * the grant first: the caller must hold no lock of the payment, unless it has locked the grant before.
 */
export async function endAsFailed(
  tx: Transaction,
  { announce, businessNow }: { readonly announce: AnnouncePayment; readonly businessNow: number },
  job: Job,
  why: Reason,
): Promise<void> {
  await lockGrant(tx, job.ase, job.grantId);
  await updateJob(tx, job, {
    state: 'failed',
    failure: why.reason,
    lastError: describeReason(why),
    nextAttemptAt: null,
  });
  await returnSpending(tx, job);
  if (job.funded) await bookRefund(tx, job, businessNow);
  await announce(tx, 'outgoing_payment.failed', job.id);
}

/** Fails the payment and says why in the log. */
export async function failPayment(
  { db, clock, failpoint, announce, log }: FailPaymentContext,
  job: Job,
  { reason, detail }: Reason,
): Promise<Failed> {
  await db.transaction((tx) =>
    endAsFailed(tx, { announce, businessNow: clock.businessNow() }, job, { reason, detail }),
  );
  log?.warn({ payment: job.id, reason, detail }, 'payment failed');
  failpoint('job-done');
  return { kind: 'failed', reason, detail };
}
