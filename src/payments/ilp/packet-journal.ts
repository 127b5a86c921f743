/**
 * The packet journal. The sender stores a Prepare before sending it and replays the same bytes until its result is
 * known; the receiver stores its answer, a Reject too, in the transaction that decides on the packet and answers every
 * copy with it. So a packet counts once, whichever message is lost and whichever side crashes (ILP-18).
 */
import { deserializeIlpPrepare, deserializeIlpReply, isFulfill } from 'ilp-packet';
import { type Insertable, sql } from 'kysely';
import { toAmount, toBuffer, toInstant, toMillis, toReceiveAsset } from '../../database/columns.ts';
import type { Queryable, Tables, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Asset } from '../../open-payments/amount.ts';

export interface OutgoingPacket {
  readonly paymentId: string;
  /** Execution condition, base64url. */
  readonly condition: string;
  readonly sequence: number;
  readonly peer: string;
  readonly prepare: Buffer;
  /**
   * Amount that the payer pays for the packet, in the payer's asset. An estimate until it has arrived: the amount depends
   * on the packets that arrive before it.
   */
  readonly sourceAmount: bigint;
  /** Amount that the receiver gets, in the receiver's asset. */
  readonly amount: bigint;
}

const insertPrepared = statement((db, packet: Insertable<Tables['outgoing_packet']>) =>
  db.insertInto('outgoing_packet').values(packet),
);

export async function storePreparedPacket(tx: Transaction, ase: string, packet: OutgoingPacket, wallNow: number) {
  await insertPrepared.change(tx, {
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
  });
}

interface Resolution {
  readonly ase: string;
  readonly paymentId: string;
  readonly condition: string;
  readonly state: 'fulfilled' | 'rejected';
  readonly sourceAmount: string | undefined;
}

const resolve = statement((db, { ase, paymentId, condition, state, sourceAmount }: Resolution) =>
  db
    .updateTable('outgoing_packet')
    .set({ state, ...(sourceAmount !== undefined && { source_amount: sourceAmount }) })
    .where('ase', '=', ase)
    .where('payment_id', '=', paymentId)
    .where('condition', '=', condition)
    .where('state', '=', 'prepared'),
);

/** Records the result of a packet. */
export async function resolvePacket(
  tx: Transaction,
  ase: string,
  packet: OutgoingPacket,
  result: { readonly state: 'fulfilled'; readonly sourceAmount: bigint } | { readonly state: 'rejected' },
): Promise<void> {
  const resolved = await resolve.change(tx, {
    ase,
    paymentId: packet.paymentId,
    condition: packet.condition,
    state: result.state,
    sourceAmount: result.state === 'fulfilled' ? `${result.sourceAmount}` : undefined,
  });
  if (resolved !== 1) throw new Error(`packet ${packet.condition} is resolved already`);
}

/** Packets of a payment whose result is unknown, in the order in which they were made. */
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

/** The sequence number of the last packet of a payment, or 0. */
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
  /** Wall time in milliseconds, like `expiresAt`. */
  readonly since: number;
  readonly expiresAt: number;
}

export interface PacketSelection {
  readonly peer?: string;
  /** The packets after the one with this time and condition. */
  readonly after?: { readonly at: number; readonly id: string } | undefined;
  readonly limit?: number;
}

/** Packets without a recorded result, oldest first: in flight, or in doubt if they are old. */
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
    asset: toReceiveAsset(row),
    amount: toAmount(row.amount),
    since: toMillis(row.prepared_at),
    expiresAt: expiryOf(toBuffer(row.prepare)),
  }));
}

/** Expiry of a Prepare in wall time. */
export const expiryOf = (prepare: Buffer): number => deserializeIlpPrepare(prepare).expiresAt.getTime();

export interface IncomingPacket {
  readonly peer: string;
  /** Execution condition, base64url. */
  readonly condition: string;
  readonly incomingPaymentId: string;
  readonly amount: bigint;
  /** The Fulfill or Reject. */
  readonly reply: Buffer;
  readonly expiresAt: Date;
}

const insertReply = statement((db, packet: Insertable<Tables['incoming_packet']>) =>
  db
    .insertInto('incoming_packet')
    .values(packet)
    .onConflict((conflict) => conflict.doNothing()),
);

/**
 * Stores the answer to a packet. Returns false if the journal already has one; waits for another
 * transaction that is storing it.
 */
export async function storeReply(
  tx: Transaction,
  ase: string,
  packet: IncomingPacket,
  wallNow: number,
): Promise<boolean> {
  const stored = await insertReply.change(tx, {
    ase,
    peer: packet.peer,
    condition: packet.condition,
    incoming_payment_id: packet.incomingPaymentId,
    amount: `${packet.amount}`,
    reply: packet.reply,
    booked_at: toInstant(wallNow),
    expires_at: toInstant(packet.expiresAt.getTime()),
  });
  return stored === 1;
}

export interface StoredReply {
  readonly amount: bigint;
  readonly reply: Buffer;
  readonly isFulfilled: boolean;
}

const selectReply = statement((db, { ase, condition }: { ase: string; condition: string }) =>
  db
    .selectFrom('incoming_packet')
    .select(['amount', 'reply'])
    .where('ase', '=', ase)
    .where('condition', '=', condition),
);

/** The stored answer to the packet of this condition, whichever peer it came from: peers can be renamed. */
export async function findReply(db: Queryable, ase: string, condition: string): Promise<StoredReply | undefined> {
  const row = await selectReply.first(db, { ase, condition });
  if (!row) return undefined;
  const reply = toBuffer(row.reply);
  return { amount: toAmount(row.amount), reply, isFulfilled: isFulfill(deserializeIlpReply(reply)) };
}
