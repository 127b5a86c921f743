/** The state of the money model, an immutable value. Imports nothing from the server. */
import { type Asset, nameOf, type Prices, type Terms } from './amounts.ts';

export type AseName = 'granite' | 'marble';

export interface Amount {
  readonly value: bigint;
  readonly asset: string;
}

/** The constants of a world. Wallets and grants are identified by their positions in these lists. */
export interface World {
  readonly wallets: readonly { readonly ase: AseName; readonly asset: Asset; readonly balance: bigint }[];
  readonly grants: readonly GrantTerms[];
  readonly prices: Prices;
  readonly fee: Fee;
  readonly maxPacketAmount: bigint;
  /** A node between the ASEs forwards their packets. */
  readonly hasRelay: boolean;
  /** Payments that an ASE sends to a peer at once. */
  readonly slots: number;
}

export interface Fee {
  readonly basisPoints: number;
  readonly fixed: bigint;
}

/** A grant to pay from a wallet, and what limits it. */
export interface GrantTerms {
  readonly wallet: number;
  readonly debit?: bigint | undefined;
  readonly receive?: Amount | undefined;
  /** Limits are those of each period; `count` of them, from the beginning on. */
  readonly interval?: { readonly seconds: number; readonly count?: number | undefined } | undefined;
}

export type Action =
  | {
      readonly kind: 'receive';
      readonly incoming: number;
      readonly wallet: number;
      readonly amount?: bigint | undefined;
      readonly lifetime?: number | undefined;
    }
  | { readonly kind: 'complete'; readonly incoming: number }
  | {
      readonly kind: 'quote';
      readonly quote: number;
      readonly grant: number;
      readonly incoming: number;
      readonly debit?: bigint | undefined;
      readonly receive?: bigint | undefined;
    }
  | { readonly kind: 'pay quote'; readonly payment: number; readonly grant: number; readonly quote: number }
  | {
      readonly kind: 'pay incoming';
      readonly payment: number;
      readonly grant: number;
      readonly incoming: number;
      readonly debit: bigint;
    }
  | {
      readonly kind: 'deposit' | 'withdraw';
      readonly movement: number;
      readonly wallet: number;
      readonly amount: bigint;
    }
  | { readonly kind: 'price'; readonly ase: AseName; readonly prices: Prices }
  | { readonly kind: 'fee'; readonly wallet: number; readonly fee: Fee }
  | { readonly kind: 'advance'; readonly seconds: number }
  /** The wallet address moves to its other account. */
  | { readonly kind: 'move'; readonly wallet: number }
  /** An ASE removes the other as its peer, and adds it again. */
  | { readonly kind: 'part' | 'rejoin'; readonly ase: AseName };

/** The parts of the answer that matter to the model; `lost` if a fault removed the answer. */
export interface Answer {
  readonly status: string;
  readonly debit?: Amount;
  readonly receive?: Amount;
  readonly received?: bigint;
  /** Seconds since the beginning. */
  readonly expires?: number;
  readonly spentDebit?: Amount;
  readonly spentReceive?: Amount;
  /** The least debit that would do. */
  readonly least?: bigint;
}

/**
 * A fault on purpose: the first call of an operation loses its answer, before or after the work was done; or the nth
 * packet is rejected for good or for now, is not sent or not heard of, arrives twice, or would bring a debt when none
 * is allowed. A slow packet waits until the requests are answered and all payments within ASEs have ended.
 */
export type Fault =
  | { readonly at: Action['kind']; readonly isDone: boolean }
  | { readonly packet: number; readonly fate: PacketFate; readonly isSlow: boolean };

export type PacketFate = 'final' | 'temporary' | 'lost' | 'unanswered' | 'repeated' | 'indebted';

export interface Step {
  readonly action: Action;
  readonly answer: Answer;
}

type Numbered<T> = Readonly<Record<number, T>>;

export interface Incoming {
  readonly wallet: number;
  /** The account of the wallet address at the time. */
  readonly account: number;
  readonly amount?: bigint | undefined;
  readonly expires: number;
  readonly received: bigint;
  readonly completed: boolean;
  /** Room that payments have reserved which have yet to send a part, by their numbers (OPI-098). */
  readonly reserved: Numbered<bigint>;
}

export interface Quote {
  readonly wallet: number;
  readonly account: number;
  readonly incoming: number;
  readonly debit: bigint;
  readonly fee: bigint;
  readonly receive: bigint;
  readonly expires: number;
  readonly isUsed: boolean;
}

export interface Payment extends Omit<Quote, 'expires' | 'isUsed'> {
  readonly grant: number;
  readonly period: string;
  readonly delivered: bigint;
  readonly isFunded: boolean;
  /** `doubt`: a packet was sent to an ASE that has removed the payer's. */
  readonly stage: 'hold' | 'read' | 'send' | 'sent' | 'doubt' | 'failing' | 'completed' | 'failed';
}

