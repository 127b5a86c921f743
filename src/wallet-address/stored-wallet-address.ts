/** Queries for wallet addresses and their keys. Disabled ones look like unknown ones (WA-12, WA-13). */
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { ClientJwk } from '../open-payments/client.ts';

interface WalletAddress {
  readonly ase: string;
  readonly path: string;
}

const selectByPath = statement((db, { ase, path }: WalletAddress) =>
  db
    .selectFrom('wallet_address as w')
    .innerJoin('account as a', (join) => join.onRef('a.ase', '=', 'w.ase').onRef('a.id', '=', 'w.account_id'))
    .select(['w.id', 'w.url', 'w.path', 'w.public_name', 'a.asset_code', 'a.asset_scale'])
    .where('w.ase', '=', ase)
    .where('w.path', '=', path)
    .where('w.active', '=', true),
);

const selectKeysByPath = statement((db, { ase, path }: WalletAddress) =>
  db
    .selectFrom('wallet_address as w')
    .leftJoin('wallet_address_key as k', (join) =>
      join.onRef('k.ase', '=', 'w.ase').onRef('k.wallet_address_id', '=', 'w.id'),
    )
    .select(['w.url', 'k.jwk'])
    .where('w.ase', '=', ase)
    .where('w.path', '=', path)
    .where('w.active', '=', true)
    .orderBy('k.created_at')
    .orderBy('k.kid'),
);

export const selectWalletAddress = (db: Queryable, ase: string, path: string) => selectByPath.first(db, { ase, path });

/** URL and current keys of a wallet address; the key set may be empty (WA-32). */
export async function selectKeys(db: Queryable, ase: string, path: string) {
  const rows = await selectKeysByPath.all(db, { ase, path });
  const [first] = rows;
  return first && { url: first.url, keys: rows.flatMap(({ jwk }): ClientJwk[] => (jwk ? [jwk] : [])) };
}
