/**
 * The receiver of an outgoing payment: an incoming payment as the paying ASE sees it, fetched over Open Payments if it
 * belongs to another ASE. Sending needs nothing else of that protocol.
 */
import type { Clock } from '../clock.ts';
import type { Asset } from '../open-payments/amount.ts';

export interface Receiver {
  readonly url: string;
  readonly asset: Asset;
  readonly incomingAmount?: bigint;
  readonly receivedAmount: bigint;
  readonly completed: boolean;
  /** Business time of the receiving ASE, which alone enforces it. */
  readonly expiresAt?: number;
  /** Payment method `ilp` (RS-IP-10); absent if the payment belongs to this ASE. */
  readonly ilp?: { readonly address: string; readonly sharedSecret: Buffer };
  /** Set if the payment belongs to this ASE: no packets are needed. */
  readonly localIncomingPaymentId?: string;
}

/**
 * Reads a receiver by the URL of its incoming payment. Throws the Problem `invalid_receiver` if it is unknown, closed
 * or cannot be paid, and `receiver_unreachable` if a later attempt may succeed.
 */
export type ReadReceiver = (url: string) => Promise<Receiver>;

/** Time after which a receiver is read again before it is paid: a payment that is sent at once needs no second request. */
const RECENT_MS = 30_000;
/** Maximum number of receivers that are remembered. */
const MAX_RECENT = 1_000;

export interface RecentReceivers {
  readonly readReceiver: ReadReceiver;
  /** A receiver of another ASE as it was at most half a minute ago. Its ASE checks each packet as it is then. */
  recentReceiver(url: string): Receiver | undefined;
}

/** Remembers, in this process, the receivers of other ASEs that were read last. */
export function rememberReceivers(readReceiver: ReadReceiver, clock: Pick<Clock, 'wallNow'>): RecentReceivers {
  const recent = new Map<string, { readonly receiver: Receiver; readonly until: number }>();
  return {
    async readReceiver(url) {
      // Known while it is read again, for another payment to it that is sent meanwhile.
      const receiver = await readReceiver(url).finally(() => recent.delete(url));
      if (receiver.ilp) recent.set(url, { receiver, until: clock.wallNow() + RECENT_MS });
      if (recent.size > MAX_RECENT) recent.delete(recent.keys().next().value!);
      return receiver;
    },
    recentReceiver(url) {
      const known = recent.get(url);
      return known && clock.wallNow() < known.until ? known.receiver : undefined;
    },
  };
}
