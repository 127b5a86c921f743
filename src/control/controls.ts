/** The interface between the control API and the world that it controls. */
import type { AseState } from '../administration/ase-state.ts';
import type { ClockChange } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { RunFacts } from '../grade/conclusion.ts';
import type { Grading } from '../grade/grading.ts';
import type { TrapWorld } from '../grade/traps/trap.ts';
import type { Interceptors } from '../http/interceptor.ts';
import type { RequestTrace } from '../http/request-trace.ts';
import type { LedgerPage, TrialBalance } from '../payments/ledger.ts';
import type { ProfileName, WireSwitches } from '../profile.ts';

/** The operations on a world that the control API offers. */
export interface Controls {
  readonly version: string;
  readonly spec: string;
  readonly seed: string | undefined;
  readonly profile: ProfileName;
  clock(): { readonly mode: 'live' | 'frozen'; readonly now: number };
  changeClock(change: ClockChange): Promise<void>;
  consent(): ConsentMode;
  setConsent(mode: ConsentMode): Promise<void>;
  /** Absent unless the world listens on loopback only. */
  readonly faults?: Faults;
  /** Absent like `faults`. */
  readonly traps?: { readonly world: TrapWorld; readonly intercept: Interceptors['add'] } | undefined;
  readonly numberOfRequest: RequestTrace['numberOf'];
  readonly listExchanges: RequestTrace['list'];
  readonly findExchange: RequestTrace['find'];
  readonly subscribeToExchanges: RequestTrace['subscribe'];
  /** Origins of the servers of the world. */
  origins(): readonly string[];
  readonly switches: WireSwitches;
  /**
   * Everything that a report on the clients of this world says. `output` is what the command of the client printed.
   * Undefined where no exchanges are recorded.
   */
  readRun?(output?: string): Promise<RunFacts>;
  /** Judges requests that wait for their verdicts, for this many milliseconds at most. Undefined like `readRun`. */
  readonly judgeFor?: Grading['catchUp'];
  /** The verdicts about one exchange; undefined if it was not graded. Undefined like `readRun`. */
  readonly verdictsOf?: Grading['verdictsOf'];
  reset(): Promise<void>;
  describeAses(): Promise<readonly AseState[]>;
  /** Absent from additional worlds. */
  readonly worlds?: Worlds;
  /** The ledgers of all ASEs, or of the one that `ase` names, whole or a page of each. */
  ledgers(
    page?: LedgerPage & { readonly ase?: string | undefined },
  ): Promise<readonly { readonly name: string; readonly books: TrialBalance }[]>;
}

/** Additional worlds, which only the main world can create and delete. */
export interface Worlds {
  list(): readonly string[];
  create(options: {
    readonly seed?: string;
    readonly consent?: ConsentMode;
    readonly profile?: ProfileName;
    /** The content of a world file. */
    readonly definition?: unknown;
  }): Promise<{
    readonly id: string;
    readonly ases: readonly AseState[];
    describeEnvironment(): Record<string, string>;
  }>;
  /** Returns false for an unknown id. */
  remove(id: string): Promise<boolean>;
}

export type ConsentMode = 'auto' | 'deny' | 'manual';
