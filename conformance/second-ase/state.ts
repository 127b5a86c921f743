/** Everything that the ASE remembers, in memory. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { AccessItem } from './access.ts';
import type { FaultName } from './faults.ts';
import type { Amount, Json } from './json.ts';
import type { Client } from './keys.ts';
import type { Nonces } from './signatures.ts';

export interface Wallet {
  readonly url: string;
  readonly publicName: string;
  readonly assetCode: string;
  readonly assetScale: number;
  balance: bigint;
  readonly keys: readonly Json[];
}

export interface Token {
  readonly value: string;
  readonly manageId: string;
  readonly grant: Grant;
  readonly expiresAt: number;
}

export interface Grant {
  readonly id: string;
  readonly client: Client;
  readonly access: readonly AccessItem[];
  readonly subject: Json;
  readonly isInteractive: boolean;
  readonly finish: { readonly uri: string; readonly nonce: string } | undefined;
  readonly serverNonce: string;
  readonly reference: string;
  readonly continueToken: string;
  state: 'pending' | 'approved' | 'issued' | 'cancelled';
}

/** The browser of an owner, from the link to the finish URI. */
export interface Interaction {
  readonly grant: Grant;
  session?: string;
  consentTicket?: string;
}

export interface IncomingPayment {
  readonly id: string;
  readonly wallet: Wallet;
  readonly clientId: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly incomingAmount: Amount | undefined;
  readonly metadata: Json;
  readonly method: { readonly type: 'ilp'; readonly ilpAddress: string; readonly sharedSecret: string };
  received: bigint;
  isCompleted: boolean;
}

export interface Quote {
  readonly id: string;
  readonly wallet: Wallet;
  readonly clientId: string;
  readonly receiver: IncomingPayment;
  readonly debitAmount: Amount;
  readonly receiveAmount: Amount;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface OutgoingPayment {
  readonly id: string;
  readonly wallet: Wallet;
  readonly clientId: string;
  readonly grant: Grant;
  readonly quote: Quote;
  readonly createdAt: number;
  readonly metadata: Json;
  /** Equal for repetitions of one request. */
  readonly request: string;
  readonly idempotencyKey: string | undefined;
  /** Body of the answer to the request and to its repetitions. */
  answer: Json;
  sent: bigint;
  hasFailed: boolean;
}

export interface State {
  readonly has: (fault: FaultName) => boolean;
  /** Origin and base URLs that clients call. */
  readonly origin: string;
  readonly authServer: string;
  readonly resourceServer: string;
  readonly wallets: readonly Wallet[];
  readonly nonces: Nonces;
  readonly findKey: (client: Client, keyId: string) => Promise<import('node:crypto').KeyObject>;
  readonly grants: Map<string, Grant>;
  /** Their keys are the secret parts of the links. */
  readonly interactions: Map<string, Interaction>;
  readonly tokens: Map<string, Token>;
  readonly tokensByManageId: Map<string, Token>;
  readonly incoming: Map<string, IncomingPayment>;
  readonly quotes: Map<string, Quote>;
  readonly outgoing: Map<string, OutgoingPayment>;
}

export const newSecret = (): string => randomBytes(24).toString('base64url');
export const newId = (): string => randomUUID();

/** A wallet address hosted here, in any letter case and with or without a slash at its end. */
export function findWallet({ wallets }: Pick<State, 'wallets'>, url: string): Wallet | undefined {
  const folded = url.replace(/\/$/, '').toLowerCase();
  return wallets.find((wallet) => wallet.url.toLowerCase() === folded);
}
