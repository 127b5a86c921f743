/**
 * The receiver of an outgoing payment: an incoming payment as the paying ASE sees it, fetched over Open Payments if it
 * belongs to another ASE. Sending needs nothing else of that protocol.
 */
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
