/** Wallet addresses of this ASE in requests to the resource server (WA-20, RS-13). */

import { toLookupText } from '../database/columns.ts';
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

/** An active wallet address as tables `wallet` and `account`, for statements that join more tables. */
export function selectWalletAddress(db: Queryable, ase: string, url: string) {
  return db
    .selectFrom('wallet_address as wallet')
    .innerJoin('account', (join) =>
      join.onRef('account.ase', '=', 'wallet.ase').onRef('account.id', '=', 'wallet.account_id'),
    )
    .select(['wallet.id as wallet_id', 'wallet.url as wallet_url', 'wallet.account_id as wallet_account_id'])
    .select(['account.asset_code as wallet_asset_code', 'account.asset_scale as wallet_asset_scale'])
    .where('wallet.ase', '=', ase)
    .where('wallet.url', '=', url)
    .where('wallet.active', '=', true);
}

const selectByUrl = statement((db, wallet: { ase: string; url: string }) =>
  selectWalletAddress(db, wallet.ase, wallet.url),
);

type WalletAddressRow = Awaited<ReturnType<ReturnType<typeof selectWalletAddress>['executeTakeFirstOrThrow']>>;

export function toHostedWalletAddress(row: WalletAddressRow): HostedWalletAddress {
  return {
    id: row.wallet_id,
    url: row.wallet_url,
    asset: { code: row.wallet_asset_code, scale: row.wallet_asset_scale },
    accountId: row.wallet_account_id,
  };
}

/** Throws `unknown_wallet_address` unless the wallet address is hosted here and active. */
export async function findWalletAddress(db: Queryable, ase: string, url: string): Promise<HostedWalletAddress> {
  const row = await selectByUrl.first(db, { ase, url: toLookupUrl(url) });
  if (!row) throw resourceProblem('unknown_wallet_address');
  return toHostedWalletAddress(row);
}

/** Resources of a disabled wallet address are unavailable until it is enabled again (WA-43). */
export function checkActive({ wallet_active }: { readonly wallet_active: boolean }): void {
  if (!wallet_active) throw resourceProblem('unknown_wallet_address');
}
