/**
 * The receiver of an outgoing payment: an incoming payment as the paying ASE sees it, by Open Payments if it stands at
 * another ASE. The one thing settlement needs to know of that protocol; how it is read is handed in.
 */
import type { Asset } from '../open-payments/amount.ts';

export interface Receiver {
  readonly url: string;
  readonly asset: Asset;
  readonly incomingAmount?: bigint;
  readonly receivedAmount: bigint;
  readonly completed: boolean;
  /** Business time of the receiving ASE, which alone judges it. */
  readonly expiresAt?: number;
  /** Payment method `ilp` (RS-IP-10); absent where the payment stands at this ASE. */
  readonly ilp?: { readonly address: string; readonly sharedSecret: Buffer };
  /** Set if the payment stands at this ASE: no packets are needed. */
  readonly localIncomingPaymentId?: string;
}

/**
 * Reads a receiver by the URL of its incoming payment. Throws the Problem `invalid_receiver` if it is unknown, closed
 * or can not be paid, `receiver_unreachable` if asking again later may help.
 */
export type ReadReceiver = (url: string) => Promise<Receiver>;
