/** Settlement: an outgoing payment is its own job. */
import type { Clock } from '../clock.ts';
import type { Database } from '../database/database.ts';
import type { Failpoint } from './failpoint.ts';
import type { Connector } from './ilp/connector.ts';
import type { ReadReceiver } from './receiver.ts';

/** As pino's. */
export interface SettlementLog {
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

export interface SettlementOptions {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly connector: Connector;
  readonly readReceiver: ReadReceiver;
  readonly log?: SettlementLog;
  readonly failpoint?: Failpoint;
  readonly leaseMs?: number;
  readonly pollMs?: number;
  readonly packetLifetimeMs?: number;
  readonly concurrency?: number;
  readonly maxAttempts?: number;
}

export interface Settlement {
  /** Looks for due payments now; call it after the transaction that created one has committed. */
  wake(): void;
  /** Starts the slow poll that finds the payments of crashed processes. */
  start(): void;
  /** Finishes the packets in flight and hands every payment back. */
  stop(): Promise<void>;
  /** Runs one attempt of this payment now, due or not, unless another worker has it. */
  settleNow(paymentId: string): Promise<'completed' | 'failed' | 'pending'>;
  /** Resolves when nothing runs here and nothing is due. */
  idle(): Promise<void>;
}

export declare function createSettlement(options: SettlementOptions): Settlement;
