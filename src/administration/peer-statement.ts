/** Statements of the account with a peer, and single packets, for both sides to compare (ILP-18, SET-07). */
import { deserializeIlpReply, isFulfill } from 'ilp-packet';
import { sql } from 'kysely';
import { toAmount, toAsset, toBuffer, toLookupText, toMillis } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import type { Asset } from '../open-payments/amount.ts';
import { type PacketInDoubt, readPacketsInDoubt } from '../payments/ilp/packet-journal.ts';
import { listPage, type Page, type PageRequest } from './cursor-page.ts';
import { adminProblem } from './problem.ts';

async function expectPeer(db: Queryable, ase: string, name: string): Promise<{ readonly prefix: string }> {
  const row = await db
    .selectFrom('peer')
    .select('prefix')
    .where('ase', '=', ase)
    .where('name', '=', toLookupText(name))
    .executeTakeFirst();
  if (!row) throw adminProblem('not_found', 'unknown peer');
  return row;
}

/** Oldest first. Throws `invalid_request` for an unknown cursor. */
export const listPacketsInDoubt = (db: Queryable, ase: string, request: PageRequest): Promise<Page<PacketInDoubt>> =>
  listPage(
    request,
    ({ since, condition }) => ({ at: since, id: condition }),
    (after, limit) => readPacketsInDoubt(db, ase, { after, limit }),
  );

export interface PeerStatement {
  readonly peer: string;
  /** ILP address of the peer. */
  readonly peerAddress: string;
  /** A positive balance is owed to the peer. The peer reports the same balance with the opposite sign. */
  readonly accounts: readonly { readonly asset: Asset; readonly balance: bigint }[];
  /** Not in this balance, but in the peer's if it has booked them. */
  readonly packetsInDoubt: readonly PacketInDoubt[];
}

/** Reads one snapshot, so this must be the first call in its transaction. Throws `not_found`. */
export async function getPeerStatement(tx: Transaction, ase: string, name: string): Promise<PeerStatement> {
  await sql`set transaction isolation level repeatable read, read only`.execute(tx);
  const { prefix } = await expectPeer(tx, ase, name);
  const rows = await tx
    .selectFrom('account')
    .leftJoin('ledger_entry as entry', (join) =>
      join.onRef('entry.ase', '=', 'account.ase').onRef('entry.account_id', '=', 'account.id'),
    )
    .select(['account.asset_code', 'account.asset_scale', sql<string>`coalesce(sum(entry.amount), 0)`.as('balance')])
    .where('account.ase', '=', ase)
    .where('account.kind', '=', 'peer')
    .where(sql<boolean>`account.id = 'peer:' || ${name} || ':' || account.asset_code || ':' || account.asset_scale`)
    .groupBy(['account.asset_code', 'account.asset_scale'])
    .orderBy('account.asset_code')
    .orderBy('account.asset_scale')
    .execute();
  return {
    peer: name,
    peerAddress: prefix,
    accounts: rows.map((row) => ({
      asset: toAsset(row),
      balance: toAmount(row.balance),
    })),
    packetsInDoubt: await readPacketsInDoubt(tx, ase, { peer: name }),
  };
}

/** A packet that a peer sent and this ASE booked. Throws `not_found`. */
export async function getPeerPacket(db: Queryable, ase: string, name: string, condition: string) {
  await expectPeer(db, ase, name);
  const row = await db
    .selectFrom('incoming_packet as packet')
    .innerJoin('incoming_payment as payment', (join) =>
      join.onRef('payment.ase', '=', 'packet.ase').onRef('payment.id', '=', 'packet.incoming_payment_id'),
    )
    .select(['packet.amount', 'packet.reply', 'packet.booked_at', 'packet.incoming_payment_id'])
    .select(['payment.asset_code', 'payment.asset_scale'])
    .where('packet.ase', '=', ase)
    .where('packet.peer', '=', name)
    .where('packet.condition', '=', condition)
    .executeTakeFirst();
  const reply = row && deserializeIlpReply(toBuffer(row.reply));
  if (!row || !reply || !isFulfill(reply)) throw adminProblem('not_found', 'the packet is not booked');
  return {
    condition,
    incomingPayment: row.incoming_payment_id,
    asset: toAsset(row),
    amount: toAmount(row.amount),
    fulfillment: reply.fulfillment.toString('base64url'),
    bookedAt: toMillis(row.booked_at),
  };
}
