/** Founds an ASE in the database: its secrets, accounts, wallet addresses, keys and first deposits. Harmless if repeated. */
import { toInstant, toJson } from './database/columns.ts';
import type { Database } from './database/database.ts';
import { deriveKey, exportPublicJwk } from './derived-keys.ts';
import type { Ids } from './ids.ts';
import { bookTransfer, openInternalAccount } from './payments/ledger.ts';
import { normalisePath } from './wallet-address/path.ts';
import type { AseDefinition } from './world-definition.ts';

export interface FoundedAse {
  /** Base64, oldest first. */
  readonly secrets: readonly string[];
}

/** Inserts what is not there yet, under the ASE's key. `clientKey` is published at the wallet address of that path. */
export async function foundAse(
  db: Database,
  ase: string,
  definition: AseDefinition,
  origin: string,
  ids: Ids,
  now: number,
  client: { readonly path: string; readonly keyId: string } | undefined,
): Promise<FoundedAse> {
  const createdAt = toInstant(now);
  return db.transaction(async (tx) => {
    await tx
      .insertInto('ase')
      .values({ ase, secrets: toJson([ids.bytes(32).toString('base64')]) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    // Processes that start together found one after the other.
    const { secrets } = await tx
      .selectFrom('ase')
      .select('secrets')
      .where('ase', '=', ase)
      .forUpdate()
      .executeTakeFirstOrThrow();
    for (const wallet of definition.wallets) {
      const { asset } = wallet;
      const path = normalisePath(wallet.path);
      const accountId = `customer:${path}`;
      await tx
        .insertInto('account')
        .values({
          ase,
          id: accountId,
          kind: 'customer',
          asset_code: asset.code,
          asset_scale: asset.scale,
          balance: '0',
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await tx
        .insertInto('wallet_address')
        .values({
          ase,
          id: ids.uuid(),
          path,
          url: origin + path,
          public_name: wallet.publicName,
          account_id: accountId,
          active: true,
          created_at: createdAt,
        })
        .onConflict((conflict) => conflict.columns(['ase', 'path']).doNothing())
        .execute();
      const deposit = await openInternalAccount(tx, ase, 'deposit', asset);
      await bookTransfer(tx, ase, `deposit:${path}:1`, now, [
        { accountId: deposit, amount: -wallet.balance },
        { accountId, amount: wallet.balance },
      ]);
    }
    if (client) {
      const { id } = await tx
        .selectFrom('wallet_address')
        .select('id')
        .where('ase', '=', ase)
        .where('path', '=', client.path)
        .executeTakeFirstOrThrow();
      const jwk = exportPublicJwk(deriveKey(secrets, 'client'), client.keyId);
      await tx
        .insertInto('wallet_address_key')
        .values({ ase, wallet_address_id: id, kid: client.keyId, jwk: toJson(jwk), created_at: createdAt })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
    return { secrets };
  });
}
