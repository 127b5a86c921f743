/**
 * Creates the rows of an ASE with the functions of administration: secret, accounts, wallet addresses, the client's key,
 * first deposits, peers, fees and prices. It is idempotent: a repetition adds only what is missing.
 */
import { bookFirstDeposits, openAccounts, setPassphrase } from '../administration/accounts.ts';
import { setFees, setPrices } from '../administration/fees.ts';
import { listKeys, registerKey } from '../administration/keys.ts';
import { changePeer, createPeer, listPeers, type NewPeer } from '../administration/peers.ts';
import { setRateSource } from '../administration/rate-source.ts';
import { createWalletAddresses } from '../administration/wallet-addresses.ts';
import { setWebhook } from '../administration/webhook.ts';
import { deriveKey, deriveSecret, exportPublicJwk } from '../crypto/derived-keys.ts';
import { digestPassphrase } from '../crypto/passphrase-digest.ts';
import { toJson } from '../database/columns.ts';
import type { Database, Transaction } from '../database/database.ts';
import { ConfigError } from '../errors.ts';
import type { Ids } from '../ids.ts';
import { type Asset, sameAsset } from '../open-payments/amount.ts';
import { canonicalPath } from '../open-payments/wallet-address-url.ts';
import type { Fee } from '../payments/fees.ts';
import type { Prices } from '../payments/rates.ts';
import type { AseDefinition, KeyDefinition, WalletDefinition } from './definition/definition.ts';

export interface ProvisionOptions {
  /** Value of the `ase` column. */
  readonly key: string;
  /** ILP address of the ASE. */
  readonly prefix: string;
  readonly definition: AseDefinition;
  readonly origin: string;
  readonly ids: Ids;
  /** Secret of the ASE before a reset, from which keys and credentials that clients know are derived. Default: a new one. */
  readonly secret?: string | undefined;
  readonly now: number;
  /** The client whose key the wallet address of this path publishes. */
  readonly client: { readonly path: string; readonly keyId: string } | undefined;
  /** Account holders sign in with a passphrase. */
  readonly signIn: boolean;
  readonly prices: Prices;
  readonly fee: Fee;
  readonly peers: readonly NewPeer[];
  /** The tokens of the peers replace stored ones. */
  readonly replacePeerTokens: boolean;
}

export async function provisionAse(db: Database, options: ProvisionOptions): Promise<void> {
  const { key: ase, definition, ids, client } = options;
  // Drawn in any case, so that with a seed the ids after it are the same.
  const newSecret = ids.bytes(32).toString('base64');
  await db.transaction(async (tx) => {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('ase')
      .values({ ase, secrets: toJson([options.secret ?? newSecret]) })
      .onConflict((on) => on.doNothing())
      .executeTakeFirstOrThrow();
    const isNew = numInsertedOrUpdatedRows === 1n;
    // The row lock makes processes that start together provision one after the other.
    const { secrets } = await tx
      .selectFrom('ase')
      .select('secrets')
      .where('ase', '=', ase)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const present = await tx
      .selectFrom('wallet_address')
      .select(['id', 'path', 'url'])
      .where('ase', '=', ase)
      .execute();
    const walletIds = new Map(present.map(({ id, path }) => [path, id]));
    const wallets = definition.wallets.map((wallet) => ({ ...wallet, path: canonicalPath(wallet.path) }));
    for (const { path } of wallets) {
      const url = present.find((stored) => stored.path === path)?.url;
      if (url !== undefined && url !== options.origin + path)
        throw new ConfigError(describeForeignOrigin(options, url));
    }
    const missing = wallets.filter(({ path }) => !walletIds.has(path));
    for (const [path, id] of await addWallets(tx, options, missing)) walletIds.set(path, id);
    for (const { path, keys = [] } of wallets) await addKeys(tx, options, walletIds.get(path)!, keys);
    if (client) {
      const walletId = walletIds.get(canonicalPath(client.path));
      if (walletId === undefined) throw new Error(`the client ${client.path} is not a wallet of ${definition.name}`);
      const isDefined = definition.wallets.some(
        ({ path, keys }) => path === client.path && keys?.some(({ jwk }) => jwk.kid === client.keyId),
      );
      if (!isDefined) {
        const jwk = exportPublicJwk(deriveKey(secrets, 'client'), client.keyId);
        await addKeys(tx, options, walletId, [{ jwk }]);
      }
    }
    if (isNew) {
      await setPrices(tx, ase, options.prices);
      const fees = feesOf(definition, options.fee);
      if (fees.length > 0) await setFees(tx, ase, fees);
      // The operator writes the definition, so http is allowed.
      if (definition.webhook) await setWebhook(tx, ase, { allowHttp: true }, definition.webhook);
      if (definition.rateSource) await setRateSource(tx, ase, { allowHttp: true }, definition.rateSource);
    }
    await addPeers(tx, options, isNew);
    if (options.signIn) await addPassphrases(tx, options, secrets);
  });
}

