/** Creating, changing and disabling wallet addresses (WA-19…23, WA-43). */
import { sql } from 'kysely';
import { toAsset, toInstant, toLookupText, toMillis } from '../database/columns.ts';
import { customerAccountId, customerOf } from '../database/customer-account.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import type { Ids } from '../ids.ts';
import { type Asset, sameAsset } from '../open-payments/amount.ts';
import { parseNewWalletAddress, type WalletAddressRules } from '../wallet-address/new-wallet-address.ts';
import { type Account, findAccount, findAccounts } from './accounts.ts';
import { revokeGrantsNaming } from './grants.ts';
import { adminProblem, checkText } from './problem.ts';

export interface WalletAddress {
  readonly id: string;
  readonly url: string;
  readonly publicName: string | undefined;
  readonly account: string;
  readonly asset: Asset;
  readonly active: boolean;
  readonly createdAt: number;
}

/** Time for which open incoming payments of a disabled wallet address still accept money in flight (WA-43). */
const DISABLING_GRACE_MS = 24 * 60 * 60 * 1000;

const selectWalletAddresses = (db: Queryable, ase: string) =>
  db
    .selectFrom('wallet_address as wallet')
    .innerJoin('account', (join) =>
      join.onRef('account.ase', '=', 'wallet.ase').onRef('account.id', '=', 'wallet.account_id'),
    )
    .select(['wallet.id', 'wallet.url', 'wallet.public_name', 'wallet.account_id', 'wallet.active'])
    .select(['wallet.created_at', 'account.asset_code', 'account.asset_scale'])
    .where('wallet.ase', '=', ase);

type WalletAddressRow = Awaited<ReturnType<ReturnType<typeof selectWalletAddresses>['executeTakeFirstOrThrow']>>;

const toWalletAddress = (row: WalletAddressRow): WalletAddress => ({
  id: row.id,
  url: row.url,
  publicName: row.public_name ?? undefined,
  account: customerOf(row.account_id),
  asset: toAsset(row),
  active: row.active,
  createdAt: toMillis(row.created_at),
});

export async function listWalletAddresses(db: Queryable, ase: string): Promise<WalletAddress[]> {
  return (await selectWalletAddresses(db, ase).orderBy('wallet.path').execute()).map(toWalletAddress);
}

/** Throws `not_found`. */
export async function getWalletAddress(db: Queryable, ase: string, id: string): Promise<WalletAddress> {
  const storable = toLookupText(id);
  const row = await selectWalletAddresses(db, ase).where('wallet.id', '=', storable).executeTakeFirst();
  if (!row) throw adminProblem('not_found', 'unknown wallet address');
  return toWalletAddress(row);
}

function expectAccount(account: Account | undefined): Account {
  if (!account) throw adminProblem('invalid_request', 'unknown account');
  return account;
}

/** A quote counts as a payment because it fixes amounts in the asset. */
async function hasPayments(db: Queryable, ase: string, walletAddressId: string): Promise<boolean> {
  for (const table of ['incoming_payment', 'quote'] as const) {
    const row = await db
      .selectFrom(table)
      .select('id')
      .where('ase', '=', ase)
      .where('wallet_address_id', '=', walletAddressId)
      .limit(1)
      .executeTakeFirst();
    if (row) return true;
  }
  return false;
}

export interface NewWalletAddress {
  readonly url: string;
  /** Id of the customer account. */
  readonly account: string;
  readonly publicName?: string | null;
}

/**
 * Throws `invalid_request` for an unknown account or a URL that cannot be a wallet address of this ASE, and `conflict`
 * if a wallet address is taken.
 */
export async function createWalletAddresses(
  tx: Transaction,
  ase: string,
  rules: WalletAddressRules,
  wanted: readonly NewWalletAddress[],
  ids: Ids,
  now: number,
): Promise<WalletAddress[]> {
  const addresses = wanted.map(({ url }) => parseNewWalletAddress(url, rules));
  const named = wanted.map(({ account }) => account);
  const accounts = new Map((await findAccounts(tx, ase, named)).map((account) => [account.id, account]));
  const created = wanted.map(({ account, publicName }, index) => ({
    id: ids.rowId(),
    url: addresses[index]!.url,
    publicName: publicName ? checkText(publicName, 'publicName') : undefined,
    account,
    asset: expectAccount(accounts.get(account)).asset,
    active: true,
    createdAt: now,
  }));
  const rows = created.map(({ id, url, publicName, account, active, createdAt }, index) => ({
    ...{ ase, id, url, path: addresses[index]!.path, public_name: publicName ?? null },
    ...{ account_id: customerAccountId(account), active, created_at: toInstant(createdAt) },
  }));
  const insert = tx.insertInto('wallet_address').values(rows);
  const { numInsertedOrUpdatedRows } = await insert.onConflict((on) => on.doNothing()).executeTakeFirstOrThrow();
  if (Number(numInsertedOrUpdatedRows) < rows.length) throw adminProblem('conflict', 'the wallet address is taken');
  return created;
}

export interface WalletAddressChange {
  readonly publicName?: string | null;
  readonly active?: boolean;
  /** Another account with the same asset, or with any asset while no payment exists (WA-44). */
  readonly account?: string;
}

/**
 * Disabling closes the open incoming payments after a grace period; enabling does not reopen them. A move to another
 * account revokes the grants that name the wallet address; its payments stay with the former account (OPI-072). Throws `not_found`,
 * `invalid_request` for an unknown account, and `conflict` if payments exist and the asset would change.
 */
export async function changeWalletAddress(
  tx: Transaction,
  ase: string,
  id: string,
  change: WalletAddressChange,
  now: number,
): Promise<WalletAddress> {
  const current = await getWalletAddress(tx, ase, id);
  const moves = change.account !== undefined && change.account !== current.account;
  // The former holder's consent does not bind the next one. Grants come first in the order of locks.
  if (moves) await revokeGrantsNaming(tx, ase, current.url);
  // Locks the row, which new payments refer to, until the change is committed.
  await tx.selectFrom('wallet_address').select('id').where('ase', '=', ase).where('id', '=', id).forUpdate().execute();
  if (change.account !== undefined) {
    const { asset } = expectAccount(await findAccount(tx, ase, change.account));
    if (!sameAsset(asset, current.asset) && (await hasPayments(tx, ase, id))) {
      throw adminProblem('conflict', 'the asset of a wallet address with payments cannot change');
    }
  }
  await tx
    .updateTable('wallet_address')
    .set({
      ...(change.publicName !== undefined && {
        public_name: change.publicName && checkText(change.publicName, 'publicName'),
      }),
      ...(change.account !== undefined && { account_id: customerAccountId(change.account) }),
      active: change.active ?? current.active,
    })
    .where('ase', '=', ase)
    .where('id', '=', id)
    .execute();
  if (current.active && change.active === false) {
    const end = toInstant(now + DISABLING_GRACE_MS);
    await tx
      .updateTable('incoming_payment')
      .set({ expires_at: sql<string>`least(expires_at, ${end}::timestamptz)` })
      .where('ase', '=', ase)
      .where('wallet_address_id', '=', id)
      .where('completed', '=', false)
      .where('expires_at', '>', end)
      .execute();
  }
  return getWalletAddress(tx, ase, id);
}
