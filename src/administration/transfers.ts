/** What the ledger holds, and taking it back: never by deleting, always by a transfer that says what and why (SET-07). */
import { sql } from 'kysely';
import { toAmount, toInstant, toMillis } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import type { Asset } from '../open-payments/amount.ts';
import { bookTransfer, type Entry } from '../payments/ledger.ts';
import { listPage, type Page, type PageRequest } from './cursor-page.ts';
import { checkText, conflict, invalid, notFound } from './problem.ts';

export interface Transfer {
  readonly id: string;
  /** Business time. */
  readonly createdAt: number;
  /** For a reversal: what it takes back, and why. */
  readonly reverses: string | undefined;
  readonly reason: string | undefined;
  readonly entries: readonly { readonly account: string; readonly asset: Asset; readonly amount: bigint }[];
}

/** Newest first. Throws `invalid_request` for a cursor of nobody's. */
export const listTransfers = (
  db: Queryable,
  ase: string,
  request: PageRequest,
  { onlyReversals = false }: { readonly onlyReversals?: boolean } = {},
): Promise<Page<Transfer>> =>
  listPage(
    request,
    ({ createdAt, id }) => ({ at: createdAt, id }),
    async (after, limit) => {
      const rows = await db
        .selectFrom('ledger_transfer')
        .select(['id', 'created_at', 'reverses', 'reason'])
        .where('ase', '=', ase)
        .$if(onlyReversals, (query) => query.where('reverses', 'is not', null))
        .$if(after !== undefined, (query) =>
          query.where(sql<boolean>`(created_at, id) < (${toInstant(after!.at)}::timestamptz, ${after!.id})`),
        )
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      const entries = await readEntries(
        db,
        ase,
        rows.map(({ id }) => id),
      );
      return rows.map(({ id, created_at, reverses, reason }) => ({
        id,
        createdAt: toMillis(created_at),
        reverses: reverses ?? undefined,
        reason: reason ?? undefined,
        entries: entries.filter(({ transfer }) => transfer === id).map(({ transfer: _, ...entry }) => entry),
      }));
    },
  );

async function readEntries(db: Queryable, ase: string, transfers: readonly string[]) {
  if (transfers.length === 0) return [];
  const rows = await db
    .selectFrom('ledger_entry as entry')
    .innerJoin('account', (join) =>
      join.onRef('account.ase', '=', 'entry.ase').onRef('account.id', '=', 'entry.account_id'),
    )
    .select(['entry.transfer_id', 'entry.account_id', 'entry.amount', 'account.asset_code', 'account.asset_scale'])
    .where('entry.ase', '=', ase)
    .where('entry.transfer_id', 'in', transfers)
    .orderBy('entry.account_id')
    .execute();
  return rows.map((row) => ({
    transfer: row.transfer_id,
    account: row.account_id,
    asset: { code: row.asset_code, scale: row.asset_scale },
    amount: toAmount(row.amount),
  }));
}

/**
 * Books the opposite of a deposit, a withdrawal, a packet that a peer sent, or of all that an ended outgoing payment
 * moved. The payment itself stays as it was. Throws `not_found`; `conflict` if it is reversed already, if the payment
 * has not ended or nothing is left of it; `insufficient_funds` if who got the money has not got it any more; and
 * `invalid_request` for a part of a payment, or a reversal.
 */
export async function reverseTransfer(
  tx: Transaction,
  ase: string,
  { transfer, reason }: { readonly transfer: string; readonly reason: string },
  now: number,
): Promise<Transfer> {
  checkText(reason, 'the reason');
  const parts = await findParts(tx, ase, checkText(transfer, 'the transfer'));
  const moved = new Map<string, { account: string; asset: Asset; amount: bigint }>();
  for (const { account, asset, amount } of await readEntries(tx, ase, parts)) {
    moved.set(account, { account, asset, amount: (moved.get(account)?.amount ?? 0n) - amount });
  }
  const entries = [...moved.values()].filter(({ amount }) => amount !== 0n);
  if (moved.size === 0) throw notFound('no such transfer');
  if (entries.length === 0) throw conflict('nothing is left of it to reverse');
  // Of two reversals one finds the other's id.
  const id = `reversal:${transfer}`;
  const booking: Entry[] = entries.map(({ account, amount }) => ({ accountId: account, amount }));
  const isNew = await bookTransfer(tx, ase, id, now, booking, { reverses: transfer, reason });
  if (!isNew) throw conflict('it is reversed already');
  return { id, createdAt: now, reverses: transfer, reason, entries };
}

/** Ids of the transfers that this names. */
async function findParts(db: Queryable, ase: string, transfer: string): Promise<string[]> {
  if (/^(deposit:|withdrawal:)|^packet:.+:in$/.test(transfer)) return [transfer];
  const payment = /^outgoing:([^:]+)$/.exec(transfer)?.[1];
  if (payment === undefined)
    throw invalid('reverse a deposit, a withdrawal, an outgoing payment or an incoming packet');
  const row = await db
    .selectFrom('outgoing_payment')
    .select('state')
    .where('ase', '=', ase)
    .where('id', '=', payment)
    .executeTakeFirst();
  if (!row) throw notFound('no such payment');
  if (row.state === 'pending') throw conflict('the payment has not ended');
  const packets = await db
    .selectFrom('outgoing_packet')
    .select('condition')
    .where('ase', '=', ase)
    .where('payment_id', '=', payment)
    .where('state', '=', 'fulfilled')
    .execute();
  const stages = ['hold', 'delivery', 'fee', 'refund'].map((stage) => `outgoing:${payment}:${stage}`);
  return [...stages, ...packets.map(({ condition }) => `packet:${condition}:out`)];
}
