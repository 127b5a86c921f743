/**
 * Settings of an ASE, cached in memory because every request reads them and they rarely change. The row of the ASE
 * counts the changes, so that every process detects one with a single small query.
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
  /** Base64, oldest first. New credentials are derived from the last one; all of them remain valid (ILP-09). */
  readonly secrets: readonly string[];
  readonly prices: Prices;
  /** URL of the service that replaces the prices as the source of exchange rates. */
  readonly rateSource: string | undefined;
  /** Receiver of events. */
  readonly webhook: Webhook | undefined;
  readonly peers: readonly PeerTerms[];
  /** Fee for sending in an asset; zero unless one is set. */
  readonly fee: (asset: Asset) => Fee;
}

export interface SettingsMemory {
  current(): Settings;
  /** Loads changes made by this or another process. */
  refresh(): Promise<Settings>;
}

const selectAse = (db: Queryable, ase: string) =>
  db
    .selectFrom('ase')
    .select(['settings_version', 'secrets', 'webhook_url', 'webhook_secret', 'rate_source'])
    .where('ase', '=', ase);

async function loadSettings(db: Queryable, ase: string): Promise<Settings> {
  // The version is read first: the next refresh then detects a change between these queries.
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
      answersRepeats: row.answers_repeats,
      routes: row.routes,
    })),
    fee: ({ code, scale }) => feeOf.get(`${code}/${scale}`) ?? noFee,
  };
}

/** Loads the settings. */
export async function openSettings(db: Queryable, ase: string): Promise<SettingsMemory> {
  let current = await loadSettings(db, ase);
  // Refreshes run one after the other, so that the last one to finish is also the newest.
  let running: Promise<unknown> = Promise.resolve();
  const refresh = async (): Promise<Settings> => {
    const row = await selectAse(db, ase).executeTakeFirst();
    if (row && row.settings_version !== current.version) current = await loadSettings(db, ase);
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

/** Must be called in a transaction that changes a setting. The row lock serialises the changes of an ASE. */
export async function countSettingsChange(tx: Transaction, ase: string): Promise<void> {
  await tx
    .updateTable('ase')
    .set({ settings_version: sql<number>`settings_version + 1` })
    .where('ase', '=', ase)
    .execute();
}
