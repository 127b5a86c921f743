/**
 * What an administrator has set for an ASE, in memory: read at every request, changed rarely. The row of the ASE counts
 * the changes, so that every process finds out with one small query that there was one.
 */
import { sql } from 'kysely';
import { toAmount } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import type { Webhook } from '../events/delivery.ts';
import type { Asset } from '../open-payments/amount.ts';
import { type Fee, noFee } from '../payments/fees.ts';
import type { PeerTerms } from '../payments/ilp/peers.ts';
import type { Prices } from '../payments/rates.ts';

export interface Settings {
  readonly version: number;
  /** Base64, oldest first: the last one makes new credentials, all of them answer (ILP-09). */
  readonly secrets: readonly string[];
  readonly prices: Prices;
  /** URL of the service that exchange rates come from in place of the prices. */
  readonly rateSource: string | undefined;
  /** Where events go. */
  readonly webhook: Webhook | undefined;
  readonly peers: readonly PeerTerms[];
  /** What sending costs in an asset; nothing unless it was set. */
  readonly fee: (asset: Asset) => Fee;
}

export interface SettingsMemory {
  current(): Settings;
  /** Takes up what was changed, here or by another process. */
  refresh(): Promise<Settings>;
}

/** Reads the settings for the first time. */
export async function openSettings(db: Queryable, ase: string): Promise<SettingsMemory> {
  let current = await readSettings(db, ase);
  // One after the other, so that what was read last is also the newest.
  let running: Promise<unknown> = Promise.resolve();
  const refresh = async (): Promise<Settings> => {
    const row = await selectAse(db, ase).executeTakeFirst();
    if (row && row.settings_version !== current.version) current = await readSettings(db, ase);
    return current;
  };
  return {
    current: () => current,
    refresh() {
      const done = running.then(refresh);
      running = done.catch(() => {});
      return done;
    },
  };
}

/** Called in the transaction that changes a setting; changes of one ASE follow one another. */
export async function countSettingsChange(tx: Transaction, ase: string): Promise<void> {
  await tx
    .updateTable('ase')
    .set({ settings_version: sql<number>`settings_version + 1` })
    .where('ase', '=', ase)
    .execute();
}

const selectAse = (db: Queryable, ase: string) =>
  db
    .selectFrom('ase')
    .select(['settings_version', 'secrets', 'webhook_url', 'webhook_secret', 'rate_source'])
    .where('ase', '=', ase);

async function readSettings(db: Queryable, ase: string): Promise<Settings> {
  // The version first: a change between two of these is found by the next refresh.
  const { settings_version: version, secrets, ...row } = await selectAse(db, ase).executeTakeFirstOrThrow();
  const prices = await db.selectFrom('price').select(['currency', 'price']).where('ase', '=', ase).execute();
  const fees = await db.selectFrom('fee').selectAll().where('ase', '=', ase).execute();
  const peers = await db.selectFrom('peer').selectAll().where('ase', '=', ase).orderBy('name').execute();
  const feeOf = new Map<string, Fee>(
    fees.map((row) => [
      `${row.asset_code}/${row.asset_scale}`,
      { basisPoints: row.basis_points, fixed: toAmount(row.fixed) },
    ]),
  );
  return {
    version,
    secrets,
    prices: Object.fromEntries(prices.map(({ currency, price }) => [currency, price])),
    rateSource: row.rate_source ?? undefined,
    webhook:
      row.webhook_url === null || row.webhook_secret === null
        ? undefined
        : { url: row.webhook_url, secret: row.webhook_secret },
    peers: peers.map((row) => ({
      name: row.name,
      prefix: row.prefix,
      endpoint: row.endpoint,
      incomingTokenDigest: row.incoming_token_digest,
      outgoingToken: row.outgoing_token,
      maxPacketAmount: toAmount(row.max_packet_amount),
      balanceLimit: row.balance_limit === null ? undefined : toAmount(row.balance_limit),
    })),
    fee: ({ code, scale }) => feeOf.get(`${code}/${scale}`) ?? noFee,
  };
}
