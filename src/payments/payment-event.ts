/** The changes of payments that Rafiki has webhook events for (EVT-02). */
import type { Transaction } from '../database/database.ts';

export type PaymentEventType =
  | 'incoming_payment.created'
  | 'incoming_payment.completed'
  | 'incoming_payment.expired'
  | 'outgoing_payment.created'
  | 'outgoing_payment.completed'
  | 'outgoing_payment.failed';

/** Called inside the transaction that changes the payment, after the change and while the payment is locked. */
export type AnnouncePayment = (tx: Transaction, type: PaymentEventType, paymentId: string) => Promise<void>;

export const announceNothing: AnnouncePayment = async () => {};
