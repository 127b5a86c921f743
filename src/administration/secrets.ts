/** The secret of an ASE, from which its payment credentials derive, in versions (ILP-09). */
import { toJson } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import type { Ids } from '../ids.ts';
import { countSettingsChange } from './settings.ts';

export interface SecretVersion {
  /** From 1 on. */
  readonly version: number;
  /** Whether new credentials are made by it. */
  readonly current: boolean;
}

export async function listSecrets(db: Queryable, ase: string): Promise<SecretVersion[]> {
  const { secrets } = await selectSecrets(db, ase).executeTakeFirstOrThrow();
  return secrets.map((_, index) => ({ version: index + 1, current: index === secrets.length - 1 }));
}

/**
 * Makes the ASE's next secret: new credentials come from it, those made by older ones keep working. What else derives
 * from a secret (keys, tokens between servers) stays with the first.
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

const selectSecrets = (db: Queryable, ase: string) => db.selectFrom('ase').select('secrets').where('ase', '=', ase);
