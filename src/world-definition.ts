/** The default world: two ASEs of different currencies, wallets with money, and a client with a key. */
import type { Asset } from './payments/amount.ts';
import type { Fee } from './payments/fees.ts';
import type { Prices } from './payments/rates.ts';

export interface WalletDefinition {
  readonly path: string;
  readonly publicName: string;
  readonly asset: Asset;
  /** Minor units. */
  readonly balance: bigint;
}

export interface AseDefinition {
  readonly name: string;
  /** Added to the world's port. */
  readonly portOffset: number;
  readonly wallets: readonly WalletDefinition[];
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
}

const usd: Asset = { code: 'USD', scale: 2 };
const eur: Asset = { code: 'EUR', scale: 2 };

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
      ],
    },
  ],
  prices: { USD: '1', EUR: '1.0869' },
  fee: { basisPoints: 0, fixed: 0n },
  maxPacketAmount: 250_000n,
  sender: { ase: 'granite', path: '/alice' },
  receiver: { ase: 'marble', path: '/bob' },
  client: { ase: 'granite', path: '/client', keyId: 'test-key-1' },
};