/** A wallet address is a name that clients and other ASEs have stored, so it does not change with the options of a start. */
const describeForeignOrigin = ({ definition, origin }: ProvisionOptions, url: string): string =>
  `the database contains ${url}, but ${definition.name} would be at ${origin}: start with the --port, --public-url and --tls of the first start, or with another database`;

export interface Passphrase {
  readonly account: string;
  readonly passphrase: string;
}

/** Passphrases of the account holders: from the definition, or derived from a secret of the ASE. */
export const passphrasesOf = ({ wallets }: AseDefinition, secrets: readonly string[]): Passphrase[] =>
  wallets.map(({ path, passphrase }) => {
    const account = canonicalPath(path);
    return { account, passphrase: passphrase ?? deriveSecret(secrets, `passphrase\n${account}`).slice(0, 16) };
  });

async function addPassphrases(
  tx: Transaction,
  { key: ase, definition, ids }: ProvisionOptions,
  secrets: readonly string[],
): Promise<void> {
  const digests = await Promise.all(
    passphrasesOf(definition, secrets).map(async ({ account, passphrase }) => ({
      account,
      digest: await digestPassphrase(passphrase, ids.bytes(16)),
    })),
  );
  for (const { account, digest } of digests) await setPassphrase(tx, ase, account, digest);
}

/** Returns the ids of the wallet addresses by path. */
async function addWallets(
  tx: Transaction,
  { key: ase, origin, ids, now }: ProvisionOptions,
  wallets: readonly WalletDefinition[],
): Promise<[path: string, id: string][]> {
  if (wallets.length === 0) return [];
  await openAccounts(
    tx,
    ase,
    wallets.map(({ path, asset }) => ({ id: path, asset })),
  );
  // The operator chose the origin, so any scheme and port is allowed.
  const rules = { origin, local: true };
  const wanted = wallets.map(({ path, publicName }) => ({ url: origin + path, account: path, publicName }));
  const created = await createWalletAddresses(tx, ase, rules, wanted, ids, now);
  // An account that an operator has opened before can have another asset.
  const opened = created.map(({ account, asset }, index) => ({ id: account, asset, amount: wallets[index]!.balance }));
  const funded = opened.filter(({ amount }) => amount > 0n);
  if (funded.length > 0) await bookFirstDeposits(tx, ase, funded, now);
  return created.map(({ account, id }) => [account, id]);
}

async function addKeys(
  tx: Transaction,
  { key: ase, now }: ProvisionOptions,
  walletId: string,
  keys: readonly KeyDefinition[],
): Promise<void> {
  if (keys.length === 0) return;
  const present = await listKeys(tx, ase, walletId);
  for (const { jwk } of keys) {
    if (!present.some(({ kid }) => kid === jwk.kid)) await registerKey(tx, ase, walletId, jwk, now);
  }
}

const assetsOf = ({ wallets }: AseDefinition): Asset[] =>
  wallets
    .map(({ asset }) => asset)
    .filter((asset, index, all) => all.findIndex((other) => sameAsset(other, asset)) === index);

/** The fee in each asset: that of the definition, or `fee`. */
const feesOf = (definition: AseDefinition, fee: Fee) =>
  assetsOf(definition).map(
    (asset) => definition.fees?.find((defined) => sameAsset(defined.asset, asset)) ?? { asset, fee },
  );

async function addPeers(
  tx: Transaction,
  { key: ase, prefix, peers, replacePeerTokens }: ProvisionOptions,
  isNew: boolean,
) {
  const rules = { prefix, allowHttp: true };
  const present = isNew ? [] : await listPeers(tx, ase);
  for (const peer of peers) {
    const known = present.find(({ name }) => name === peer.name);
    const { endpoint, incomingToken, outgoingToken } = peer;
    if (!known) await createPeer(tx, ase, rules, peer);
    else if (replacePeerTokens) await changePeer(tx, ase, rules, peer.name, { endpoint, incomingToken, outgoingToken });
    else if (known.endpoint !== endpoint) await changePeer(tx, ase, rules, peer.name, { endpoint });
  }
}
