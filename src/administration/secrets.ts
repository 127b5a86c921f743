/** Versions of an ASE's secret, from which payment credentials are derived (ILP-09). */
import { toJson } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import type { Ids } from '../ids.ts';
import { countSettingsChange } from './settings.ts';

export interface SecretVersion {
  /** Counts from 1. */
  readonly version: number;
  /** True if new credentials are derived from this version. */
  readonly current: boolean;
}

const selectSecrets = (db: Queryable, ase: string) => db.selectFrom('ase').select('secrets').where('ase', '=', ase);

export async function listSecrets(db: Queryable, ase: string): Promise<SecretVersion[]> {
  const { secrets } = await selectSecrets(db, ase).executeTakeFirstOrThrow();
  return secrets.map((_, index) => ({ version: index + 1, current: index === secrets.length - 1 }));
}

/**
 * Adds a version. New credentials are derived from it, and those of older versions remain valid. Keys and the tokens
 * between servers are always derived from the first version.
 */
export async function addSecret(tx: Transaction, ase: string, ids: Ids): Promise<SecretVersion> {
  const { secrets } = await selectSecrets(tx, ase).forUpdate().executeTakeFirstOrThrow();
  const versions = [...secrets, ids.bytes(32).toString('base64')];
  await tx
    .updateTable('ase')
    .set({ secrets: toJson(versions) })
    .where('ase', '=', ase)
    .execute();
  await countSettingsChange(tx, ase);
  return { version: versions.length, current: true };
}
