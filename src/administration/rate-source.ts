/** Where an ASE gets its exchange rates: its own prices, or a service (SET-06, SET-10). */
import type { Queryable, Transaction } from '../database/database.ts';
import { checkServiceUrl } from './service-url.ts';
import { countSettingsChange } from './settings.ts';

/** URL of the service; undefined where the prices are the rates. */
export async function readRateSource(db: Queryable, ase: string): Promise<string | undefined> {
  const row = await db.selectFrom('ase').select('rate_source').where('ase', '=', ase).executeTakeFirst();
  return row?.rate_source ?? undefined;
}

/** For quotes from now on; null for the prices. Returns the URL in its normal form. Throws `invalid_request`. */
export async function setRateSource(
  tx: Transaction,
  ase: string,
  rules: { readonly allowHttp: boolean },
  given: string | null,
): Promise<string | null> {
  const url = given === null ? null : checkServiceUrl(given, rules.allowHttp);
  await countSettingsChange(tx, ase);
  await tx.updateTable('ase').set({ rate_source: url }).where('ase', '=', ase).execute();
  return url;
}
