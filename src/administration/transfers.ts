/** Transfers of the ledger. A mistaken one is never deleted: a reversal with a reason takes it back (SET-07). */
import { toAmount, toAsset, toMillis } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import type { Asset } from '../open-payments/amount.ts';
import { bookTransfer, type Entry } from '../payments/ledger.ts';
import { creationOf, listPage, newestFirst, type Page, type PageRequest } from './cursor-page.ts';
import { adminProblem, checkText } from './problem.ts';

export interface Transfer {
  readonly id: string;
  /** Business time. */
  readonly createdAt: number;
  /** Id of the transfer that a reversal takes back. */
  readonly reverses: string | undefined;
  /** Why it was reversed. */
  readonly reason: string | undefined;
  readonly entries: readonly { readonly account: string; readonly asset: Asset; readonly amount: bigint }[];
}

async function listEntries(db: Queryable, ase: string, transfers: readonly string[]) {
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
    asset: toAsset(row),
    amount: toAmount(row.amount),
  }));
}

/** Newest first. Throws `invalid_request` for an unknown cursor. */
export const listTransfers = (
  db: Queryable,
  ase: string,
  request: PageRequest,
  { onlyReversals = false }: { readonly onlyReversals?: boolean } = {},
): Promise<Page<Transfer>> =>
  listPage(request, creationOf, async (after, limit) => {
    const rows = await db
      .selectFrom('ledger_transfer')
      .select(['id', 'created_at', 'reverses', 'reason'])
      .where('ase', '=', ase)
      .$if(onlyReversals, (query) => query.where('reverses', 'is not', null))
      .$call(newestFirst({ at: 'created_at', id: 'id' }, after, limit))
      .execute();
    const ids = rows.map(({ id }) => id);
    const entries = await listEntries(db, ase, ids);
    return rows.map(({ id, created_at, reverses, reason }) => ({
      id,
      createdAt: toMillis(created_at),
      reverses: reverses ?? undefined,
      reason: reason ?? undefined,
      entries: entries.filter(({ transfer }) => transfer === id).map(({ transfer: _, ...entry }) => entry),
    }));
  });

/** Ids of the booked transfers that a deposit, withdrawal, packet or outgoing payment consists of. */
async function findParts(db: Queryable, ase: string, transfer: string): Promise<string[]> {
  if (/^(deposit:|withdrawal:)|^packet:.+:in$/.test(transfer)) return [transfer];
  const payment = /^outgoing:([^:]+)$/.exec(transfer)?.[1];
  if (payment === undefined)
    throw adminProblem(
      'invalid_request',
      'only a deposit, a withdrawal, an outgoing payment or an incoming packet can be reversed',
    );
  const row = await db
    .selectFrom('outgoing_payment')
    .select('state')
    .where('ase', '=', ase)
    .where('id', '=', payment)
    .executeTakeFirst();
  if (!row) throw adminProblem('not_found', 'unknown payment');
  if (row.state === 'pending') throw adminProblem('conflict', 'the payment has not ended');
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

/**
 * Books the opposite of a deposit, a withdrawal, a packet that a peer sent, or of everything that an ended outgoing
 * payment moved. The payment itself keeps its state. Throws `not_found`; `conflict` if it has been reversed already, the
 * payment has not ended or nothing is left to reverse; `insufficient_funds` if the payee's balance does not cover it;
 * and `invalid_request` for a reversal or for a part of a payment.
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
  for (const { account, asset, amount } of await listEntries(tx, ase, parts)) {
    moved.set(account, { account, asset, amount: (moved.get(account)?.amount ?? 0n) - amount });
  }
  const entries = [...moved.values()].filter(({ amount }) => amount !== 0n);
  if (moved.size === 0) throw adminProblem('not_found', 'unknown transfer');
  if (entries.length === 0) throw adminProblem('conflict', 'nothing is left to reverse');
  // Concurrent reversals of one transfer share this id, so only one of them is booked.
  const id = `reversal:${transfer}`;
  const booking: Entry[] = entries.map(({ account, amount }) => ({ accountId: account, amount }));
  const isNew = await bookTransfer(tx, ase, id, now, booking, { reverses: transfer, reason });
  if (!isNew) throw adminProblem('conflict', 'it has been reversed already');
  return { id, createdAt: now, reverses: transfer, reason, entries };
}
