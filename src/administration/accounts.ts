/** Customer accounts, and money that enters or leaves the ASE (SET-07). */
import { toAmount, toAsset } from '../database/columns.ts';
import { customerAccountId, customerOf } from '../database/customer-account.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { type Asset, MAX_AMOUNT } from '../open-payments/amount.ts';
import {
  bookTransfer,
  bookTransfers,
  type Entry,
  internalAccountId,
  openInternalAccounts,
} from '../payments/ledger.ts';
import { adminProblem, checkText } from './problem.ts';

export interface Account {
  readonly id: string;
  readonly asset: Asset;
  /** Minor units. */
  readonly balance: bigint;
}

export type NewAccount = Pick<Account, 'id' | 'asset'>;

/** Opens the accounts of customers that are not there yet. Returns how many that were. */
export async function openAccounts(tx: Transaction, ase: string, accounts: readonly NewAccount[]): Promise<number> {
  const rows = accounts.map(({ id, asset }) => ({
    ase,
    id: customerAccountId(checkText(id, 'the id')),
    kind: 'customer' as const,
    asset_code: asset.code,
    asset_scale: asset.scale,
    balance: '0',
  }));
  const insert = tx.insertInto('account').values(rows);
  const { numInsertedOrUpdatedRows } = await insert.onConflict((on) => on.doNothing()).executeTakeFirstOrThrow();
  return Number(numInsertedOrUpdatedRows);
}

/** Opens an account for a customer. Throws `conflict` if the id is taken. */
export async function createAccount(tx: Transaction, ase: string, account: NewAccount): Promise<Account> {
  if ((await openAccounts(tx, ase, [account])) === 0) throw adminProblem('conflict', 'an account with this id exists');
  return { ...account, balance: 0n };
}

const selectAccounts = (db: Queryable, ase: string) =>
  db
    .selectFrom('account')
    .select(['id', 'asset_code', 'asset_scale', 'balance'])
    .where('ase', '=', ase)
    .where('kind', '=', 'customer');

type AccountRow = Awaited<ReturnType<ReturnType<typeof selectAccounts>['executeTakeFirstOrThrow']>>;

const toAccount = (row: AccountRow): Account => ({
  id: customerOf(row.id),
  asset: toAsset(row),
  balance: toAmount(row.balance!),
});

export async function listAccounts(db: Queryable, ase: string): Promise<Account[]> {
  return (await selectAccounts(db, ase).orderBy('id').execute()).map(toAccount);
}

/** The accounts with these ids that exist, in any order. */
export async function findAccounts(db: Queryable, ase: string, ids: readonly string[]): Promise<Account[]> {
  const accountIds = ids.map((id) => customerAccountId(checkText(id, 'the id')));
  return (await selectAccounts(db, ase).where('id', 'in', accountIds).execute()).map(toAccount);
}

/** The account with this id, or undefined. */
export const findAccount = async (db: Queryable, ase: string, id: string): Promise<Account | undefined> =>
  (await findAccounts(db, ase, [id]))[0];

/** Sets the passphrase that the account holder signs in with, unless one is set. */
export async function setPassphrase(tx: Transaction, ase: string, id: string, digest: string): Promise<void> {
  await tx
    .updateTable('account')
    .set({ passphrase_digest: digest })
    .where('ase', '=', ase)
    .where('id', '=', customerAccountId(id))
    .where('passphrase_digest', 'is', null)
    .execute();
}

export interface Movement {
  /** Idempotency key chosen by the caller. */
  readonly id: string;
  readonly account: string;
  /** Minor units of the account's asset. */
  readonly amount: bigint;
}

/** A customer gains an amount from outside the ASE, or loses it if it is negative. */
const entriesBetween = ({ id, asset }: NewAccount, gain: bigint): Entry[] => [
  { accountId: internalAccountId('deposit', asset), amount: -gain },
  { accountId: customerAccountId(id), amount: gain },
];

/** Books the first deposits of new accounts, each once. The amounts are positive. */
export async function bookFirstDeposits(
  tx: Transaction,
  ase: string,
  deposits: readonly (NewAccount & { readonly amount: bigint })[],
  now: number,
): Promise<void> {
  await openInternalAccounts(
    tx,
    ase,
    deposits.map(({ asset }) => ({ kind: 'deposit', asset })),
  );
  const movements = deposits.map(({ id, amount }) => ({ id: `${id}:1`, account: id, amount }));
  const transfers = deposits.map((deposit) => ({
    id: `deposit:${deposit.id}:1`,
    entries: entriesBetween(deposit, deposit.amount),
  }));
  if (await bookTransfers(tx, ase, now, transfers)) return;
  // Those that an operator has booked before must be the same.
  for (const movement of movements) await moveMoney(tx, ase, 'deposit', movement, now);
}

/**
 * Books a deposit or withdrawal. Returns false if it was booked before. Throws `not_found` for an unknown account,
 * `conflict` if another movement has the id, `insufficient_funds` if the balance does not cover a withdrawal, and
 * `invalid_request` unless the amount is a positive uint64.
 */
export async function moveMoney(
  tx: Transaction,
  ase: string,
  kind: 'deposit' | 'withdrawal',
  { id, account, amount }: Movement,
  now: number,
): Promise<boolean> {
  if (amount <= 0n || amount > MAX_AMOUNT) throw adminProblem('invalid_request', 'amount is not a positive uint64');
  const customer = await findAccount(tx, ase, account);
  if (!customer) throw adminProblem('not_found', 'unknown account');
  const gain = kind === 'deposit' ? amount : -amount;
  const transferId = `${kind}:${checkText(id, 'the id')}`;
  const accountId = customerAccountId(account);
  await openInternalAccounts(tx, ase, [{ kind: 'deposit', asset: customer.asset }]);
  const entries = entriesBetween(customer, gain);
  if (await bookTransfer(tx, ase, transferId, now, entries)) return true;
  const booked = await tx
    .selectFrom('ledger_entry')
    .select('amount')
    .where('ase', '=', ase)
    .where('transfer_id', '=', transferId)
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  if (!booked || toAmount(booked.amount) !== gain) throw adminProblem('conflict', `another ${kind} has this id`);
  return false;
}
