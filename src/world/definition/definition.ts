/** The definition of a world, and the default world: two ASEs with different currencies, funded wallets, a client. */
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
  /** The holder signs in with it if sign-in is on. Default: a generated one, which is printed. */
  readonly passphrase?: string;
  /** Published at the wallet address. */
  readonly keys?: readonly KeyDefinition[];
}

export interface KeyDefinition {
  readonly jwk: ClientJwk;
  /** Present for a test key that is handed to clients. */
  readonly privateKey?: KeyObject;
}

/** Names of the URLs that an ASE publishes. */
export type PublicUrl = 'walletAddressServer' | 'authServer' | 'resourceServer' | 'identityProvider';

export interface ServerDefinition {
  /** Public URL with its path; an origin for the wallet address server. Default: below the ASE's origin. */
  readonly url?: string;
  /** Port to listen on. Default: the ASE's port. */
  readonly port?: number;
  /** Further base URLs that clients call it by (SIG-21). */
  readonly aliases?: readonly string[];
}

/** A peer in the same world, or one in another deployment with everything that is needed to reach it. */
export interface PeerDefinition {
  readonly name: string;
  /** Default: the world's. */
  readonly maxPacketAmount?: bigint;
  /** Default: none. */
  readonly balanceLimit?: bigint;
  /** False for a connector that may deliver a repeated packet again. Default: true. */
  readonly answersRepeats?: boolean;
  /** Further ILP address prefixes that it forwards packets to. Default: none. */
  readonly routes?: readonly string[];
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
  /** Replaces the world's port and the offset. */
  readonly port?: number;
  readonly servers?: Readonly<Partial<Record<PublicUrl, ServerDefinition>>>;
  readonly wallets: readonly WalletDefinition[];
  /** Rules of its authorization server. */
  readonly grants?: GrantRules;
  /** Extensions of its wallet addresses. Default: none. */
  readonly extensions?: Omit<Extensions, 'additionalProperties'>;
  /** Replace the world's prices. */
  readonly prices?: Prices;
  /** URL of a service for exchange rates, which replaces the prices (SET-06). */
  readonly rateSource?: string;
  /** Receiver of its events. Default: none (EVT-01). */
  readonly webhook?: Webhook;
  /** Replace the world's fee for payers in these assets. */
  readonly fees?: readonly { readonly asset: Asset; readonly fee: Fee }[];
  /** Default: all other ASEs of the world. */
  readonly peers?: readonly PeerDefinition[];
}

export interface WorldDefinition {
  /** The world file, for messages. */
  readonly file?: string;
  readonly ases: readonly AseDefinition[];
  /** Price of one major unit of each currency, in a common currency. */
  readonly prices: Prices;
  readonly fee: Fee;
  /** Largest packet on the links, in minor units. */
  readonly maxPacketAmount: bigint;
  /** A funded wallet, a wallet of the other ASE that can be paid, and the client with its key id. */
  readonly sender: { readonly ase: string; readonly path: string };
  readonly receiver: { readonly ase: string; readonly path: string };
  readonly client: { readonly ase: string; readonly path: string; readonly keyId: string };
  /** Origin → address that outbound calls to this origin connect to. */
  readonly hosts?: Readonly<Record<string, string>>;
  readonly pages?: PageLabels;
  /** Account holders must sign in before they consent. */
  readonly signIn?: boolean;
  /** Replace the switches of the profile. */
  readonly switches?: Partial<Switches>;
}

/** The client's key, if the definition contains one. */
export const findClientKey = (
  { wallets }: AseDefinition,
  client: WorldDefinition['client'],
): KeyDefinition | undefined =>
  wallets.find(({ path }) => path === client.path)?.keys?.find(({ jwk }) => jwk.kid === client.keyId);

const publishedUrls = (ases: readonly AseDefinition[]): string[] =>
  ases
    .flatMap(({ servers }) => Object.values(servers ?? {}))
    .flatMap(({ url, aliases = [] }) => [...(url === undefined ? [] : [url]), ...aliases]);

/** Hosts of all configured public URLs of these ASEs. */
export const hostsOf = (ases: readonly AseDefinition[]): string[] =>
  publishedUrls(ases).map((url) => new URL(url).hostname);

/** The members of a definition that are for tests only, by the rule for each (`exposure.ts`). */
export function unsafeFeatures({ ases, file }: WorldDefinition, hosted: readonly AseDefinition[]) {
  const inFile = (member: string) => (file === undefined ? member : `${file}: ${member}`);
  const members = {
    filePassphrase: [] as string[],
    filePrivateKey: [] as string[],
    fileHttpUrl: [] as string[],
    listAllWithoutConsent: [] as string[],
  };
  for (const ase of hosted) {
    const at = inFile(`ases[${ases.indexOf(ase)}]`);
    for (const [index, { passphrase, keys = [] }] of ase.wallets.entries()) {
      if (passphrase !== undefined) members.filePassphrase.push(`${at}.wallets[${index}].passphrase`);
      if (keys.some(({ privateKey }) => privateKey)) members.filePrivateKey.push(`${at}.wallets[${index}].keys`);
    }
    if (ase.grants?.consentForListAll === false) members.listAllWithoutConsent.push(`${at}.grants.consentForListAll`);
    for (const [server, { url, aliases = [] }] of Object.entries(ase.servers ?? {})) {
      if (url?.startsWith('http:')) members.fileHttpUrl.push(`${at}.servers.${server}.url`);
      if (aliases.some((alias) => alias.startsWith('http:')))
        members.fileHttpUrl.push(`${at}.servers.${server}.aliases`);
    }
  }
  return members;
}

/** The extensions of an ASE, including those of single wallets. */
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
