/** Customer accounts, and money that enters or leaves the ASE (SET-07). */
import { toAmount, toAsset } from '../database/columns.ts';
import { customerAccountId, customerOf } from '../database/customer-account.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { type Asset, MAX_AMOUNT } from '../open-payments/amount.ts';
import { bookTransfer, openInternalAccount } from '../payments/ledger.ts';
import { adminProblem, checkText } from './problem.ts';

export interface Account {
  readonly id: string;
  readonly asset: Asset;
  /** Minor units. */
  readonly balance: bigint;
}

/** Opens an account for a customer. Throws `conflict` if the id is taken. */
export async function createAccount(
  tx: Transaction,
  ase: string,
  { id, asset }: { readonly id: string; readonly asset: Asset },
): Promise<Account> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('account')
    .values({
      ase,
      id: customerAccountId(checkText(id, 'the id')),
      kind: 'customer',
      asset_code: asset.code,
      asset_scale: asset.scale,
      balance: '0',
    })
    .onConflict((on) => on.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 0n) throw adminProblem('conflict', 'an account with this id exists');
  return { id, asset, balance: 0n };
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

/** The account with this id, or undefined. */
export async function findAccount(db: Queryable, ase: string, id: string): Promise<Account | undefined> {
  const row = await selectAccounts(db, ase)
    .where('id', '=', customerAccountId(checkText(id, 'the id')))
    .executeTakeFirst();
  return row && toAccount(row);
}

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
  const transferId = `${kind}:${checkText(id, 'the id')}`;
  const accountId = customerAccountId(account);
  const gain = kind === 'deposit' ? amount : -amount;
  const outside = await openInternalAccount(tx, ase, 'deposit', customer.asset);
  const entries = [
    { accountId: outside, amount: -gain },
    { accountId, amount: gain },
  ];
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
