/** Wallet addresses of this ASE in requests to the resource server (WA-20, RS-13). */

import { toAsset, toLookupText } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { Asset } from '../open-payments/amount.ts';
import { canonicalWalletAddress } from '../open-payments/wallet-address-url.ts';
import { resourceProblem } from './problem.ts';

export interface HostedWalletAddress {
  readonly id: string;
  /** Canonical: lower case, no trailing slash. */
  readonly url: string;
  readonly asset: Asset;
  /** The customer account that it belongs to at the moment. */
  readonly accountId: string;
}

/** The stored URL of a wallet address in any spelling. */
export const toLookupUrl = (walletAddress: string): string => toLookupText(canonicalWalletAddress(walletAddress));

/** An active wallet address as table `wallet`, for statements that join more tables. */
export const selectWalletAddress = (db: Queryable, ase: string, url: string) =>
  db
    .selectFrom('wallet_address as wallet')
    .select(['wallet.id as wallet_id', 'wallet.url as wallet_url', 'wallet.account_id as wallet_account_id'])
    .where('wallet.ase', '=', ase)
    .where('wallet.url', '=', url)
    .where('wallet.active', '=', true);

const selectWithAsset = statement((db, wallet: { ase: string; url: string }) =>
  selectWalletAddress(db, wallet.ase, wallet.url)
    .innerJoin('account', (join) =>
      join.onRef('account.ase', '=', 'wallet.ase').onRef('account.id', '=', 'wallet.account_id'),
    )
    .select(['account.asset_code', 'account.asset_scale']),
);

/** Throws `unknown_wallet_address` unless the wallet address is hosted here and active. */
export async function findWalletAddress(db: Queryable, ase: string, url: string): Promise<HostedWalletAddress> {
  const row = await selectWithAsset.first(db, { ase, url: toLookupUrl(url) });
  if (!row) throw resourceProblem('unknown_wallet_address');
  return { id: row.wallet_id, url: row.wallet_url, asset: toAsset(row), accountId: row.wallet_account_id };
}

/** Resources of a disabled wallet address are unavailable until it is enabled again (WA-43). */
export function checkActive({ wallet_active }: { readonly wallet_active: boolean }): void {
  if (!wallet_active) throw resourceProblem('unknown_wallet_address');
}
