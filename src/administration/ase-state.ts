/** The state of an ASE that the control API reports (CT-01). */
import { sql } from 'kysely';
import type { Queryable } from '../database/database.ts';

export interface AseState {
  name: string;
  origin: string;
  authServer: string;
  resourceServer: string;
  walletAddresses: { url: string; assetCode: string; assetScale: number; balance: string }[];
}

/** Active wallet addresses with their balances. */
export async function listWalletAddressStates(query: Queryable, ase: string): Promise<AseState['walletAddresses']> {
  const rows = await query
    .selectFrom('wallet_address as w')
    .innerJoin('account as a', (join) => join.onRef('a.ase', '=', 'w.ase').onRef('a.id', '=', 'w.account_id'))
    .select(['w.url', 'a.asset_code', 'a.asset_scale', 'a.balance'])
    .where('w.ase', '=', ase)
    .where('w.active', '=', true)
    .orderBy(sql`w.path like '/.well-known/%'`)
    .orderBy('w.path')
    .execute();
  return rows.map((row) => ({
    url: row.url,
    assetCode: row.asset_code,
    assetScale: row.asset_scale,
    balance: row.balance ?? '0',
  }));
}
