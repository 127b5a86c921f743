/** A link to a peer's connector: carries serialised packets without reading them. */
import { type Asset, MAX_AMOUNT } from '../../open-payments/amount.ts';

export interface Link {
  /**
   * Sends a Prepare, whose amount is in units of `asset`, and returns the peer's answer. `onSent` is called when the
   * bytes have been sent. Throws LinkError if no answer came; the packet may have arrived nevertheless.
   */
  send(asset: Asset, prepare: Buffer, onSent?: () => void): Promise<Buffer>;
  /** True while a payment is to have one packet in flight only. Default: false. */
  isOneByOne?(): boolean;
}

/** No answer came: broken connection, timeout or an invalid reply. The packet is in doubt. */
export class LinkError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LinkError';
  }
}

/** A payment that needs more packets than this is not quoted. */
export const MAX_PACKETS_QUOTED = 1_000n;
/** A payment fails before it takes more packets than this, also those that were rejected. */
export const MAX_PACKETS_SENT = 2_000n;

/** Packets that deliver `amount` if each carries at most `maximum`. */
export const packetsFor = (amount: bigint, maximum: bigint): bigint => (amount + maximum - 1n) / maximum;

/** Decimal places up to which the maximum of a peer counts minor units. */
const MAXIMUM_SCALE = 2;

/** The largest packet in minor units of the asset: a finer asset has more of them for the same value. */
export function maxPacketIn({ maxPacketAmount }: Pick<Peer, 'maxPacketAmount'>, { scale }: Asset): bigint {
  const amount = maxPacketAmount * 10n ** BigInt(Math.max(0, scale - MAXIMUM_SCALE));
  return amount < MAX_AMOUNT ? amount : MAX_AMOUNT;
}

/** An ASE that this one exchanges packets with. */
export interface Peer {
  readonly name: string;
  /** ILP address prefix of its wallet addresses. */
  readonly prefix: string;
  /** Further prefixes that it forwards packets to. */
  readonly routes?: readonly string[];
  /** The largest packet the link carries, either way (F08), in minor units of an asset with up to two decimal places. */
  readonly maxPacketAmount: bigint;
  /** Maximum debt of the peer in each asset, in minor units (T04); undefined for no limit. */
  readonly balanceLimit?: bigint | undefined;
  /** False if it may deliver a repeated packet again, so that a lost answer cannot be asked for. Default: true. */
  readonly answersRepeats?: boolean;
  readonly link: Link;
}
