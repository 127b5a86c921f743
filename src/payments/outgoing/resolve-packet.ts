/** Resolves a packet in doubt when an operator has learnt its result from the peer (ILP-18). */
import { toAmount, toBuffer } from '../../database/columns.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import { Problem } from '../../errors.ts';
import { expiryOf, type OutgoingPacket, resolveRejected } from '../ilp/packet-journal.ts';
import { conditionFor } from '../ilp/stream-packet.ts';
import { type Job, takeOverJob } from './job.ts';
import { updateJob } from './job-progress.ts';
import { bookFulfilled, openAccountsFor } from './transfers.ts';

export type PacketFate =
  /** The preimage of the condition, which only the ASE that booked the packet knows. */
  { readonly kind: 'fulfilled'; readonly fulfillment: Buffer } | { readonly kind: 'rejected' };

/**
 * Takes the payment from its worker, books the result and hands the payment back, due at once. Throws `not_found` for an
 * unknown packet; `conflict` if its result is known, or if it is to be rejected before its expiry, while the peer may
 * still book it; `invalid_request` if the fulfillment does not match the condition.
 */
export async function resolvePacketInDoubt(
  tx: Transaction,
  ase: string,
  { paymentId, condition, fate }: { paymentId: string; condition: string; fate: PacketFate },
  { wallNow, businessNow }: { readonly wallNow: number; readonly businessNow: number },
): Promise<void> {
  const found = await findPacket(tx, ase, paymentId, condition);
  if (!found) throw new Problem('not_found', { description: 'no such packet' });
  if (fate.kind === 'fulfilled' && conditionFor(fate.fulfillment).toString('base64url') !== condition) {
    throw new Problem('invalid_request', { description: 'the fulfillment is not the condition’s' });
  }
  if (fate.kind === 'rejected' && wallNow < expiryOf(found.packet.prepare)) {
    throw new Problem('conflict', { description: 'the packet has not expired: the peer may still book it' });
  }
  const job = await takeOverJob(tx, { ase, paymentId, wallNow });
  // Read again: from here on no other process can change the payment.
  const current = await findPacket(tx, ase, paymentId, condition);
  if (!job || current?.state !== 'prepared') {
    throw new Problem('conflict', { description: 'the fate of the packet is known' });
  }
  await bookResult(tx, job, current.packet, fate, businessNow);
  await updateJob(tx, job, { attempts: 0, nextAttemptAt: wallNow });
}

async function bookResult(tx: Transaction, job: Job, packet: OutgoingPacket, fate: PacketFate, now: number) {
  if (fate.kind === 'fulfilled') {
    await openAccountsFor(tx, job, packet.peer);
    await bookFulfilled(tx, job.ase, now, [{ job, packet, completes: false }]);
  } else await resolveRejected(tx, job.ase, packet);
}

async function findPacket(db: Queryable, ase: string, paymentId: string, condition: string) {
  const row = await db
    .selectFrom('outgoing_packet')
    .selectAll()
    .where('ase', '=', ase)
    .where('payment_id', '=', paymentId)
    .where('condition', '=', condition)
    .executeTakeFirst();
  if (!row) return undefined;
  const { peer, sequence } = row;
  const amounts = { sourceAmount: toAmount(row.source_amount), amount: toAmount(row.amount) };
  const packet: OutgoingPacket = { paymentId, condition, sequence, peer, prepare: toBuffer(row.prepare), ...amounts };
  return { packet, state: row.state };
}