export interface Spent {
  readonly asset: string;
  readonly debit: bigint;
  readonly receive: bigint;
}

export interface State {
  /** Seconds since the sequence began. */
  readonly now: number;
  /** The account of each wallet address: its number, or `OTHER` more. */
  readonly owners: readonly number[];
  /** Balances of the accounts, by their numbers. */
  readonly balances: readonly bigint[];
  readonly prices: Readonly<Record<AseName, Prices>>;
  /** Keys are the ASE and the asset; the world's fee applies where none was set. */
  readonly fees: Readonly<Record<string, Fee>>;
  readonly incoming: Numbered<Incoming>;
  readonly quotes: Numbered<Quote>;
  readonly payments: Numbered<Payment>;
  /** Keys are the grant, then the period; the last used asset is last. */
  readonly spent: Numbered<Readonly<Record<string, readonly Spent[]>>>;
  readonly movements: Readonly<Record<string, bigint>>;
  /** Fees that the ASEs took, and what they owe each other, by the accounts of their ledgers. */
  readonly internal: Readonly<Record<string, bigint>>;
  /** ASEs that have removed the other as their peer. */
  readonly parted: readonly AseName[];
  readonly packetFault?: { readonly left: number; readonly fate: PacketFate } | undefined;
}

/** Seconds. */
export const QUOTE_LIFE = 15 * 60;
export const LONGEST = 30 * 24 * 60 * 60;
export const MOST = 2n ** 64n - 1n;
/** Every wallet address has two accounts, whose numbers differ by this. */
export const OTHER = 4;

export const begin = ({ wallets, prices }: World): State => ({
  now: 0,
  owners: wallets.map((_, wallet) => wallet),
  balances: [...wallets.map(({ balance }) => balance), ...wallets.map(() => 0n)],
  prices: { granite: prices, marble: prices },
  fees: {},
  incoming: {},
  quotes: {},
  payments: {},
  spent: {},
  movements: {},
  internal: {},
  parted: [],
});

export const feeKey = (world: World, wallet: number): string =>
  `${world.wallets[wallet]!.ase} ${nameOf(world.wallets[wallet]!.asset)}`;

/** Under which terms a wallet's ASE would quote a payment to another now. */
export const termsBetween = (world: World, state: State, from: number, to: number): Terms => ({
  from: world.wallets[from]!.asset,
  to: world.wallets[to]!.asset,
  prices: state.prices[world.wallets[from]!.ase],
  ...(state.fees[feeKey(world, from)] ?? world.fee),
});

export const isClosed = ({ now }: State, { completed, expires }: Incoming): boolean => completed || now >= expires;

export const remainingOf = ({ amount, received }: Incoming): bigint => (amount ?? MOST) - received;

/** True if a packet is in doubt whose answer cannot come. */
const isStuck = (state: State, { wallets }: World, { stage, incoming }: Payment): boolean =>
  stage === 'doubt' && state.parted.includes(wallets[state.incoming[incoming]!.wallet]!.ase);

/** True if the payment has not ended and does not wait for its peer's return. */
export const isMoving = (state: State, world: World, payment: Payment): boolean =>
  payment.stage !== 'completed' && payment.stage !== 'failed' && !isStuck(state, world, payment);

export const otherAse = (ase: AseName): AseName => (ase === 'granite' ? 'marble' : 'granite');

/** The debit and receive amounts of a payment, with their assets. */
export const amountsOf = ({ wallets }: World, state: State, { wallet, incoming, debit, receive }: Quote | Payment) => ({
  debit: { value: debit, asset: nameOf(wallets[wallet]!.asset) },
  receive: { value: receive, asset: nameOf(wallets[state.incoming[incoming]!.wallet]!.asset) },
});

/** The part of a total that is due for what was delivered, rounded up; all of it at the end. */
function dueOf(total: bigint, { stage, receive, delivered }: Payment): bigint {
  if (stage === 'completed') return total;
  const exact = total * delivered;
  return exact / receive + (exact % receive === 0n ? 0n : 1n);
}

/** The sent part of the debit. */
export const sentOf = (payment: Payment): bigint => dueOf(payment.debit - payment.fee, payment);

/** The charged part of the fee. */
export const feeOf = (payment: Payment): bigint => dueOf(payment.fee, payment);

/** The sent part as clients see it: less than the debit until the payment has ended. */
export function shownOf(payment: Payment): bigint {
  const sent = sentOf(payment);
  const hasEnded = payment.stage === 'completed' || payment.stage === 'failed';
  return !hasEnded && sent === payment.debit ? sent - 1n : sent;
}

/** Undefined outside of every period. */
export function periodAt(interval: GrantTerms['interval'], now: number): string | undefined {
  if (!interval) return 'always';
  const period = Math.floor(now / interval.seconds);
  return period < (interval.count ?? Infinity) ? String(period) : undefined;
}
