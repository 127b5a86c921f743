/**
 * The packet journal. The sender stores a Prepare before it leaves and replays the same bytes until its fate is known;
 * the receiver stores its answer in the transaction that books the packet and answers every repetition from there. So
 * a packet counts once, whatever is lost between the two and whoever of them dies (ILP-18).
 */
import { deserializeIlpPrepare } from 'ilp-packet';
import { sql } from 'kysely';
import { toAmount, toBuffer, toInstant, toMillis } from '../../database/columns.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import type { Asset } from '../../open-payments/amount.ts';

export interface OutgoingPacket {
  readonly paymentId: string;
  /** Execution condition, base64url. */
  readonly condition: string;
  readonly sequence: number;
  readonly peer: string;
  readonly prepare: Buffer;
  /** What the payer gives for the packet, in the payer's asset. */
  readonly sourceAmount: bigint;
  /** What the receiver gets, in the receiver's asset. */
  readonly amount: bigint;
}

export async function storePreparedPacket(tx: Transaction, ase: string, packet: OutgoingPacket, wallNow: number) {
  await tx
    .insertInto('outgoing_packet')
    .values({
      ase,
      payment_id: packet.paymentId,
      condition: packet.condition,
      sequence: packet.sequence,
      peer: packet.peer,
      prepare: packet.prepare,
      source_amount: `${packet.sourceAmount}`,
      amount: `${packet.amount}`,
      state: 'prepared',
      prepared_at: toInstant(wallNow),
    })
    .execute();
}

/** Writes down the fate of a packet. */
export async function resolvePacket(
  tx: Transaction,
  ase: string,
  packet: OutgoingPacket,
  fate: 'fulfilled' | 'rejected',
) {
  const { numUpdatedRows } = await tx
    .updateTable('outgoing_packet')
    .set({ state: fate })
    .where('ase', '=', ase)
    .where('payment_id', '=', packet.paymentId)
    .where('condition', '=', packet.condition)
    .where('state', '=', 'prepared')
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) throw new Error(`packet ${packet.condition} is resolved already`);
}

/** Packets of a payment whose fate is unknown: one at most, or the journal was not obeyed. */
export async function readUnresolvedPackets(db: Queryable, ase: string, paymentId: string): Promise<OutgoingPacket[]> {
  const rows = await db
    .selectFrom('outgoing_packet')
    .selectAll()
    .where('ase', '=', ase)
    .where('payment_id', '=', paymentId)
    .where('state', '=', 'prepared')
    .orderBy('sequence')
    .execute();
  return rows.map((row) => ({
    paymentId: row.payment_id,
    condition: row.condition,
    sequence: row.sequence,
    peer: row.peer,
    prepare: toBuffer(row.prepare),
    sourceAmount: toAmount(row.source_amount),
    amount: toAmount(row.amount),
  }));
}

/** The sequence number of the last packet of a payment, 0 if none was made. */
export async function readLastSequence(db: Queryable, ase: string, paymentId: string): Promise<number> {
  const row = await db
    .selectFrom('outgoing_packet')
    .select((select) => select.fn.max('sequence').as('last'))
    .where('ase', '=', ase)
    .where('payment_id', '=', paymentId)
    .executeTakeFirst();
  return Number(row?.last ?? 0);
}

export interface PacketInDoubt {
  readonly payment: string;
  readonly peer: string;
  /** base64url. */
  readonly condition: string;
  readonly asset: Asset;
  readonly amount: bigint;
  /** Wall time, both. */
  readonly since: number;
  readonly expiresAt: number;
}

export interface PacketSelection {
  readonly peer?: string;
  /** From the packet of this time and condition on. */
  readonly after?: { readonly at: number; readonly id: string } | undefined;
  readonly limit?: number;
}

/** Packets that left and whose answer is not booked, oldest first: under way, or in doubt if they are old. */
export async function readPacketsInDoubt(
  db: Queryable,
  ase: string,
  { peer, after, limit }: PacketSelection = {},
): Promise<PacketInDoubt[]> {
  const rows = await db
    .selectFrom('outgoing_packet as packet')
    .innerJoin('outgoing_payment as payment', (join) =>
      join.onRef('payment.ase', '=', 'packet.ase').onRef('payment.id', '=', 'packet.payment_id'),
    )
    .innerJoin('quote', (join) =>
      join.onRef('quote.ase', '=', 'payment.ase').onRef('quote.id', '=', 'payment.quote_id'),
    )
    .select(['packet.payment_id', 'packet.peer', 'packet.condition', 'packet.amount', 'packet.prepared_at'])
    .select(['packet.prepare', 'quote.receive_asset_code', 'quote.receive_asset_scale'])
    .where('packet.ase', '=', ase)
    .where('packet.state', '=', 'prepared')
    .$if(peer !== undefined, (query) => query.where('packet.peer', '=', peer!))
    .$if(after !== undefined, (query) =>
      query.where(
        sql<boolean>`(packet.prepared_at, packet.condition) > (${toInstant(after!.at)}::timestamptz, ${after!.id})`,
      ),
    )
    .orderBy('packet.prepared_at')
    .orderBy('packet.condition')
    .$if(limit !== undefined, (query) => query.limit(limit!))
    .execute();
  return rows.map((row) => ({
    payment: row.payment_id,
    peer: row.peer,
    condition: row.condition,
    asset: { code: row.receive_asset_code, scale: row.receive_asset_scale },
    amount: toAmount(row.amount),
    since: toMillis(row.prepared_at),
    expiresAt: expiryOf(toBuffer(row.prepare)),
  }));
}

/** When a Prepare expires, by the wall. */
export const expiryOf = (prepare: Buffer): number => deserializeIlpPrepare(prepare).expiresAt.getTime();

export interface IncomingPacket {
  readonly peer: string;
  /** Execution condition, base64url. */
  readonly condition: string;
  readonly incomingPaymentId: string;
  readonly amount: bigint;
  /** The Fulfill. */
  readonly reply: Buffer;
}

/**
 * Stores the answer to a packet that is being booked. Returns false if the journal has one already; if another
 * transaction is just storing it, waits for that to end.
 */
export async function storeReply(
  tx: Transaction,
  ase: string,
  packet: IncomingPacket,
  wallNow: number,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('incoming_packet')
    .values({
      ase,
      peer: packet.peer,
      condition: packet.condition,
      incoming_payment_id: packet.incomingPaymentId,
      amount: `${packet.amount}`,
      reply: packet.reply,
      booked_at: toInstant(wallNow),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** The answer that a packet got when it was booked; undefined if it was not. */
export async function readReply(db: Queryable, ase: string, peer: string, condition: string) {
  const row = await db
    .selectFrom('incoming_packet')
    .select(['amount', 'reply'])
    .where('ase', '=', ase)
    .where('peer', '=', peer)
    .where('condition', '=', condition)
    .executeTakeFirst();
  return row && { amount: toAmount(row.amount), reply: toBuffer(row.reply) };
}
