/** The source of an ASE's exchange rates: its own prices, or a service (SET-06, SET-10). */
import type { Queryable, Transaction } from '../database/database.ts';
import { checkServiceUrl } from './service-url.ts';
import { countSettingsChange } from './settings.ts';

/** URL of the service; undefined if the rates follow from the prices. */
export async function findRateSource(db: Queryable, ase: string): Promise<string | undefined> {
  const row = await db.selectFrom('ase').select('rate_source').where('ase', '=', ase).executeTakeFirst();
  return row?.rate_source ?? undefined;
}

/** Sets the source for new quotes; null for the prices. Returns the normalised URL. Throws `invalid_request`. */
export async function setRateSource(
  tx: Transaction,
  ase: string,
  rules: { readonly allowHttp: boolean },
  serviceUrl: string | null,
): Promise<string | null> {
  const url = serviceUrl === null ? null : checkServiceUrl(serviceUrl, rules.allowHttp);
  await countSettingsChange(tx, ase);
  await tx.updateTable('ase').set({ rate_source: url }).where('ase', '=', ase).execute();
  return url;
}
