/** Cancels an outgoing payment that is stuck: an operator's decision, possible only while nothing of it has left (OPI-099). */
import type { Transaction } from '../../database/database.ts';
import { Problem } from '../../errors.ts';
import { readUnresolvedPackets } from '../ilp/packet-journal.ts';
import type { AnnouncePayment } from '../payment-event.ts';
import { endAsFailed } from './fail.ts';
import { lockGrant } from './grant-spending.ts';
import { takeOverJob } from './job.ts';

export interface Cancellation {
  readonly paymentId: string;
  /** The operator's words. */
  readonly reason: string;
  readonly wallNow: number;
  readonly businessNow: number;
  readonly announce: AnnouncePayment;
}

const conflict = (description: string): Problem => new Problem('conflict', { description });

/**
 * Takes the payment from its worker and ends it as failed; payer and grant get everything back. Throws `not_found` for
 * an unknown payment, and `conflict` if it has ended, a part has been delivered, or a packet is in doubt. Waits for a
 * step of the worker that is being written; the worker's next step throws LeaseLost.
 */
export async function cancelPayment(tx: Transaction, ase: string, cancellation: Cancellation): Promise<void> {
  const { paymentId, reason, wallNow, businessNow, announce } = cancellation;
  const payment = await tx
    .selectFrom('outgoing_payment')
    .select('grant_id')
    .where('ase', '=', ase)
    .where('id', '=', paymentId)
    .executeTakeFirst();
  if (!payment) throw new Problem('not_found', { description: 'no such outgoing payment' });
  await lockGrant(tx, ase, payment.grant_id);
  const job = await takeOverJob(tx, { ase, paymentId, wallNow });
  if (!job) throw conflict('the payment has ended');
  // Read after the payment is locked: from here on its worker can send nothing.
  if ((await readUnresolvedPackets(tx, ase, paymentId)).length > 0) {
    throw conflict('a packet is in flight or in doubt: resolve it first');
  }
  if (job.deliveredAmount > 0n) throw conflict('a part has been delivered: the payment goes on, or fails by itself');
  await endAsFailed(tx, { announce, businessNow }, job, { reason: 'cancelled', detail: reason });
}
