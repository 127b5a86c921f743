/** The parts of a running ASE that its administration needs. */
import type { Ids } from '../ids.ts';
import type { SettingsMemory } from './settings.ts';

/** What administration needs of an ASE. */
export interface AseAdministration {
  /** Of its rows in the database. */
  readonly key: string;
  readonly origin: string;
  /** Its ILP address. */
  readonly prefix: string;
  readonly local: boolean;
  readonly ids: Ids;
  readonly settings: SettingsMemory;
  /** Told of a wallet address whose keys have changed. */
  forgetKeys(walletAddress: string): void;
  /** Looks for due events. */
  wakeEvents(): void;
  /** Looks for payments to settle. */
  wakePayments(): void;
}
