/** Fees for sending, and prices of currencies (SET-05, SET-10). */
import { toAmount, toAsset } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { type Asset, MAX_AMOUNT } from '../open-payments/amount.ts';
import { checkFee, type Fee } from '../payments/fees.ts';
import { type Prices, parsePrice } from '../payments/rates.ts';
import { adminProblem } from './problem.ts';
import { countSettingsChange } from './settings.ts';

export interface AssetFee {
  readonly asset: Asset;
  readonly fee: Fee;
}

export async function listFees(db: Queryable, ase: string): Promise<AssetFee[]> {
  const rows = await db
    .selectFrom('fee')
    .selectAll()
    .where('ase', '=', ase)
    .orderBy('asset_code')
    .orderBy('asset_scale')
    .execute();
  return rows.map((row) => ({
    asset: toAsset(row),
    fee: { basisPoints: row.basis_points, fixed: toAmount(row.fixed) },
  }));
}

/** Sets fees for sending in assets, for new quotes. Throws `invalid_request` beyond the bounds of SET-11. */
export async function setFees(tx: Transaction, ase: string, fees: readonly AssetFee[]): Promise<void> {
  for (const { fee } of fees) {
    try {
      checkFee(fee);
    } catch (error) {
      throw adminProblem('invalid_request', (error as Error).message);
    }
    if (fee.fixed > MAX_AMOUNT) throw adminProblem('invalid_request', 'fixed is not a uint64');
  }
  await countSettingsChange(tx, ase);
  const rows = fees.map(({ asset, fee }) => ({
    ...{ ase, asset_code: asset.code, asset_scale: asset.scale },
    ...{ basis_points: fee.basisPoints, fixed: `${fee.fixed}` },
  }));
  await tx
    .insertInto('fee')
    .values(rows)
    .onConflict((on) =>
      on
        .columns(['ase', 'asset_code', 'asset_scale'])
        .doUpdateSet(({ ref }) => ({ basis_points: ref('excluded.basis_points'), fixed: ref('excluded.fixed') })),
    )
    .execute();
}

export async function findPrices(db: Queryable, ase: string): Promise<Prices> {
  const rows = await db
    .selectFrom('price')
    .select(['currency', 'price'])
    .where('ase', '=', ase)
    .orderBy('currency')
    .execute();
  return Object.fromEntries(rows.map(({ currency, price }) => [currency, price]));
}

/** Replaces all prices, for new quotes. Throws `invalid_request` unless each is a positive decimal. */
export async function setPrices(tx: Transaction, ase: string, prices: Prices): Promise<void> {
  const rows = Object.entries(prices).map(([currency, price]) => {
    try {
      parsePrice(price);
    } catch (error) {
      throw adminProblem('invalid_request', `${currency}: ${(error as Error).message}`);
    }
    return { ase, currency, price };
  });
  await countSettingsChange(tx, ase);
  await tx.deleteFrom('price').where('ase', '=', ase).execute();
  if (rows.length > 0) await tx.insertInto('price').values(rows).execute();
}
