/** What a world consists of, and the default one: two ASEs of different currencies, wallets with money, a client. */
import type { KeyObject } from 'node:crypto';
import type { GrantRules } from '../../auth/deps.ts';
import type { Webhook } from '../../events/delivery.ts';
import type { PageLabels } from '../../html/page-labels.ts';
import type { Asset } from '../../open-payments/amount.ts';
import type { ClientJwk } from '../../open-payments/client.ts';
import { canonicalPath } from '../../open-payments/wallet-address-url.ts';
import type { Fee } from '../../payments/fees.ts';
import type { Prices } from '../../payments/rates.ts';
import type { Switches } from '../../profile.ts';
import type { AdditionalProperties, Extensions } from '../../wallet-address/extensions.ts';

export interface WalletDefinition {
  readonly path: string;
  readonly publicName?: string;
  readonly asset: Asset;
  /** Minor units. */
  readonly balance: bigint;
  /** Further members of its document (WA-11). */
  readonly additionalProperties?: AdditionalProperties;
  /** What its holder signs in with, where that is asked for; default: one that is made and printed. */
  readonly passphrase?: string;
  /** Published at the wallet address. */
  readonly keys?: readonly KeyDefinition[];
}

export interface KeyDefinition {
  readonly jwk: ClientJwk;
  /** Where it is a test key that clients are handed. */
  readonly privateKey?: KeyObject;
}

/** Names of what an ASE publishes of its servers. */
export type PublicUrl = 'walletAddressServer' | 'authServer' | 'resourceServer' | 'identityProvider';

export interface ServerDefinition {
  /** As clients know it, with its path; the wallet address server's is an origin. Default: below the ASE's origin. */
  readonly url?: string;
  /** Where it listens. Default: the ASE's port. */
  readonly port?: number;
  /** Further base URLs that clients call it by (SIG-21). */
  readonly aliases?: readonly string[];
}

/** A neighbour in the world, on whose terms to trade; or one elsewhere, with all that is needed to reach it. */
export interface PeerDefinition {
  readonly name: string;
  /** Default: the world's. */
  readonly maxPacketAmount?: bigint;
  /** Default: none. */
  readonly balanceLimit?: bigint;
  readonly elsewhere?: {
    readonly prefix: string;
    readonly endpoint: string;
    readonly incomingToken: string;
    readonly outgoingToken: string;
  };
}

export interface AseDefinition {
  readonly name: string;
  /** Added to the world's port. */
  readonly portOffset: number;
  /** In place of the world's port and the offset. */
  readonly port?: number;
  readonly servers?: Readonly<Partial<Record<PublicUrl, ServerDefinition>>>;
  readonly wallets: readonly WalletDefinition[];
  /** How its authorization server makes grants. */
  readonly grants?: GrantRules;
  /** Of its wallet addresses; default: none. */
  readonly extensions?: Omit<Extensions, 'additionalProperties'>;
  /** In place of the world's. */
  readonly prices?: Prices;
  /** URL of the service that its exchange rates come from, in place of prices (SET-06). */
  readonly rateSource?: string;
  /** Where its events go; default: nowhere (EVT-01). */
  readonly webhook?: Webhook;
  /** In place of the world's, for payers in these assets. */
  readonly fees?: readonly { readonly asset: Asset; readonly fee: Fee }[];
  /** Default: all other ASEs of the world. */
  readonly peers?: readonly PeerDefinition[];
}

export interface WorldDefinition {
  readonly ases: readonly AseDefinition[];
  /** Prices of one major unit of each currency, in a common one. */
  readonly prices: Prices;
  readonly fee: Fee;
  /** Largest packet on the links, in minor units. */
  readonly maxPacketAmount: bigint;
  /** A wallet with money, one at the other ASE that can be paid, and the client with its key id. */
  readonly sender: { readonly ase: string; readonly path: string };
  readonly receiver: { readonly ase: string; readonly path: string };
  readonly client: { readonly ase: string; readonly path: string; readonly keyId: string };
  /** Where calls to other origins really go. */
  readonly hosts?: Readonly<Record<string, string>>;
  readonly pages?: PageLabels;
  /** Whether whoever consents on the page must sign in. */
  readonly signIn?: boolean;
  /** In place of the profile's. */
  readonly switches?: Partial<Switches>;
}

/** The client's key, where the definition gives it one. */
export const findClientKey = (
  { wallets }: AseDefinition,
  client: WorldDefinition['client'],
): KeyDefinition | undefined =>
  wallets.find(({ path }) => path === client.path)?.keys?.find(({ jwk }) => jwk.kid === client.keyId);

const publishedUrls = (ases: readonly AseDefinition[]): string[] =>
  ases
    .flatMap(({ servers }) => Object.values(servers ?? {}))
    .flatMap(({ url, aliases = [] }) => [...(url === undefined ? [] : [url]), ...aliases]);

/** Hosts of all URLs that these ASEs publish in place of the usual ones. */
export const hostsOf = (ases: readonly AseDefinition[]): string[] =>
  publishedUrls(ases).map((url) => new URL(url).hostname);

/** What of a definition is for nobody but tests, by name, and whether it is there. */
export function unsafeFeatures(ases: readonly AseDefinition[]): Record<string, boolean> {
  const wallets = ases.flatMap((ase) => ase.wallets);
  return {
    'a passphrase in the world file': wallets.some(({ passphrase }) => passphrase !== undefined),
    'a private key in the world file': wallets.some(({ keys }) => keys?.some(({ privateKey }) => privateKey)),
    'an http URL in the world file': publishedUrls(ases).some((url) => url.startsWith('http:')),
  };
}

/** The extensions of an ASE, with those of single wallets. */
export function extensionsOf({ extensions, wallets }: AseDefinition): Extensions {
  const additional = wallets.flatMap(({ path, additionalProperties: given }) =>
    given ? [[canonicalPath(path), given] as const] : [],
  );
  return { ...extensions, additionalProperties: new Map(additional) };
}

const usd: Asset = { code: 'USD', scale: 2 };
const eur: Asset = { code: 'EUR', scale: 2 };
const jpy: Asset = { code: 'JPY', scale: 0 };

export const defaultWorld: WorldDefinition = {
  ases: [
    {
      name: 'granite',
      portOffset: 0,
      wallets: [
        { path: '/alice', publicName: 'Alice', asset: usd, balance: 1_000_000n },
        { path: '/amelia', publicName: 'Amelia', asset: usd, balance: 100_000n },
        { path: '/client', publicName: 'Test client', asset: usd, balance: 0n },
        { path: '/.well-known/pay', publicName: 'Granite', asset: usd, balance: 0n },
      ],
    },
    {
      name: 'marble',
      portOffset: 100,
      wallets: [
        { path: '/bob', publicName: 'Bob', asset: eur, balance: 0n },
        { path: '/carol', publicName: 'Carol', asset: eur, balance: 1_000_000n },
        { path: '/.well-known/pay', publicName: 'Marble', asset: eur, balance: 0n },
        { path: '/jun', publicName: 'Jun', asset: jpy, balance: 1_000_000n },
      ],
    },
  ],
  prices: { USD: '1', EUR: '1.0869', JPY: '0.0067' },
  fee: { basisPoints: 0, fixed: 0n },
  maxPacketAmount: 250_000n,
  sender: { ase: 'granite', path: '/alice' },
  receiver: { ase: 'marble', path: '/bob' },
  client: { ase: 'granite', path: '/client', keyId: 'test-key-1' },
};
