/**
 * The ledger: append-only double entry. Every transfer sums to zero in each asset and bears an id derived from its
 * cause, so that booking a cause twice is harmless. Customer accounts keep a balance that the database holds at ≥ 0;
 * internal accounts are the sum of their entries (SET-07), which a trigger keeps for peers that have a limit.
 */
import { type RawBuilder, sql } from 'kysely';
import { toAmount, toAsset, toInstant } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { isViolation } from '../database/violation.ts';
import { Problem } from '../errors.ts';
import type { Asset } from '../open-payments/amount.ts';

export type InternalKind = 'deposit' | 'hold' | 'fee' | 'exchange' | 'peer';

/** Id of the ASE's own account of a kind in an asset: one each, for peers one per peer. */
export function internalAccountId(kind: InternalKind, asset: Asset, peer?: string): string {
  return [kind, ...(peer === undefined ? [] : [peer]), asset.code, asset.scale].join(':');
}

export interface InternalAccount {
  readonly kind: InternalKind;
  readonly asset: Asset;
  /** For the kind `peer` only. */
  readonly peer?: string;
}

/** Creates those of the ASE's own accounts that are not there yet. */
export async function openInternalAccounts(
  db: Queryable,
  ase: string,
  accounts: readonly InternalAccount[],
): Promise<void> {
  const rows = accounts.map(({ kind, asset, peer }) => {
    const id = internalAccountId(kind, asset, peer);
    return { ase, id, kind, asset_code: asset.code, asset_scale: asset.scale, balance: null };
  });
  await db
    .insertInto('account')
    // In the order of the ids, so that two processes that open the same accounts never wait for each other in a circle.
    .values(rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** True if a transfer has an entry of an account that is not open yet. */
export const isAccountMissing = (error: unknown): boolean => isViolation(error, 'foreign key', 'ledger_entry');

/** True if a customer has less than the transfers take from the account. */
export const isInsufficient = (error: unknown): boolean =>
  error instanceof Problem && error.code === 'insufficient_funds';

/** Creates one of the ASE's own accounts if it is not there yet. Returns its id. */
export async function openInternalAccount(
  db: Queryable,
  ase: string,
  kind: InternalKind,
  asset: Asset,
  peer?: string,
): Promise<string> {
  await openInternalAccounts(db, ase, [{ kind, asset, ...(peer !== undefined && { peer }) }]);
  return internalAccountId(kind, asset, peer);
}

export interface Entry {
  readonly accountId: string;
  /** Positive if the account receives, negative if it pays. */
  readonly amount: bigint;
}

/** The transfer that a reversal cancels, and the reason. */
export interface Reversal {
  readonly reverses: string;
  readonly reason: string;
}

export interface Transfer {
  readonly id: string;
  readonly entries: readonly Entry[];
}

interface TransferColumns {
  readonly ase: string;
  readonly now: string;
  readonly ids: readonly string[];
  readonly reverses: string | null;
  readonly reason: string | null;
  /** The entries, one element of each list: the transfer, the account and the amount. */
  readonly transfers: readonly string[];
  readonly accounts: readonly string[];
  readonly amounts: readonly string[];
}

/** The account of the ASE with this id, in a form that the hash index of accounts answers: it costs the same for any number. */
const hasKey = (ase: string, id: RawBuilder<unknown>) =>
  sql<boolean>`account.ase || ':' || account.id = ${ase}::text || ':' || ${id} and account.ase = ${ase} and account.id = ${id}`;

/**
 * Books transfers that are not booked yet, with their entries, and adds them to the balances of customers; a trigger
 * keeps those of peers. Counts the transfers, and the customers who have too little before they receive anything.
 */
const insertTransfers = statement((_db, columns: TransferColumns) => {
  const { ase, now, ids, reverses, reason, transfers, accounts, amounts } = columns;
  return sql<{ booked: string; overdrawn: string }>`
    with transfer as (
      insert into ledger_transfer (ase, id, created_at, reverses, reason)
      select ${ase}, id, ${now}::timestamptz, ${reverses}, ${reason} from unnest(${ids}::text[]) as id
      on conflict do nothing returning id
    ), moved as (
      select transfer_id, account_id, amount from transfer
      join unnest(${transfers}::text[], ${accounts}::text[], ${amounts}::numeric[])
        as entry (transfer_id, account_id, amount) on transfer_id = transfer.id
    ), entry as (
      insert into ledger_entry (ase, transfer_id, account_id, amount)
      select ${ase}, transfer_id, account_id, amount from moved
    ), customer as (
      select account_id, sum(amount) as change, sum(least(amount, 0)) as paid from moved
      where starts_with(account_id, 'customer:') group by account_id
    ), changed as (
      update account set balance = balance + change from customer
      where ${hasKey(ase, sql`account_id`)} and balance + paid >= 0
      returning account.id
    )
    select (select count(*) from transfer) as booked,
      (select count(*) from customer) - (select count(*) from changed) as overdrawn`;
});

const lockAccounts = statement(
  (_db, { ase, ids }: { ase: string; ids: readonly string[] }) => sql<{ id: string }>`
    select account.id from unnest(${ids}::text[]) as locked (id) join account on ${hasKey(ase, sql`locked.id`)}
    order by account.id for no key update of account`,
);

/**
 * Locks the accounts of customers in the order of their ids, so that transactions never wait for each other in a
 * circle. One statement cannot lock and change them: transactions that wait for its locks would deadlock with it.
 */
async function lockCustomers(tx: Transaction, ase: string, entries: readonly Entry[]): Promise<void> {
  const ids = new Set(entries.map(({ accountId }) => accountId).filter((id) => id.startsWith('customer:')));
  if (ids.size > 1) await lockAccounts.all(tx, { ase, ids: [...ids] });
}

/**
 * Books transfers together. Returns false if one of them is booked already; the caller must roll back then, unless it
 * is the only one. Throws `insufficient_funds` if a customer has less than the transfers take from the account.
 */
export async function bookTransfers(
  tx: Transaction,
  ase: string,
  now: number,
  transfers: readonly Transfer[],
  reversal?: Reversal,
): Promise<boolean> {
  const entries = transfers.flatMap(({ id, entries }) => entries.map((entry) => ({ ...entry, id })));
  const moving = entries.filter((entry) => entry.amount !== 0n);
  const [, row] = await Promise.all([
    lockCustomers(tx, ase, moving),
    insertTransfers.first(tx, {
      ase,
      now: toInstant(now),
      ids: transfers.map(({ id }) => id),
      reverses: reversal?.reverses ?? null,
      reason: reversal?.reason ?? null,
      transfers: moving.map(({ id }) => id),
      accounts: moving.map(({ accountId }) => accountId),
      amounts: moving.map(({ amount }) => `${amount}`),
    }),
  ]);
  if (Number(row!.booked) < transfers.length) return false;
  if (Number(row!.overdrawn) > 0) throw new Problem('insufficient_funds');
  return true;
}

/**
 * Books a transfer. Returns false if a transfer of this id is booked already, and changes nothing then.
 * Throws `insufficient_funds` if a customer's balance would fall below zero.
 */
export const bookTransfer = (
  tx: Transaction,
  ase: string,
  id: string,
  now: number,
  entries: readonly Entry[],
  reversal?: Reversal,
): Promise<boolean> => bookTransfers(tx, ase, now, [{ id, entries }], reversal);

/**
 * Balance of the account of a peer, locked until the transaction ends, so that a limit on it holds. The first call adds
 * up the entries; from then on a trigger keeps the balance, and the cost does not grow with the peer's history.
 */
export async function lockPeerBalance(tx: Transaction, ase: string, accountId: string): Promise<bigint> {
  const account = tx
    .selectFrom('account')
    .select('balance')
    .where(hasKey(ase, sql`${accountId}::text`));
  // Not `for update`: entries refer to the row, and those without a limit must not wait.
  const { balance } = await account.forNoKeyUpdate().executeTakeFirstOrThrow();
  return balance === null ? countPeerBalance(tx, ase, accountId) : toAmount(balance);
}

async function countPeerBalance(tx: Transaction, ase: string, accountId: string): Promise<bigint> {
  // Waits for transactions with entries of the account: they do not see that the balance is kept from now on.
  const ofAccount = { ase, id: accountId };
  await tx
    .selectFrom('account')
    .select('id')
    .where((is) => is.and(ofAccount))
    .forUpdate()
    .execute();
  const { sum } = await tx
    .selectFrom('ledger_entry')
    .select(sql<string>`coalesce(sum(amount), 0)`.as('sum'))
    .where('ase', '=', ase)
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  await tx
    .updateTable('account')
    .set({ balance: sum })
    .where((is) => is.and(ofAccount))
    .execute();
  return toAmount(sum);
}

export interface TrialBalanceLine {
  readonly account: string;
  readonly kind: string;
  readonly asset: Asset;
  /** Totals paid and received; both ≥ 0. */
  readonly debits: bigint;
  readonly credits: bigint;
  readonly balance: bigint;
}

export interface TrialBalance {
  readonly lines: readonly TrialBalanceLine[];
  /** Per asset; of the whole ledger, debits equal credits, or the books are wrong. */
  readonly totals: readonly { readonly asset: Asset; readonly debits: bigint; readonly credits: bigint }[];
  /**
   * True if every balance that is kept equals the sum of its entries and, where the page is the whole ledger, debits
   * equal credits.
   */
  readonly balanced: boolean;
  /** True if accounts follow after the last one. */
  readonly hasMore: boolean;
}

/** Accounts in the order of their ids: those after one of them, and at most so many. */
export interface LedgerPage {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** Accounts of the ASE with the sums of their entries, in minor units of their asset. Reads the entries of these only. */
export async function readTrialBalance(
  db: Queryable,
  ase: string,
  { after, limit }: LedgerPage = {},
): Promise<TrialBalance> {
  const found = await db
    .selectFrom('account')
    .select('id')
    .where('ase', '=', ase)
    .$if(after !== undefined, (query) => query.where('id', '>', after!))
    .orderBy('id')
    .$if(limit !== undefined, (query) => query.limit(limit! + 1))
    .execute();
  const ids = found.slice(0, limit).map(({ id }) => id);
  const rows = await db
    .selectFrom('account')
    .leftJoin('ledger_entry', (join) =>
      join.onRef('ledger_entry.ase', '=', 'account.ase').onRef('ledger_entry.account_id', '=', 'account.id'),
    )
    .select(['account.id', 'account.kind', 'account.asset_code', 'account.asset_scale', 'account.balance'])
    .select([
      sql<string>`coalesce(-sum(ledger_entry.amount) filter (where ledger_entry.amount < 0), 0)`.as('debits'),
      sql<string>`coalesce(sum(ledger_entry.amount) filter (where ledger_entry.amount > 0), 0)`.as('credits'),
    ])
    .where('account.ase', '=', ase)
    .where(sql<boolean>`account.id = any(${sql.val(ids)}::text[])`)
    .groupBy(['account.ase', 'account.id'])
    .orderBy('account.id')
    .execute();
  const hasMore = ids.length < found.length;
  const totals = new Map<string, { asset: Asset; debits: bigint; credits: bigint }>();
  let balanced = true;
  const lines = rows.map((row) => {
    const asset = toAsset(row);
    const debits = toAmount(row.debits);
    const credits = toAmount(row.credits);
    const balance = credits - debits;
    const key = `${asset.code}/${asset.scale}`;
    const total = totals.get(key) ?? { asset, debits: 0n, credits: 0n };
    totals.set(key, { asset, debits: total.debits + debits, credits: total.credits + credits });
    if (row.balance !== null && toAmount(row.balance) !== balance) balanced = false;
    return { account: row.id, kind: row.kind, asset, debits, credits, balance };
  });
  const sums = [...totals.values()];
  const isWhole = after === undefined && !hasMore;
  if (isWhole && !sums.every(({ debits, credits }) => debits === credits)) balanced = false;
  return { lines, totals: sums, balanced, hasMore };
}
