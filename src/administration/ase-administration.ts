/** The parts of a running ASE that its administration uses. */
import type { Ids } from '../ids.ts';
import type { AnnouncePayment } from '../payments/payment-event.ts';
import type { SettingsMemory } from './settings.ts';

export interface AseAdministration {
  /** Key of the ASE's rows in the database. */
  readonly key: string;
  readonly origin: string;
  /** ILP address of the ASE. */
  readonly prefix: string;
  readonly local: boolean;
  readonly ids: Ids;
  readonly settings: SettingsMemory;
  /** Called when the keys of a wallet address have changed. */
  forgetKeys(walletAddress: string): void;
  /** Stores the webhook event of a change in the transaction that makes it. */
  readonly announce: AnnouncePayment;
  /** Makes the event worker look for due events. */
  wakeEvents(): void;
  /** Makes the payment worker look for payments to send. */
  wakePayments(): void;
}
