/**
 * The packet journal. The sender stores a Prepare before sending it and replays the same bytes until its result is
 * known; the receiver stores its answer, a Reject too, in the transaction that decides on the packet and answers every
 * copy with it. So a packet counts once, whichever message is lost and whichever side crashes (ILP-18).
 */
import { deserializeIlpPrepare, deserializeIlpReply, isFulfill } from 'ilp-packet';
import { sql } from 'kysely';
import { toAmount, toBuffer, toInstant, toMillis, toReceiveAsset } from '../../database/columns.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
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

interface Prepared {
  readonly ase: string;
  readonly now: string;
  /** One element of each list is a packet. */
  readonly payments: readonly string[];
  readonly conditions: readonly string[];
  readonly sequences: readonly number[];
  readonly peers: readonly string[];
  /** Base64. */
  readonly prepares: readonly string[];
  readonly sources: readonly string[];
  readonly amounts: readonly string[];
}

const insertPrepared = statement(
  (_db, { ase, now, payments, conditions, sequences, peers, prepares, sources, amounts }: Prepared) => sql`
    insert into outgoing_packet
      (ase, payment_id, condition, sequence, peer, prepare, source_amount, amount, state, prepared_at)
    select ${ase}, payment_id, condition, sequence, peer, decode(prepare, 'base64'), source_amount, amount, 'prepared',
      ${now}::timestamptz
    from unnest(${payments}::text[], ${conditions}::text[], ${sequences}::integer[], ${peers}::text[],
      ${prepares}::text[], ${sources}::numeric[], ${amounts}::numeric[])
      as packet (payment_id, condition, sequence, peer, prepare, source_amount, amount)`,
);

export async function storePreparedPackets(
  tx: Transaction,
  ase: string,
  packets: readonly OutgoingPacket[],
  wallNow: number,
): Promise<void> {
  await insertPrepared.change(tx, {
    ase,
    now: toInstant(wallNow),
    payments: packets.map(({ paymentId }) => paymentId),
    conditions: packets.map(({ condition }) => condition),
    sequences: packets.map(({ sequence }) => sequence),
    peers: packets.map(({ peer }) => peer),
    prepares: packets.map(({ prepare }) => prepare.toString('base64')),
    sources: packets.map(({ sourceAmount }) => `${sourceAmount}`),
    amounts: packets.map(({ amount }) => `${amount}`),
  });
}

interface Fulfilled {
  readonly ase: string;
  /** One element of each list is a packet. */
  readonly payments: readonly string[];
  readonly conditions: readonly string[];
  readonly sources: readonly string[];
}

const fulfill = statement(
  (_db, { ase, payments, conditions, sources }: Fulfilled) => sql`
    update outgoing_packet as packet set state = 'fulfilled', source_amount = fulfilled.source_amount
    from unnest(${payments}::text[], ${conditions}::text[], ${sources}::numeric[])
      as fulfilled (payment_id, condition, source_amount)
    where packet.ase = ${ase} and packet.payment_id = any(${payments}::text[]) and packet.state = 'prepared'
      and packet.payment_id = fulfilled.payment_id and packet.condition = fulfilled.condition`,
);

/** Records the Fulfills of packets, and the amounts that their payers pay for them. */
export async function resolveFulfilled(
  tx: Transaction,
  ase: string,
  packets: readonly Pick<OutgoingPacket, 'paymentId' | 'condition' | 'sourceAmount'>[],
): Promise<void> {
  const resolved = await fulfill.change(tx, {
    ase,
    payments: packets.map(({ paymentId }) => paymentId),
    conditions: packets.map(({ condition }) => condition),
    sources: packets.map(({ sourceAmount }) => `${sourceAmount}`),
  });
  if (resolved !== packets.length) throw new Error('a packet is resolved already');
}

interface Rejected {
  readonly ase: string;
  readonly paymentId: string;
  readonly condition: string;
}

const reject = statement((db, { ase, paymentId, condition }: Rejected) =>
  db
    .updateTable('outgoing_packet')
    .set({ state: 'rejected' })
    .where('ase', '=', ase)
    .where('payment_id', '=', paymentId)
    .where('condition', '=', condition)
    .where('state', '=', 'prepared'),
);

/** Records the Reject of a packet. */
export async function resolveRejected(tx: Transaction, ase: string, packet: OutgoingPacket): Promise<void> {
  const { paymentId, condition } = packet;
  const resolved = await reject.change(tx, { ase, paymentId, condition });
  if (resolved !== 1) throw new Error(`packet ${condition} is resolved already`);
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

interface Replies {
  readonly ase: string;
  readonly now: string;
  /** One element of each list is a packet. */
  readonly peers: readonly string[];
  readonly conditions: readonly string[];
  readonly payments: readonly string[];
  readonly amounts: readonly string[];
  /** Base64. */
  readonly replies: readonly string[];
  readonly expiries: readonly string[];
}

const insertReplies = statement(
  (_db, { ase, now, peers, conditions, payments, amounts, replies, expiries }: Replies) => sql`
    insert into incoming_packet
      (ase, peer, condition, incoming_payment_id, amount, reply, booked_at, expires_at)
    select ${ase}, peer, condition, incoming_payment_id, amount, decode(reply, 'base64'), ${now}::timestamptz, expires_at
    from unnest(${peers}::text[], ${conditions}::text[], ${payments}::text[], ${amounts}::numeric[], ${replies}::text[],
      ${expiries}::timestamptz[]) as packet (peer, condition, incoming_payment_id, amount, reply, expires_at)
    on conflict do nothing`,
);

/**
 * Stores the answers to packets. Returns false if the journal already has one of them: if there are others, the caller
 * must roll back. Waits for another transaction that is storing one.
 */
export async function storeReplies(
  tx: Transaction,
  ase: string,
  packets: readonly IncomingPacket[],
  wallNow: number,
): Promise<boolean> {
  const stored = await insertReplies.change(tx, {
    ase,
    now: toInstant(wallNow),
    peers: packets.map(({ peer }) => peer),
    conditions: packets.map(({ condition }) => condition),
    payments: packets.map(({ incomingPaymentId }) => incomingPaymentId),
    amounts: packets.map(({ amount }) => `${amount}`),
    replies: packets.map(({ reply }) => reply.toString('base64')),
    expiries: packets.map(({ expiresAt }) => toInstant(expiresAt.getTime())),
  });
  return stored === packets.length;
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
